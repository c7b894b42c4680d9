#define _GNU_SOURCE
#include "udp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <stardust/net.h>

#include "../posix/copy.h"
#include "message_control.h"

#define PAYLOAD_MAX 65507 /* of an IPv4 packet, which has 16 bits for its length */

/* ---- sending ---- */

/* Where it goes out, and from which address: as lwIP has it, but for what the control data say, and that all
 * of 127.0.0.0/8 is the guest's. NULL: lwIP decides. */
static struct netif *choose_way(struct sd_udp *udp, struct sd_control *control, const ip_addr_t *to)
{
    struct netif *netif;

    if (!control->has_source && IP_IS_V4(to) && sd_end_is_loopback(&udp->inet.local) &&
        !ip_addr_isany(&udp->pcb->local_ip)) {
        control->has_source = true;
        ip_addr_copy(control->source, udp->pcb->local_ip);
    }
    if (control->interface)
        netif = netif_get_by_index((uint8_t)control->interface);
    else
        netif = control->has_source ? ip_route(&control->source, to) : NULL;
    if (netif && !control->has_source) {
        const ip_addr_t *own = ip_netif_get_local_ip(netif, to);

        if (!ip_addr_isany(&udp->pcb->local_ip))
            own = &udp->pcb->local_ip;
        if (!own)
            return NULL;
        ip_addr_copy(control->source, *own);
    }
    return netif;
}

static long send_packet(struct sd_udp *udp, struct pbuf *packet, const struct sd_end *to,
                        struct sd_control *control)
{
    struct netif *netif = choose_way(udp, control, &to->address);
    struct udp_pcb *pcb = udp->pcb;
    uint8_t tos = pcb->tos, ttl = pcb->ttl;
    err_t error;

    /* The loopback interface, which alone has no state, is where these stay. */
    if (netif && netif->state && ip_addr_isloopback(&control->source))
        return -EINVAL;
    if (control->tos >= 0)
        pcb->tos = (uint8_t)control->tos;
    if (control->ttl >= 0)
        pcb->ttl = (uint8_t)control->ttl;
    if (netif)
        error = udp_sendto_if_src(pcb, packet, &to->address, to->port, netif, &control->source);
    else
        error = udp_sendto(pcb, packet, &to->address, to->port);
    pcb->tos = tos;
    pcb->ttl = ttl;
    return sd_inet_error(error);
}

static long send_to(struct sd_udp *udp, struct sd_message *message, struct sd_end *to)
{
    struct sd_end from = udp->inet.local;
    struct sd_control control;
    struct pbuf *packet;
    ip_addr_t own;
    long error;

    if (sd_end_is_any(to))
        ip_addr_set_loopback_val(!IP_IS_V4_VAL(to->address), to->address);
    error = sd_control_take(&udp->inet, message, IP_IS_V6_VAL(to->address), &control);
    if (error)
        return error;
    if (control.has_source)
        ip_addr_copy(from.address, control.source);
    error = ip_addr_ismulticast(&to->address) ? 0 : sd_end_route(&from, &to->address, &own);
    if (error && !udp->inet.has_peer && !ip_addr_isbroadcast(&to->address, netif_default))
        return error;
    packet = pbuf_alloc(PBUF_TRANSPORT, (uint16_t)message->bytes, PBUF_RAM);
    if (!packet)
        return -ENOBUFS;
    error = sd_message_in(message, packet->payload, packet->len);
    if (!error)
        error = send_packet(udp, packet, to, &control);
    pbuf_free(packet);
    udp->inet.local.port = udp->pcb->local_port;
    return error;
}

static long send_message(struct sd_udp *udp, struct sd_message *message)
{
    size_t bytes = message->bytes;
    struct sd_end to = udp->inet.peer;
    long error = 0;

    if (bytes > PAYLOAD_MAX)
        return -EMSGSIZE;
    if (udp->inet.error)
        return sd_inet_take_error(&udp->inet);
    if (udp->inet.no_more_out)
        return -EPIPE;
    if (message->name)
        error = sd_end_take(&udp->inet, message->name, message->name_bytes, &to);
    else if (!udp->inet.has_peer)
        return -EDESTADDRREQ;
    if (error)
        return error;
    if (!to.port)
        return -EINVAL;
    error = send_to(udp, message, &to);
    return error ? error : (long)bytes;
}

long sd_udp_sendmsg(struct sd_socket *socket, struct sd_message *message)
{
    struct sd_udp *udp = sd_udp_of(socket);
    long result;

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    sd_net_lock();
    result = send_message(udp, message);
    sd_net_unlock();
    if (result == -EPIPE)
        sd_socket_broken(message);
    return result;
}

/* ---- receiving ---- */

