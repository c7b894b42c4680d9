#define _GNU_SOURCE
#include "udp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <stardust/memory.h>
#include <stardust/net.h>

#include "../net/memory.h"
#include "../net/random.h"
#include "../posix/copy.h"
#include "lwip/ip.h"

static struct sd_udp *of_file(struct sd_file *file)
{
    return xen_container_of(file, struct sd_udp, inet.socket.file);
}

/* A packet's memory: bytes that were copied, or pages that it keeps. */
static size_t cost_of(const struct pbuf *packet)
{
    size_t cost = sizeof(struct sd_datagram) + sizeof(*packet);

    for (; packet; packet = packet->next)
        cost += packet->flags & PBUF_FLAG_IS_CUSTOM ? XEN_PAGE_SIZE : packet->len;
    return cost;
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *packet, const ip_addr_t *from,
                        u16_t port);

struct sd_udp *sd_udp_of_pcb(const struct udp_pcb *pcb)
{
    return pcb->recv == on_datagram ? pcb->recv_arg : NULL;
}

/* The next socket after `at` that SO_REUSEPORT has put at the same place. */
static struct udp_pcb *next_at(struct udp_pcb *at, const struct udp_pcb *place)
{
    for (; at; at = at->next) {
        const struct sd_udp *udp = sd_udp_of_pcb(at);

        if (udp && udp->inet.reuse_port && !udp->inet.has_peer && at->local_port == place->local_port &&
            IP_GET_TYPE(&at->local_ip) == IP_GET_TYPE(&place->local_ip) &&
            ip_addr_cmp(&at->local_ip, &place->local_ip))
            break;
    }
    return at;
}

/* Of those, the one that this peer's datagrams go to. */
static struct sd_udp *choose(const struct udp_pcb *place, struct sd_udp *first, const ip_addr_t *from,
                             uint16_t port)
{
    struct sd_end peer = {.port = port};
    struct udp_pcb *at = NULL;
    unsigned count = 0, skip;

    while ((at = next_at(at ? at->next : udp_pcbs, place)))
        count++;
    if (count < 2)
        return first;
    ip_addr_copy(peer.address, *from);
    skip = (unsigned)(sd_net_hash(&peer, sizeof(peer)) % count);
    at = next_at(udp_pcbs, place);
    while (skip--)
        at = next_at(at->next, place);
    return sd_udp_of_pcb(at);
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *packet, const ip_addr_t *from,
                        u16_t port)
{
    struct sd_udp *udp = arg;
    size_t cost = cost_of(packet);
    struct sd_datagram *datagram = NULL;

    if (udp->inet.reuse_port && !udp->inet.has_peer)
        udp = choose(pcb, udp, from, port);
    if (udp->queued < (size_t)udp->inet.receive_bytes && !sd_net_memory_is_low())
        datagram = sd_net_calloc(1, sizeof(*datagram));
    if (!datagram) {
        pbuf_free(packet);
        return;
    }
    datagram->packet = packet;
    datagram->cost = cost;
    ip_addr_copy(datagram->from.address, *from);
    datagram->from.port = port;
    ip_addr_copy(datagram->to, *ip_current_dest_addr());
    datagram->tos =
        ip_current_is_v6() ? (uint8_t)IP6H_TC(ip6_current_header()) : IPH_TOS(ip4_current_header());
    datagram->ttl = ip_current_is_v6() ? IP6H_HOPLIM(ip6_current_header()) : IPH_TTL(ip4_current_header());
    datagram->interface = netif_get_index(ip_current_input_netif());
    xen_list_insert(&udp->datagrams, &datagram->link);
    udp->queued += cost;
    sd_inet_tell(&udp->inet, POLLIN | POLLRDNORM);
}

void sd_udp_drop(struct sd_udp *udp, struct sd_datagram *datagram)
{
    xen_list_remove(&datagram->link);
    udp->queued -= datagram->cost;
    pbuf_free(datagram->packet);
    sd_net_free(datagram);
}

/* ---- names ---- */

static void set_reuse(struct sd_udp *udp)
{
    if (udp->inet.reuse_address || udp->inet.reuse_port)
        ip_set_option(udp->pcb, SOF_REUSEADDR);
}

