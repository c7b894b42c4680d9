/* What all AF_UNIX sockets have in common. */
#define _GNU_SOURCE
#include "unix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <stardust/memory.h>

#include "copy.h"
#include "rights.h"
#include "wait.h"

struct xen_lock sd_unix_lock;
struct xen_waitq sd_unix_room = {.waiters = {&sd_unix_room.waiters, &sd_unix_room.waiters}};

static struct sd_unix *end_of(struct sd_file *file)
{
    return xen_container_of(file, struct sd_unix, socket.file);
}

void sd_unix_tell(struct sd_unix *end, unsigned events)
{
    if (events & (POLLIN | POLLHUP))
        xen_platform_wake(&end->readable);
    if (events & (POLLOUT | POLLHUP))
        xen_platform_wake(&end->writable);
    sd_readiness_events(&end->readiness, events);
}

void sd_unix_tell_room(struct sd_unix *end)
{
    xen_list_each(at, &end->senders) sd_unix_tell(xen_container_of(at, struct sd_unix, as_sender), POLLOUT);
    xen_platform_wake(&sd_unix_room);
}

void sd_unix_set_peer(struct sd_unix *end, struct sd_unix *peer)
{
    if (end->peer)
        xen_list_remove(&end->as_sender);
    end->peer = peer;
    if (peer)
        xen_list_insert(&peer->senders, &end->as_sender);
}

size_t sd_packet_cost(const struct sd_packet *packet)
{
    return sizeof(*packet) + packet->room;
}

void sd_packet_drop(struct sd_packet *packet)
{
    sd_rights_drop(packet->rights);
    sd_unix_name_put(packet->from);
    sd_free(packet);
}

void sd_unix_name_put(struct sd_unix_name *name)
{
    /* The node was given back when the socket closed. */
    if (name && !--name->references)
        sd_free(name);
}

int sd_unix_wait(struct xen_waitq *queue, int flags, uint64_t deadline)
{
    int error = flags & MSG_DONTWAIT ? -EAGAIN : sd_wait(queue, &sd_unix_lock, deadline);

    return error == -ETIMEDOUT ? -EAGAIN : error;
}

int sd_unix_take_error(struct sd_unix *end)
{
    int error = -end->error;

    end->error = 0;
    return error;
}

long sd_unix_shutdown(struct sd_socket *socket, int how)
{
    struct sd_unix *end = sd_unix_of(socket), *peer;

    xen_platform_lock(&sd_unix_lock);
    peer = sd_unix_is_datagram(end) ? NULL : end->peer;
    if (how != SHUT_WR)
        end->no_more_in = true;
    if (how != SHUT_RD)
        end->no_more_out = true;
    if (peer) {
        peer->no_more_in |= how != SHUT_RD;
        peer->no_more_out |= how != SHUT_WR;
        sd_unix_tell(peer, ~0u);
    }
    sd_unix_tell(end, ~0u);
    xen_platform_unlock(&sd_unix_lock);
    return 0;
}

