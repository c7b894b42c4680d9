/*
 * What ICMP says of datagrams that did not arrive (RFC 1122, 4.1.3.3; RFC 4443, 3.1): an error of the
 * connected socket that sent them, told by its next call. lwIP does not look at these; a raw PCB for each
 * family sees them before it, from the first connected socket on. All they hold is a stranger's.
 */
#define _GNU_SOURCE
#include "udp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/raw.h"

#define ICMP_HEAD 8
#define UDP_PORTS 4

/* By code, of "destination unreachable"; 0: not told to who does not ask for it. As Linux has them. */
static const uint8_t errors4[] = {0,
                                  0,
                                  ENOPROTOOPT,
                                  ECONNREFUSED,
                                  0,
                                  EOPNOTSUPP,
                                  ENETUNREACH,
                                  EHOSTUNREACH,
                                  ENONET,
                                  ENETUNREACH,
                                  EHOSTUNREACH,
                                  0,
                                  0,
                                  EHOSTUNREACH,
                                  EHOSTUNREACH,
                                  EHOSTUNREACH};
static const uint8_t errors6[] = {0, EACCES, 0, 0, ECONNREFUSED, EACCES, EACCES};

/* Who sent from this port to that peer: IPv6 zones are not in packets. */
static struct sd_udp *find(uint16_t from, const ip_addr_t *to, uint16_t to_port)
{
    for (const struct udp_pcb *pcb = udp_pcbs; pcb; pcb = pcb->next) {
        struct sd_udp *udp = sd_udp_of_pcb(pcb);

        if (!udp || !udp->inet.has_peer || pcb->local_port != from || pcb->remote_port != to_port ||
            IP_GET_TYPE(&pcb->remote_ip) != IP_GET_TYPE(to))
            continue;
        if (IP_IS_V4(to) ? ip4_addr_cmp(ip_2_ip4(&pcb->remote_ip), ip_2_ip4(to))
                         : ip6_addr_cmp_zoneless(ip_2_ip6(&pcb->remote_ip), ip_2_ip6(to)))
            return udp;
    }
    return NULL;
}

static uint16_t port_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* `datagram` is the beginning of what was sent, with its IP header. */
static void tell(const uint8_t *datagram, size_t bytes, int error)
{
    bool is_v6 = datagram[0] >> 4 == 6;
    size_t head = is_v6 ? IP6_HLEN : (size_t)(datagram[0] & 15) * 4;
    struct sd_udp *udp;
    ip_addr_t to;

    if (head < IP_HLEN || bytes < head + UDP_PORTS || datagram[is_v6 ? 6 : 9] != IP_PROTO_UDP)
        return;
    memset(&to, 0, sizeof(to));
    if (is_v6) {
        IP_SET_TYPE_VAL(to, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(&to)->addr, datagram + 24, 16);
    } else {
        memcpy(&ip_2_ip4(&to)->addr, datagram + 16, 4);
    }
    udp = find(port_at(datagram + head), &to, port_at(datagram + head + 2));
    if (!udp)
        return;
    udp->inet.error = error;
    sd_inet_tell(&udp->inet, POLLERR);
}

/* The packet is moved to its ICMP header and back. */
static bool is_sound(struct pbuf *packet, size_t head, bool is_v6)
{
    uint16_t sum;

    if ((ip_current_input_netif()->chksum_flags &
         (is_v6 ? NETIF_CHECKSUM_CHECK_ICMP6 : NETIF_CHECKSUM_CHECK_ICMP)) == 0)
        return true;
    if (pbuf_remove_header(packet, head))
        return false;
    sum = is_v6 ? ip6_chksum_pseudo(packet, IP6_NEXTH_ICMP6, packet->tot_len, ip6_current_src_addr(),
                                    ip6_current_dest_addr())
                : inet_chksum_pbuf(packet);
    (void)pbuf_add_header_force(packet, head);
    return !sum;
}

/* Eats nothing. */
static u8_t on_icmp(void *arg, struct raw_pcb *pcb, struct pbuf *packet, const ip_addr_t *from)
{
    const bool is_v6 = arg != NULL;
    const uint8_t *errors = is_v6 ? errors6 : errors4;
    const size_t count = is_v6 ? sizeof(errors6) : sizeof(errors4), head = ip_current_header_tot_len();
    uint8_t bytes[ICMP_HEAD + 60 + UDP_PORTS];
    size_t there;

    (void)pcb, (void)from;
    there = pbuf_copy_partial(packet, bytes, sizeof(bytes), (uint16_t)head);
    if (there <= ICMP_HEAD || bytes[0] != (is_v6 ? ICMP6_TYPE_DUR : ICMP_DUR) || bytes[1] >= count ||
        !errors[bytes[1]] || bytes[ICMP_HEAD] >> 4 != (is_v6 ? 6 : 4) || !is_sound(packet, head, is_v6))
        return 0;
    tell(bytes + ICMP_HEAD, there - ICMP_HEAD, errors[bytes[1]]);
    return 0;
}

static void hear(struct raw_pcb **ear, uint8_t type, uint8_t protocol)
{
    static char is_v6;

    if (*ear)
        return;
    *ear = raw_new_ip_type(type, protocol);
    if (*ear)
        raw_recv(*ear, on_icmp, type == IPADDR_TYPE_V6 ? &is_v6 : NULL);
}

void sd_udp_hear_errors(void)
{
    static struct raw_pcb *ears[2];

    hear(&ears[0], IPADDR_TYPE_V4, IP_PROTO_ICMP);
    hear(&ears[1], IPADDR_TYPE_V6, IP6_NEXTH_ICMP6);
}