static long bind_to(struct sd_udp *udp, const struct sd_end *end)
{
    if (udp->is_bound)
        return -EINVAL;
    if (!sd_end_is_own(end) && !ip_addr_ismulticast(&end->address))
        return -EADDRNOTAVAIL;
    set_reuse(udp);
    if (udp_bind(udp->pcb, &end->address, end->port))
        return -EADDRINUSE;
    udp->is_bound = true;
    ip_addr_copy(udp->inet.local.address, end->address);
    udp->inet.local.port = udp->pcb->local_port;
    return 0;
}

static long udp_bind_socket(struct sd_socket *socket, const void *address, unsigned bytes)
{
    struct sd_udp *udp = sd_udp_of(socket);
    struct sd_end wanted;
    bool tells = false;
    long result;

    sd_net_lock();
    result = sd_end_take(&udp->inet, address, bytes, &wanted);
    if (!result) {
        result = bind_to(udp, &wanted);
        tells = !result && wanted.port && !sd_end_is_loopback(&wanted);
    }
    sd_net_unlock();
    /* A port that was asked for by its number is served to somebody; any other is a client's. */
    if (tells)
        (void)!sd_net_serving("udp", wanted.port);
    return result;
}

static void disconnect(struct sd_udp *udp)
{
    udp_disconnect(udp->pcb);
    udp->inet.has_peer = false;
    ip_addr_copy(udp->inet.local.address, udp->pcb->local_ip);
    if (!udp->is_bound)
        sd_end_any(&udp->inet, &udp->inet.local);
    udp->inet.local.port = udp->pcb->local_port;
}

/* The own address is known from here on, and stays lwIP's to choose for each packet. */
static long connect_to(struct sd_udp *udp, struct sd_end *peer)
{
    struct sd_end bound = udp->inet.local;
    ip_addr_t own;
    long error;

    if (udp->inet.has_peer && udp->is_bound)
        ip_addr_copy(bound.address, udp->pcb->local_ip);
    else if (udp->inet.has_peer)
        sd_end_any(&udp->inet, &bound);
    if (sd_end_is_any(peer))
        ip_addr_set_loopback_val(!IP_IS_V4_VAL(peer->address), peer->address);
    error = sd_end_route(&bound, &peer->address, &own);
    if (error)
        return error;
    error = sd_inet_error(udp_connect(udp->pcb, &peer->address, peer->port));
    if (error)
        return error;
    sd_udp_hear_errors();
    udp->inet.peer = *peer;
    udp->inet.has_peer = true;
    ip_addr_copy(udp->inet.local.address, own);
    udp->inet.local.port = udp->pcb->local_port;
    return 0;
}

static long udp_connect_socket(struct sd_socket *socket, const void *address, unsigned bytes)
{
    struct sd_udp *udp = sd_udp_of(socket);
    sa_family_t family = AF_UNSPEC;
    struct sd_end peer;
    long result;

    if (bytes < sizeof(family))
        return -EINVAL;
    memcpy(&family, address, sizeof(family));
    sd_net_lock();
    if (family == AF_UNSPEC) {
        disconnect(udp);
        result = 0;
    } else {
        result = sd_end_take(&udp->inet, address, bytes, &peer);
        if (!result)
            result = connect_to(udp, &peer);
    }
    sd_net_unlock();
    return result;
}

/* ---- the rest ---- */

static long udp_shutdown_socket(struct sd_socket *socket, int how)
{
    struct sd_udp *udp = sd_udp_of(socket);
    long result;

    sd_net_lock();
    result = udp->inet.has_peer ? 0 : -ENOTCONN;
    if (how != SHUT_WR)
        udp->inet.no_more_in = true;
    if (how != SHUT_RD)
        udp->inet.no_more_out = true;
    sd_inet_tell(&udp->inet, ~0u);
    sd_net_unlock();
    return result;
}