long sd_unix_getsockopt(struct sd_socket *socket, int level, int option, void *value, unsigned *bytes)
{
    static const struct ucred process = {.pid = 1}, nobody = {.uid = ~0u, .gid = ~0u};
    struct sd_unix *end = sd_unix_of(socket);
    int *number = value;

    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    *bytes = sizeof(*number);
    *number = 0;
    switch (option) {
    case SO_ERROR:
        xen_platform_lock(&sd_unix_lock);
        *number = -sd_unix_take_error(end);
        xen_platform_unlock(&sd_unix_lock);
        return 0;
    case SO_SNDBUF:
    case SO_RCVBUF:
        *number = SD_UNIX_ROOM;
        return 0;
    case SO_PEERCRED:
        *bytes = sizeof(process);
        memcpy(value, end->is_connected || end->listens ? &process : &nobody, sizeof(process));
        return 0;
    case SO_ACCEPTCONN:
        *number = end->listens;
        return 0;
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_PASSCRED:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* Sizes are as they are; what has no meaning here is accepted, as on Linux. */
long sd_unix_setsockopt(struct sd_socket *socket, int level, int option, const void *value, unsigned bytes)
{
    (void)socket;
    (void)value;
    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (bytes < sizeof(int))
        return -EINVAL;
    switch (option) {
    case SO_SNDBUF:
    case SO_RCVBUF:
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

long sd_unix_name(struct sd_socket *socket, bool peer, void *address, unsigned *bytes)
{
    static const struct sockaddr_un none = {.sun_family = AF_UNIX};
    struct sd_unix *end = sd_unix_of(socket);
    const struct sd_unix_name *name = peer ? end->peer_name : end->name;

    if (peer && !end->peer && !end->is_connected)
        return -ENOTCONN;
    *bytes = name ? name->bytes : sizeof(none.sun_family);
    memcpy(address, name ? &name->address : &none, *bytes);
    return 0;
}

static unsigned unix_ready(struct sd_file *file)
{
    struct sd_unix *end = end_of(file);
    unsigned ready = 0;

    xen_platform_lock(&sd_unix_lock);
    if (!xen_list_is_empty(&end->packets) || !xen_list_is_empty(&end->waiting) || end->no_more_in)
        ready |= POLLIN;
    /* As on Linux: once three quarters are free. */
    if (!end->listens && (!end->peer || end->peer->queued * 4 <= SD_UNIX_ROOM))
        ready |= POLLOUT;
    if (end->no_more_in && !sd_unix_is_datagram(end))
        ready |= POLLRDHUP;
    if ((end->no_more_in && end->no_more_out) ||
        (!sd_unix_is_datagram(end) && !end->is_connected && !end->listens))
        ready |= POLLHUP;
    if (end->error)
        ready |= POLLERR;
    xen_platform_unlock(&sd_unix_lock);
    return ready;
}

static struct sd_readiness *unix_readiness(struct sd_file *file)
{
    return &end_of(file)->readiness;
}

static long unix_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    struct sd_unix *end = end_of(file);
    int count = 0;

    if (request != FIONREAD)
        return -ENOTTY;
    if (end->listens)
        return -EINVAL;
    xen_platform_lock(&sd_unix_lock);
    xen_list_each(at, &end->packets)
    {
        struct sd_packet *packet = xen_container_of(at, struct sd_packet, link);

        count += (int)(packet->end - packet->first);
        if (sd_unix_is_datagram(end))
            break;
    }
    xen_platform_unlock(&sd_unix_lock);
    return sd_copy_out(arg, &count, sizeof(count));
}

/* Nobody sends there any more. The lock is held. */
static void lose_senders(struct sd_unix *end)
{
    while (!xen_list_is_empty(&end->senders)) {
        struct sd_unix *sender = xen_container_of(end->senders.next, struct sd_unix, as_sender);

        sd_unix_set_peer(sender, NULL);
        if (sd_unix_is_datagram(sender)) {
            sender->has_lost_peer = true;
        } else {
            /* What was sent and never read was in vain. */
            if (!xen_list_is_empty(&end->packets))
                sender->error = ECONNRESET;
            sender->no_more_in = sender->no_more_out = true;
        }
        sd_unix_tell(sender, ~0u);
    }
    xen_platform_wake(&sd_unix_room);
}

/* The list's head was in one place, and is in another. */
static void move_list(struct xen_list *from, struct xen_list *to)
{
    xen_list_insert(from, to);
    xen_list_remove(from);
    xen_list_init(from);
}

static void unix_close(struct sd_file *file)
{
    struct sd_unix *end = end_of(file);
    struct xen_list packets, waiting;
    struct sd_unix_name *name = end->name;
    struct sd_node *node = NULL;

    xen_platform_lock(&sd_unix_lock);
    lose_senders(end);
    sd_unix_set_peer(end, NULL);
    move_list(&end->packets, &packets);
    move_list(&end->waiting, &waiting);
    if (name && name->socket == end) { /* and not its listener's */
        xen_list_remove(&name->link);
        name->socket = NULL;
        node = name->node;
        name->node = NULL;
    }
    xen_platform_unlock(&sd_unix_lock);
    /* Among them may be files that lead back here. */
    xen_list_each(at, &packets) sd_packet_drop(xen_container_of(at, struct sd_packet, link));
    while (!xen_list_is_empty(&waiting)) {
        struct sd_unix *lost = xen_container_of(waiting.next, struct sd_unix, waiting);

        xen_list_remove(&lost->waiting);
        xen_list_init(&lost->waiting);
        if (lost->peer)
            lost->peer->error = ECONNRESET;
        sd_socket_put(&lost->socket);
    }
    if (node)
        name->put_node(node);
    sd_unix_name_put(name);
    sd_unix_name_put(end->peer_name);
    sd_free(end);
}

static const struct sd_file_ops file_ops = {
    SD_SOCKET_FILE_OPS,          .ioctl = unix_ioctl, .ready = unix_ready,
    .readiness = unix_readiness, .close = unix_close,
};

struct sd_unix *sd_unix_new(int type, const struct sd_socket_ops *ops)
{
    struct sd_unix *end = sd_calloc(1, sizeof(*end));

    if (!end)
        return NULL;
    end->socket = (struct sd_socket){
        .file = {.ops = &file_ops, .references = 1, .flags = O_RDWR | (type & SOCK_NONBLOCK)},
        .ops = ops,
        .family = AF_UNIX,
        .type = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK),
    };
    xen_list_init(&end->senders);
    xen_list_init(&end->packets);
    xen_list_init(&end->waiting);
    xen_waitq_init(&end->readable);
    xen_waitq_init(&end->writable);
    sd_readiness_init(&end->readiness);
    return end;
}

int sd_unix_check(int type, int protocol)
{
    int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (protocol && protocol != PF_UNIX)
        return -EPROTONOSUPPORT;
    if (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK | 15) || kind > SOCK_PACKET)
        return -EINVAL;
    return kind == SOCK_STREAM || kind == SOCK_DGRAM || kind == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}
