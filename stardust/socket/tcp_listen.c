/*
 * Listening and accepting. lwIP's own count of what waits ends at 255, so it counts only the connections that
 * are not complete yet; those that are wait in the socket's queue.
 */
#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <stardust/kernel.h>
#include <stardust/memory.h>
#include <stardust/net.h>
#include <stardust/timer.h>

#include "arch/hooks.h"

#include "../net/memory.h"
#include "../net/random.h"

#define BACKLOG_MAX   4096 /* SOMAXCONN */
#define HALF_OPEN_MAX 255

static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t error);

static struct sd_tcp_group *group_of(const struct tcp_pcb_listen *listener)
{
    return listener->accept == on_connection ? listener->callback_arg : NULL;
}

/* ---- who listens at one place ---- */

bool sd_tcp_is_listened_on(const struct sd_tcp *tcp, const struct sd_end *end, struct sd_tcp_group **join)
{
    *join = NULL;
    for (const struct tcp_pcb_listen *at = tcp_listen_pcbs.listen_pcbs; at; at = at->next) {
        struct sd_tcp_group *group = group_of(at);

        if (at->local_port != end->port || !sd_end_overlaps(&at->local_ip, &end->address))
            continue;
        if (!tcp->inet.reuse_port || !group ||
            !xen_container_of(group->members.next, struct sd_tcp, member)->inet.reuse_port)
            return true;
        if (IP_GET_TYPE(&at->local_ip) == IP_GET_TYPE(&end->address) &&
            ip_addr_cmp(&at->local_ip, &end->address))
            *join = group;
    }
    return false;
}

static void enter(struct sd_tcp_group *group, struct sd_tcp *tcp)
{
    tcp->group = group;
    tcp->pcb = group->pcb;
    xen_list_insert(&group->members, &tcp->member);
    group->count++;
}

static bool has_place(const struct sd_tcp *listener)
{
    return listener->waiting_count <= listener->backlog;
}

/* The member that this peer's connections go to, or the next one that has a place. */
static struct sd_tcp *choose(struct sd_tcp_group *group, const struct tcp_pcb *pcb)
{
    struct xen_list *at = group->members.next;

    if (group->count > 1) {
        struct sd_end peer = {.port = pcb->remote_port};
        unsigned skip;

        ip_addr_copy(peer.address, pcb->remote_ip);
        skip = (unsigned)(sd_net_hash(&peer, sizeof(peer)) % group->count);
        while (skip--)
            at = at->next;
    }
    for (unsigned i = 0; i < group->count; at = at->next) {
        struct sd_tcp *member;

        if (at == &group->members)
            continue;
        member = xen_container_of(at, struct sd_tcp, member);
        if (has_place(member))
            return member;
        i++;
    }
    return NULL;
}

bool sd_tcp_admits(const struct tcp_pcb_listen *listener)
{
    const struct sd_tcp_group *group = group_of(listener);

    if (!group)
        return true;
    xen_list_each(at, &group->members)
    {
        if (has_place(xen_container_of(at, struct sd_tcp, member)))
            return true;
    }
    return false;
}

/* ---- connections that come ---- */

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
    inet->receive_least = old->receive_least;
    tcp->no_delay = from->no_delay;
    tcp->keep_idle = from->keep_idle;
    tcp->keep_interval = from->keep_interval;
    tcp->keep_count = from->keep_count;
    tcp->user_timeout = from->user_timeout;
    tcp->window = from->window;
    tcp->send_room = from->send_room;
}

static void offer(struct sd_tcp *listener, struct sd_tcp *tcp)
{
    xen_list_insert(&listener->waiting, &tcp->waiting);
    sd_inet_tell(&listener->inet, POLLIN | POLLRDNORM);
}

static void defer(struct sd_tcp *listener, struct sd_tcp *tcp)
{
    tcp->deferred_by = listener;
    tcp->defer_until = sd_now() + (uint64_t)listener->defer_accept * (uint64_t)SD_SECOND;
    xen_list_insert(&listener->deferred, &tcp->waiting);
    sd_tcp_watch(tcp);
}

void sd_tcp_undefer(struct sd_tcp *tcp)
{
    struct sd_tcp *listener = tcp->deferred_by;

    if (!listener)
        return;
    tcp->deferred_by = NULL;
    xen_list_remove(&tcp->waiting);
    offer(listener, tcp);
}

