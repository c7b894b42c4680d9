/* How TCP sockets come to be connected: bind, connect, listen, accept. */
#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <stardust/net.h>

#include "../net/timers.h"

#define BACKLOG_MAX 255 /* lwIP's */

static void remember_names(struct sd_tcp *tcp)
{
    ip_addr_copy(tcp->inet.local.address, tcp->pcb->local_ip);
    ip_addr_copy(tcp->inet.peer.address, tcp->pcb->remote_ip);
    tcp->inet.local.port = tcp->pcb->local_port;
    tcp->inet.peer.port = tcp->pcb->remote_port;
    tcp->inet.has_peer = true;
}

/* ---- bind ---- */

/* Of two that listen only the first may, whatever they allow. */
static bool is_listened_on(const struct sd_end *end)
{
    for (const struct tcp_pcb_listen *at = tcp_listen_pcbs.listen_pcbs; at; at = at->next) {
        if (at->local_port == end->port && sd_end_overlaps(&at->local_ip, &end->address))
            return true;
    }
    return false;
}

static struct tcp_pcb *new_pcb(const struct sd_tcp *tcp)
{
    uint8_t type = IPADDR_TYPE_V4;

    if (tcp->inet.socket.family == AF_INET6)
        type = tcp->inet.v6_only ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
    return tcp_new_ip_type(type);
}

/* Gives the socket a PCB, bound to `end`. */
static long bind_to(struct sd_tcp *tcp, const struct sd_end *end)
{
    struct tcp_pcb *pcb = new_pcb(tcp);
    err_t error;

    if (!pcb)
        return -ENOBUFS;
    if (tcp->inet.reuse_address || tcp->inet.reuse_port)
        ip_set_option(pcb, SOF_REUSEADDR);
    error = tcp_bind(pcb, &end->address, end->port);
    if (error) {
        (void)tcp_close(pcb);
        return -EADDRINUSE;
    }
    sd_tcp_hold(tcp, pcb);
    sd_tcp_apply(tcp);
    ip_addr_copy(tcp->inet.local.address, end->address);
    tcp->inet.local.port = pcb->local_port;
    return 0;
}

static long check_and_bind(struct sd_tcp *tcp, const struct sd_end *end)
{
    long result;

    if (tcp->is_bound || tcp->state != SD_TCP_CLOSED)
        return -EINVAL;
    if (!sd_end_is_own(end))
        return -EADDRNOTAVAIL;
    if (end->port && is_listened_on(end))
        return -EADDRINUSE;
    result = bind_to(tcp, end);
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
        result = bind_to(tcp, &tcp->inet.local);
    }
    if (result)
        return result;
    sd_net_timers_tcp_used();
    error = tcp_connect(tcp->pcb, &peer.address, peer.port, on_connected);
    if (error)
        return error == ERR_USE || error == ERR_BUF ? -EADDRNOTAVAIL : sd_inet_error(error);
    tcp->state = SD_TCP_CONNECTS;
    remember_names(tcp);
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
    return tcp->state == SD_TCP_ENDED ? fail(tcp) : result == -EAGAIN ? -EINPROGRESS : result;
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

/* ---- listen and accept ---- */

static void inherit(struct sd_tcp *tcp, const struct sd_tcp *from)
{
    const struct sd_inet *old = &from->inet;
    struct sd_inet *inet = &tcp->inet;

    inet->socket.receive_ns = old->socket.receive_ns;
    inet->socket.send_ns = old->socket.send_ns;
    inet->v6_only = old->v6_only;
    inet->reuse_address = old->reuse_address;
    inet->reuse_port = old->reuse_port;
    inet->keep_alive = old->keep_alive;
    inet->lingers = old->lingers;
    inet->linger = old->linger;
    inet->tos = old->tos;
    inet->ttl = old->ttl;
    inet->receive_bytes = old->receive_bytes;
    inet->send_bytes = old->send_bytes;
    tcp->no_delay = from->no_delay;
    tcp->keep_idle = from->keep_idle;
    tcp->keep_interval = from->keep_interval;
    tcp->keep_count = from->keep_count;
    tcp->user_timeout = from->user_timeout;
}