static unsigned udp_ready(struct sd_file *file)
{
    struct sd_udp *udp = of_file(file);
    unsigned ready = POLLOUT;

    sd_net_lock();
    if (!xen_list_is_empty(&udp->datagrams))
        ready |= POLLIN;
    if (udp->inet.no_more_in)
        ready |= POLLIN | POLLRDHUP;
    if (udp->inet.no_more_in && udp->inet.no_more_out)
        ready |= POLLHUP;
    if (udp->inet.error)
        ready |= POLLERR;
    sd_net_unlock();
    return ready;
}

/* FIONREAD: the next datagram's. */
static long udp_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    struct sd_udp *udp = of_file(file);
    int count = 0;

    if (request != FIONREAD && request != TIOCOUTQ)
        return -ENOTTY;
    sd_net_lock();
    if (request == FIONREAD && !xen_list_is_empty(&udp->datagrams))
        count = xen_container_of(udp->datagrams.next, struct sd_datagram, link)->packet->tot_len;
    sd_net_unlock();
    return sd_copy_out(arg, &count, sizeof(count));
}

static void udp_close(struct sd_file *file)
{
    struct sd_udp *udp = of_file(file);

    sd_net_lock();
    udp_remove(udp->pcb);
    xen_list_each(at, &udp->datagrams) sd_udp_drop(udp, xen_container_of(at, struct sd_datagram, link));
    sd_net_unlock();
    sd_free(udp);
}

static void apply(struct sd_udp *udp)
{
    const struct sd_inet *inet = &udp->inet;

    if (inet->broadcast)
        ip_set_option(udp->pcb, SOF_BROADCAST);
    else
        ip_reset_option(udp->pcb, SOF_BROADCAST);
    udp->pcb->tos = inet->tos;
    udp->pcb->ttl = inet->ttl ? inet->ttl : UDP_TTL;
    /* Nothing is bound yet: both families, or one. */
    if (inet->socket.family == AF_INET6 && !udp->pcb->local_port)
        IP_SET_TYPE_VAL(udp->pcb->local_ip, inet->v6_only ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY);
    udp->pcb->remote_ip.type = udp->inet.has_peer ? udp->pcb->remote_ip.type : udp->pcb->local_ip.type;
}

static long udp_setsockopt(struct sd_socket *socket, int level, int option, const void *value, unsigned bytes)
{
    struct sd_udp *udp = sd_udp_of(socket);
    long result;

    sd_net_lock();
    if (level == SOL_IPV6 && option == IPV6_V6ONLY && udp->is_bound)
        result = -EINVAL;
    else
        result = sd_inet_set_option(&udp->inet, level, option, value, bytes);
    if (!result)
        apply(udp);
    sd_net_unlock();
    return result;
}

static long udp_getsockopt(struct sd_socket *socket, int level, int option, void *value, unsigned *bytes)
{
    struct sd_udp *udp = sd_udp_of(socket);
    long result;

    sd_net_lock();
    result = sd_inet_get_option(&udp->inet, level, option, value, bytes);
    sd_net_unlock();
    return result;
}

static const struct sd_file_ops file_ops = {
    SD_SOCKET_FILE_OPS, .ioctl = udp_ioctl, .ready = udp_ready, .readiness = sd_inet_readiness,
    .close = udp_close,
};

static const struct sd_socket_ops socket_ops = {
    .connect = udp_connect_socket,
    .bind = udp_bind_socket,
    .sendmsg = sd_udp_sendmsg,
    .recvmsg = sd_udp_recvmsg,
    .shutdown = udp_shutdown_socket,
    .getsockopt = udp_getsockopt,
    .setsockopt = udp_setsockopt,
    .name = sd_inet_name,
};

struct sd_inet *sd_udp_open(int family)
{
    struct sd_udp *udp = sd_net_calloc(1, sizeof(*udp));

    if (!udp)
        return NULL;
    sd_inet_init(&udp->inet, &file_ops, &socket_ops, family, SOCK_DGRAM, IPPROTO_UDP);
    xen_list_init(&udp->datagrams);
    sd_net_lock();
    udp->pcb = udp_new_ip_type(family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
    if (udp->pcb)
        udp_recv(udp->pcb, on_datagram, udp);
    sd_net_unlock();
    if (udp->pcb)
        return &udp->inet;
    sd_free(udp);
    return NULL;
}
