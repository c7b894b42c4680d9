/* How TCP sockets come to be connected by the program: bind, connect. Listening is tcp_listen.c. */
#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <stardust/kernel.h>
#include <stardust/net.h>
#include <stardust/timer.h>

#include "../net/tcp_port.h"
#include "../net/timers.h"

#define SYN_COUNT 6 /* Linux's tcp_syn_retries */

void sd_tcp_remember_names(struct sd_tcp *tcp)
{
    ip_addr_copy(tcp->inet.local.address, tcp->pcb->local_ip);
    ip_addr_copy(tcp->inet.peer.address, tcp->pcb->remote_ip);
    tcp->inet.local.port = tcp->pcb->local_port;
    tcp->inet.peer.port = tcp->pcb->remote_port;
    tcp->inet.has_peer = true;
}

/* ---- bind ---- */

static struct tcp_pcb *new_pcb(const struct sd_tcp *tcp)
{
    uint8_t type = IPADDR_TYPE_V4;

    if (tcp->inet.socket.family == AF_INET6)
        type = tcp->inet.v6_only ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
    return tcp_new_ip_type(type);
}

/* As tcp_bind, to a port that is free. */
static err_t bind_to_any(struct tcp_pcb *pcb, const ip_addr_t *own, const struct sd_end *peer)
{
    uint16_t port = sd_net_tcp_port(peer ? &peer->address : NULL, peer ? peer->port : 0);

    if (!port)
        return ERR_BUF;
    if (!ip_addr_isany(own) || IP_GET_TYPE(own) != IP_GET_TYPE(&pcb->local_ip))
        ip_addr_copy(pcb->local_ip, *own);
    pcb->local_port = port;
    TCP_REG(&tcp_bound_pcbs, pcb);
    return ERR_OK;
}

/* Gives the socket a PCB, bound to `end`. */
long sd_tcp_bind_to(struct sd_tcp *tcp, const struct sd_end *end, const struct sd_end *peer)
{
    struct tcp_pcb *pcb = new_pcb(tcp);
    err_t error;

    if (!pcb)
        return -ENOBUFS;
    if (tcp->inet.reuse_address || tcp->inet.reuse_port)
        ip_set_option(pcb, SOF_REUSEADDR);
    if (end->port)
        error = tcp_bind(pcb, &end->address, end->port);
    else
        error = bind_to_any(pcb, &end->address, peer);
    if (error) {
        (void)tcp_close(pcb);
        return -EADDRINUSE;
    }
    sd_net_tcp_port_used(pcb->local_port);
    sd_tcp_hold(tcp, pcb);
    sd_tcp_apply(tcp);
    ip_addr_copy(tcp->inet.local.address, end->address);
    tcp->inet.local.port = pcb->local_port;
    return 0;
}

static long check_and_bind(struct sd_tcp *tcp, const struct sd_end *end)
{
    struct sd_tcp_group *join;
    long result;

    if (tcp->is_bound || tcp->state != SD_TCP_CLOSED)
        return -EINVAL;
    if (!sd_end_is_own(end))
        return -EADDRNOTAVAIL;
    if (end->port && sd_tcp_is_listened_on(tcp, end, &join))
        return -EADDRINUSE;
    if (tcp->pcb) { /* of an attempt to connect or to listen that failed */
        struct tcp_pcb *old = tcp->pcb;

        sd_tcp_let_go(tcp);
        (void)tcp_close(old);
    }
    result = sd_tcp_bind_to(tcp, end, NULL);
    tcp->is_bound = !result;
    return result;
}

long sd_tcp_bind(struct sd_socket *socket, const void *address, unsigned bytes)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    struct sd_end wanted;
    long result;

    sd_net_lock();
    result = sd_end_take(&tcp->inet, address, bytes, &wanted);
    if (!result)
        result = check_and_bind(tcp, &wanted);
    sd_net_unlock();
    return result;
}

/* ---- connect ---- */

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct sd_tcp *tcp = arg;

    (void)pcb, (void)error;
    if (tcp) {
        tcp->state = SD_TCP_CONNECTED;
        sd_tcp_limit_window(tcp, true);
        sd_inet_tell(&tcp->inet, POLLOUT | POLLWRNORM);
    }
    return ERR_OK;
}

/* Nowhere means here. */
static void resolve_any(struct sd_end *peer)
{
    if (!sd_end_is_any(peer))
        return;
    if (IP_IS_V4_VAL(peer->address))
        ip_addr_set_loopback_val(false, peer->address);
    else
        ip_addr_set_loopback_val(true, peer->address);
}