bool sd_tcp_lose_deferred(struct sd_tcp *tcp)
{
    if (!tcp->deferred_by)
        return false;
    tcp->deferred_by->waiting_count--;
    xen_list_remove(&tcp->waiting);
    sd_tcp_free(tcp);
    return true;
}

/* When it is refused here, lwIP resets it. */
static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct sd_tcp_group *group = arg;
    struct sd_tcp *listener, *tcp = NULL;

    if (error || !pcb || !group)
        return ERR_VAL;
    listener = choose(group, pcb);
    if (listener)
        tcp = sd_tcp_new(listener->inet.socket.family);
    if (!tcp)
        return ERR_MEM;
    inherit(tcp, listener);
    tcp->state = SD_TCP_CONNECTED;
    tcp->told = true;
    sd_tcp_hold(tcp, pcb);
    sd_tcp_apply(tcp);
    sd_tcp_limit_window(tcp, true);
    sd_tcp_remember_names(tcp);
    listener->waiting_count++;
    if (listener->defer_accept)
        defer(listener, tcp);
    else
        offer(listener, tcp);
    return ERR_OK;
}

static void refuse_all(struct xen_list *list)
{
    while (!xen_list_is_empty(list)) {
        struct sd_tcp *tcp = xen_container_of(list->next, struct sd_tcp, waiting);
        struct tcp_pcb *pcb = tcp->pcb;

        xen_list_remove(&tcp->waiting);
        tcp->deferred_by = NULL;
        sd_tcp_let_go(tcp);
        if (pcb)
            tcp_abort(pcb);
        sd_tcp_free(tcp);
    }
}

void sd_tcp_end_listening(struct sd_tcp *listener)
{
    struct sd_tcp_group *group = listener->group;

    xen_list_remove(&listener->member);
    listener->group = NULL;
    listener->pcb = NULL;
    refuse_all(&listener->waiting);
    refuse_all(&listener->deferred);
    listener->waiting_count = 0;
    if (--group->count)
        return;
    (void)tcp_close(group->pcb);
    sd_net_free(group);
}

/* ---- the services ---- */

static long make_group(struct sd_tcp *tcp)
{
    struct sd_tcp_group *group = sd_net_calloc(1, sizeof(*group));
    err_t error;

    if (!group)
        return -ENOBUFS;
    group->pcb = tcp_listen_with_backlog_and_err(tcp->pcb, HALF_OPEN_MAX, &error);
    if (!group->pcb) {
        sd_net_free(group);
        return sd_inet_error(error);
    }
    xen_list_init(&group->members);
    tcp_arg(group->pcb, group);
    tcp_accept(group->pcb, on_connection);
    enter(group, tcp);
    return 0;
}

static long start_listening(struct sd_tcp *tcp, unsigned backlog)
{
    struct sd_tcp_group *join;
    long result = 0;

    if (tcp->state != SD_TCP_LISTENS && tcp->state != SD_TCP_CLOSED)
        return -EINVAL;
    tcp->backlog = backlog;
    if (tcp->state == SD_TCP_LISTENS)
        return 0;
    if (!tcp->pcb) {
        if (!tcp->is_bound)
            sd_end_any(&tcp->inet, &tcp->inet.local);
        result = sd_tcp_bind_to(tcp, &tcp->inet.local, NULL);
    }
    if (result)
        return result;
    if (sd_tcp_is_listened_on(tcp, &tcp->inet.local, &join))
        return -EADDRINUSE;
    if (join) {
        (void)tcp_close(tcp->pcb);
        enter(join, tcp);
    } else {
        result = make_group(tcp);
    }
    if (result)
        return result;
    tcp->is_bound = true;
    tcp->state = SD_TCP_LISTENS;
    return 0;
}

long sd_tcp_listen(struct sd_socket *socket, int backlog)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    bool tells = false;
    uint16_t port;
    long result;

    sd_net_lock();
    result = start_listening(tcp, backlog < 0 || backlog > BACKLOG_MAX ? BACKLOG_MAX : (unsigned)backlog);
    port = tcp->inet.local.port;
    tells = !result && !sd_end_is_loopback(&tcp->inet.local);
    sd_net_unlock();
    /* More ports than can be told are served all the same. */
    if (tells)
        (void)!sd_net_serving("tcp", port);
    return result;
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
    sd_net_unlock();
    if (tcp)
        *accepted = &tcp->inet.socket;
    return result;
}
