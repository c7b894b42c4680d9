/* Who connects to whom by AF_UNIX. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <stardust/memory.h>

#include "unix.h"

#define BACKLOG_MAX 4096

static int flags_of(const struct sd_socket *socket)
{
    return socket->file.flags & O_NONBLOCK ? MSG_DONTWAIT : 0;
}

/* From now on it is that one it sends to, or nobody. */
static long connect_datagrams(struct sd_unix *end, const void *address, unsigned bytes)
{
    struct sd_unix *peer = NULL;
    sa_family_t family = AF_UNSPEC;
    long error = 0;

    if (bytes < sizeof(family))
        return -EINVAL;
    memcpy(&family, address, sizeof(family));
    if (family != AF_UNSPEC)
        error = sd_unix_find(address, bytes, SOCK_DGRAM, &peer);
    if (!error && peer && peer->peer && peer->peer != end)
        error = -EPERM;
    if (error)
        return error;
    sd_unix_set_peer(end, peer);
    sd_unix_name_put(end->peer_name);
    end->peer_name = peer ? sd_unix_name_get(peer->name) : NULL;
    end->has_lost_peer = false;
    sd_unix_tell(end, POLLOUT);
    return 0;
}

/* A listener that has a place: 0 or an errno. */
static long find_listener(struct sd_unix *end, const void *address, unsigned bytes, struct sd_unix **listener)
{
    uint64_t deadline = sd_socket_deadline(end->socket.send_ns);

    for (;;) {
        long error;

        if (end->is_connected)
            return -EISCONN;
        if (end->listens)
            return -EINVAL;
        error = sd_unix_find(address, bytes, end->socket.type, listener);
        if (error)
            return error;
        if (!(*listener)->listens || (*listener)->no_more_in)
            return -ECONNREFUSED;
        /* As on Linux one more than it says. */
        if ((*listener)->waiting_count <= (*listener)->backlog)
            return 0;
        error = sd_unix_wait(&sd_unix_room, flags_of(&end->socket), deadline);
        if (error)
            return error;
    }
}

/* `other` is the socket that is to be accepted. */
static long connect_stream(struct sd_unix *end, const void *address, unsigned bytes, struct sd_unix *other)
{
    struct sd_unix *listener;
    long error = find_listener(end, address, bytes, &listener);

    if (error)
        return error;
    other->name = NULL;
    other->peer_name = sd_unix_name_get(end->name);
    end->peer_name = sd_unix_name_get(listener->name);
    sd_unix_set_peer(end, other);
    sd_unix_set_peer(other, end);
    end->is_connected = other->is_connected = true;
    xen_list_insert(&listener->waiting, &other->waiting);
    listener->waiting_count++;
    sd_unix_tell(listener, POLLIN);
    sd_unix_tell(end, POLLOUT);
    return 0;
}

long sd_unix_connect(struct sd_socket *socket, const void *address, unsigned bytes)
{
    struct sd_unix *end = sd_unix_of(socket), *other = NULL;
    long error;

    if (!sd_unix_is_datagram(end)) {
        other = sd_unix_new(socket->type, socket->ops);
        if (!other)
            return -ENOMEM;
    }
    xen_platform_lock(&sd_unix_lock);
    error = other ? connect_stream(end, address, bytes, other) : connect_datagrams(end, address, bytes);
    xen_platform_unlock(&sd_unix_lock);
    if (error && other)
        sd_socket_put(&other->socket);
    return error;
}

long sd_unix_listen(struct sd_socket *socket, int backlog)
{
    struct sd_unix *end = sd_unix_of(socket);
    long error = 0;

    if (sd_unix_is_datagram(end))
        return -EOPNOTSUPP;
    xen_platform_lock(&sd_unix_lock);
    if (!end->name || end->is_connected) {
        error = -EINVAL;
    } else {
        end->listens = true;
        end->backlog = (unsigned)backlog < BACKLOG_MAX ? (unsigned)backlog : BACKLOG_MAX;
        xen_platform_wake(&sd_unix_room);
    }
    xen_platform_unlock(&sd_unix_lock);
    return error;
}

long sd_unix_accept(struct sd_socket *socket, struct sd_socket **accepted)
{
    struct sd_unix *end = sd_unix_of(socket), *other;
    uint64_t deadline = sd_socket_deadline(socket->receive_ns);
    long error = 0;

    if (sd_unix_is_datagram(end))
        return -EOPNOTSUPP;
    xen_platform_lock(&sd_unix_lock);
    if (!end->listens)
        error = -EINVAL;
    while (!error && xen_list_is_empty(&end->waiting))
        error = end->no_more_in ? -EINVAL : sd_unix_wait(&end->readable, flags_of(socket), deadline);
    if (!error) {
        other = xen_container_of(end->waiting.next, struct sd_unix, waiting);
        xen_list_remove(&other->waiting);
        end->waiting_count--;
        other->name = sd_unix_name_get(end->name);
        xen_platform_wake(&sd_unix_room);
        *accepted = &other->socket;
    }
    xen_platform_unlock(&sd_unix_lock);
    return error;
}