/* When it is refused here, lwIP resets it. */
static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct sd_tcp *listener = arg, *tcp = NULL;

    if (error || !pcb || !listener)
        return ERR_VAL;
    if (listener->waiting_count <= listener->backlog)
        tcp = sd_tcp_new(listener->inet.socket.family);
    if (!tcp)
        return ERR_MEM;
    inherit(tcp, listener);
    tcp->state = SD_TCP_CONNECTED;
    tcp->told = true;
    sd_tcp_hold(tcp, pcb);
    sd_tcp_apply(tcp);
    remember_names(tcp);
    tcp_backlog_delayed(pcb);
    xen_list_insert(&listener->waiting, &tcp->waiting);
    listener->waiting_count++;
    sd_inet_tell(&listener->inet, POLLIN | POLLRDNORM);
    return ERR_OK;
}

static struct sd_tcp *take_waiting(struct sd_tcp *listener)
{
    struct sd_tcp *tcp;

    if (xen_list_is_empty(&listener->waiting))
        return NULL;
    tcp = xen_container_of(listener->waiting.next, struct sd_tcp, waiting);
    xen_list_remove(&tcp->waiting);
    listener->waiting_count--;
    return tcp;
}

void sd_tcp_refuse_waiting(struct sd_tcp *listener)
{
    struct sd_tcp *tcp;

    while ((tcp = take_waiting(listener))) {
        struct tcp_pcb *pcb = tcp->pcb;

        sd_tcp_let_go(tcp);
        if (pcb)
            tcp_abort(pcb);
        sd_tcp_free(tcp);
    }
}

static long start_listening(struct sd_tcp *tcp, unsigned backlog)
{
    struct tcp_pcb *pcb;
    err_t error;

    if (tcp->state == SD_TCP_LISTENS) {
        tcp->backlog = backlog;
        tcp_backlog_set(tcp->pcb, (uint8_t)backlog);
        return 0;
    }
    if (tcp->state != SD_TCP_CLOSED)
        return -EINVAL;
    if (!tcp->pcb) {
        long result;

        if (!tcp->is_bound)
            sd_end_any(&tcp->inet, &tcp->inet.local);
        result = bind_to(tcp, &tcp->inet.local);
        if (result)
            return result;
    }
    if (is_listened_on(&tcp->inet.local))
        return -EADDRINUSE;
    tcp->backlog = backlog;
    pcb = tcp_listen_with_backlog_and_err(tcp->pcb, (uint8_t)backlog, &error);
    if (!pcb)
        return sd_inet_error(error);
    tcp->pcb = pcb;
    tcp->is_bound = true;
    tcp->state = SD_TCP_LISTENS;
    tcp_accept(pcb, on_connection);
    return 0;
}

long sd_tcp_listen(struct sd_socket *socket, int backlog)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    bool tells = false;
    uint16_t port;
    long result;

    sd_net_lock();
    result =
        start_listening(tcp, backlog < 0 || backlog > BACKLOG_MAX - 1 ? BACKLOG_MAX : (unsigned)backlog + 1);
    port = tcp->inet.local.port;
    tells = !result && !sd_end_is_loopback(&tcp->inet.local);
    sd_net_unlock();
    /* More ports than can be told are served all the same. */
    if (tells)
        (void)!sd_net_serving("tcp", port);
    return result;
}

long sd_tcp_accept(struct sd_socket *socket, struct sd_socket **accepted)
{
    struct sd_tcp *listener = sd_tcp_of(socket), *tcp = NULL;
    uint64_t deadline = sd_socket_deadline(socket->receive_ns);
    long result = 0;

    sd_net_lock();
    while (!result) {
        if (listener->state != SD_TCP_LISTENS) {
            result = -EINVAL;
            break;
        }
        tcp = take_waiting(listener);
        if (tcp)
            break;
        result = sd_inet_wait(&listener->inet, socket->file.flags & O_NONBLOCK ? MSG_DONTWAIT : 0, deadline);
    }
    if (tcp && tcp->pcb)
        tcp_backlog_accepted(tcp->pcb);
    sd_net_unlock();
    if (tcp)
        *accepted = &tcp->inet.socket;
    return result;
}