/* As on Linux: each attempt waits twice as long as the one before, a second at first. */
static uint64_t syn_time(const struct sd_tcp *tcp)
{
    int count = tcp->syn_count ? tcp->syn_count : SYN_COUNT;
    uint64_t seconds = count < 6 ? (2ull << count) - 1 : 127 + (uint64_t)(count - 6) * 120;

    return seconds * SD_SECOND;
}

static long begin(struct sd_tcp *tcp, const void *address, unsigned bytes)
{
    struct sd_end peer;
    ip_addr_t own;
    long result = sd_end_take(&tcp->inet, address, bytes, &peer);
    err_t error;

    if (result)
        return result;
    resolve_any(&peer);
    if (ip_addr_ismulticast(&peer.address))
        return -ENETUNREACH;
    result = sd_end_route(&tcp->inet.local, &peer.address, &own);
    /* After a failure only the names are left of what it was bound to. */
    if (!result && !tcp->pcb) {
        if (!tcp->is_bound)
            sd_end_any(&tcp->inet, &tcp->inet.local);
        result = sd_tcp_bind_to(tcp, &tcp->inet.local, &peer);
    }
    if (result) /* from bind, if there is no port left to choose */
        return result == -EADDRINUSE ? -EADDRNOTAVAIL : result;
    sd_net_timers_tcp_used();
    error = tcp_connect(tcp->pcb, &peer.address, peer.port, on_connected);
    if (error)
        return error == ERR_USE || error == ERR_BUF ? -EADDRNOTAVAIL : sd_inet_error(error);
    tcp->state = SD_TCP_CONNECTS;
    tcp->progress = sd_now();
    tcp->give_up = tcp->progress + syn_time(tcp);
    sd_tcp_watch(tcp);
    sd_tcp_remember_names(tcp);
    return 0;
}

/* An attempt has failed, and the program is told so: it may try again. */
static long fail(struct sd_tcp *tcp)
{
    int error = sd_inet_take_error(&tcp->inet);

    tcp->state = SD_TCP_CLOSED;
    tcp->inet.no_more_in = tcp->inet.no_more_out = false;
    tcp->inet.has_peer = false;
    return error ? error : -ECONNABORTED;
}

static long await_connected(struct sd_tcp *tcp)
{
    int flags = tcp->inet.socket.file.flags & O_NONBLOCK ? MSG_DONTWAIT : 0;
    uint64_t deadline = sd_socket_deadline(tcp->inet.socket.send_ns);
    long result = 0;

    while (tcp->state == SD_TCP_CONNECTS && !result)
        result = sd_inet_wait(&tcp->inet, flags, deadline);
    if (tcp->state == SD_TCP_CONNECTED) {
        tcp->told = true;
        return 0;
    }
    if (tcp->state == SD_TCP_ENDED)
        return fail(tcp);
    if (tcp->state == SD_TCP_CLOSED) /* by another thread */
        return -ECONNRESET;
    return result == -EAGAIN ? -EINPROGRESS : result;
}

static long go_on(struct sd_tcp *tcp, const void *address, unsigned bytes)
{
    long result;

    switch (tcp->state) {
    case SD_TCP_CONNECTED:
        result = tcp->told ? -EISCONN : 0;
        tcp->told = true;
        return result;
    case SD_TCP_LISTENS:
        return -EISCONN;
    case SD_TCP_ENDED:
        return tcp->told ? -EISCONN : fail(tcp);
    case SD_TCP_CONNECTS:
        result = await_connected(tcp);
        return result == -EINPROGRESS ? -EALREADY : result;
    default:
        result = begin(tcp, address, bytes);
        return result ? result : await_connected(tcp);
    }
}

/* Ends what there is: it may be connected anew. */
static long disconnect(struct sd_tcp *tcp)
{
    struct tcp_pcb *pcb = tcp->pcb;

    if (tcp->state == SD_TCP_LISTENS)
        return -EISCONN;
    sd_tcp_let_go(tcp);
    if (pcb)
        tcp_abort(pcb);
    sd_tcp_drop_received(tcp);
    (void)fail(tcp);
    tcp->peer_has_ended = tcp->told = false;
    sd_inet_tell(&tcp->inet, ~0u);
    return 0;
}

long sd_tcp_connect(struct sd_socket *socket, const void *address, unsigned bytes)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    sa_family_t family = AF_UNSPEC;
    long result;

    if (bytes < sizeof(family))
        return -EINVAL;
    memcpy(&family, address, sizeof(family));
    sd_net_lock();
    result = family == AF_UNSPEC ? disconnect(tcp) : go_on(tcp, address, bytes);
    sd_net_unlock();
    return result;
}

long sd_tcp_await(struct sd_tcp *tcp, int flags, uint64_t deadline)
{
    long result = 0;

    while (tcp->state == SD_TCP_CONNECTS && !result)
        result = sd_inet_wait(&tcp->inet, flags, deadline);
    return result;
}