static int copy_out(struct sd_message *message, const struct pbuf *packet, size_t bytes)
{
    for (; bytes; packet = packet->next) {
        size_t now = packet->len < bytes ? packet->len : bytes;

        if (sd_message_out(message, packet->payload, now))
            return -EFAULT;
        bytes -= now;
    }
    return 0;
}

/* Adds one to the control data, of which `used` bytes are there, if there is room. */
static void give_control(struct sd_message *message, size_t *used, int level, int type, const void *data,
                         size_t bytes)
{
    struct cmsghdr header = {
        .cmsg_len = (socklen_t)(sizeof(header) + bytes), .cmsg_level = level, .cmsg_type = type};
    size_t room = message->control_bytes - *used, whole = (header.cmsg_len + 7) & ~7ul;
    char *to = (char *)message->control + *used;

    if (room < header.cmsg_len || sd_copy_out(to, &header, sizeof(header)) ||
        sd_copy_out(to + sizeof(header), data, bytes)) {
        message->flags |= MSG_CTRUNC;
        return;
    }
    *used += room < whole ? room : whole;
}

/* IP_PKTINFO, IPV6_PKTINFO: which of the guest's addresses it was for. */
static void give_info(const struct sd_inet *inet, const struct sd_datagram *datagram,
                      struct sd_message *message, size_t *used)
{
    const struct sd_end to = {.address = datagram->to};
    struct in6_pktinfo v6 = {.ipi6_ifindex = datagram->interface};
    struct in_pktinfo v4 = {.ipi_ifindex = datagram->interface};
    struct sockaddr_in6 to6;

    if (inet->socket.family == AF_INET6) {
        sd_end_give(inet, &to, &to6);
        v6.ipi6_addr = to6.sin6_addr;
        give_control(message, used, SOL_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
    } else {
        v4.ipi_addr.s_addr = ip_2_ip4(&datagram->to)->addr;
        v4.ipi_spec_dst = v4.ipi_addr;
        give_control(message, used, SOL_IP, IP_PKTINFO, &v4, sizeof(v4));
    }
}

/* What the program asked for besides. */
static void give_controls(const struct sd_inet *inet, const struct sd_datagram *datagram,
                          struct sd_message *message)
{
    const bool is_v6 = IP_IS_V6_VAL(datagram->from.address);
    int tos = datagram->tos, ttl = datagram->ttl;
    size_t used = 0;

    if (inet->gives_info)
        give_info(inet, datagram, message, &used);
    if (inet->gives_ttl && (is_v6 || inet->socket.family == AF_INET))
        give_control(message, &used, is_v6 ? SOL_IPV6 : SOL_IP, is_v6 ? IPV6_HOPLIMIT : IP_TTL, &ttl,
                     sizeof(ttl));
    if (inet->gives_tos && is_v6)
        give_control(message, &used, SOL_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    else if (inet->gives_tos && inet->socket.family == AF_INET)
        give_control(message, &used, SOL_IP, IP_TOS, &datagram->tos, sizeof(datagram->tos));
    message->control_bytes = used;
}

static long take(struct sd_udp *udp, struct sd_datagram *datagram, struct sd_message *message, int flags)
{
    size_t there = datagram->packet->tot_len, bytes = there < message->bytes ? there : message->bytes;

    if (copy_out(message, datagram->packet, bytes))
        return -EFAULT;
    if (bytes < there)
        message->flags |= MSG_TRUNC;
    if (message->name_room)
        message->name_bytes = sd_end_give(&udp->inet, &datagram->from, message->name_room);
    give_controls(&udp->inet, datagram, message);
    if (!(flags & MSG_PEEK))
        sd_udp_drop(udp, datagram);
    return (long)(flags & MSG_TRUNC ? there : bytes);
}

static long receive(struct sd_udp *udp, struct sd_message *message, int flags)
{
    uint64_t deadline = sd_socket_deadline(udp->inet.socket.receive_ns);
    long result = 0;

    while (!result) {
        if (udp->inet.error)
            result = sd_inet_take_error(&udp->inet);
        else if (!xen_list_is_empty(&udp->datagrams))
            return take(udp, xen_container_of(udp->datagrams.next, struct sd_datagram, link), message, flags);
        else if (udp->inet.no_more_in)
            break;
        else
            result = sd_inet_wait(&udp->inet, flags, deadline);
    }
    message->control_bytes = 0;
    return result;
}

long sd_udp_recvmsg(struct sd_socket *socket, struct sd_message *message)
{
    int flags = message->flags;
    long result;

    message->flags = 0;
    if (flags & MSG_OOB)
        return -EINVAL;
    if (flags & MSG_ERRQUEUE)
        return -EAGAIN;
    sd_net_lock();
    result = receive(sd_udp_of(socket), message, flags);
    sd_net_unlock();
    return result;
}
