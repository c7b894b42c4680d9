#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include <stardust/memory.h>

#include "anonymous.h"
#include "copy.h"
#include "rights.h"
#include "sys.h"
#include "wait.h"

static struct sd_pair_end *end_of(struct sd_file *file)
{
    return xen_container_of(file, struct sd_pair_end, socket.file);
}

void sd_pair_tell(struct sd_pair_end *end, unsigned events)
{
    if (events & (POLLIN | POLLHUP))
        xen_platform_wake(&end->readable);
    if (events & (POLLOUT | POLLHUP))
        xen_platform_wake(&end->writable);
    sd_readiness_events(&end->readiness, events);
}

size_t sd_packet_cost(const struct sd_packet *packet)
{
    return sizeof(*packet) + packet->room;
}

void sd_packet_drop(struct sd_packet *packet)
{
    sd_rights_drop(packet->rights);
    sd_free(packet);
}

int sd_pair_wait(struct sd_pair_end *end, struct xen_waitq *queue, int flags, uint64_t deadline)
{
    int error = flags & MSG_DONTWAIT ? -EAGAIN : sd_wait(queue, &end->pair->lock, deadline);

    return error == -ETIMEDOUT ? -EAGAIN : error;
}

int sd_pair_take_error(struct sd_pair_end *end)
{
    int error = -end->error;

    end->error = 0;
    return error;
}

static long pair_shutdown(struct sd_socket *socket, int how)
{
    struct sd_pair_end *end = sd_pair_end_of(socket), *peer = end->peer;

    xen_platform_lock(&end->pair->lock);
    if (how != SHUT_WR)
        end->no_more_in = true;
    if (how != SHUT_RD)
        end->no_more_out = true;
    if (how != SHUT_RD && socket->type != SOCK_DGRAM)
        peer->no_more_in = true;
    if (how != SHUT_WR && socket->type != SOCK_DGRAM)
        peer->no_more_out = true;
    sd_pair_tell(end, ~0u);
    sd_pair_tell(peer, ~0u);
    xen_platform_unlock(&end->pair->lock);
    return 0;
}

static long pair_getsockopt(struct sd_socket *socket, int level, int option, void *value, unsigned *bytes)
{
    static const struct ucred process = {.pid = 1};
    struct sd_pair_end *end = sd_pair_end_of(socket);
    int *number = value;

    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    *bytes = sizeof(*number);
    *number = 0;
    switch (option) {
    case SO_ERROR:
        xen_platform_lock(&end->pair->lock);
        *number = -sd_pair_take_error(end);
        xen_platform_unlock(&end->pair->lock);
        return 0;
    case SO_SNDBUF:
    case SO_RCVBUF:
        *number = SD_PAIR_ROOM;
        return 0;
    case SO_PEERCRED:
        *bytes = sizeof(process);
        memcpy(value, &process, sizeof(process));
        return 0;
    case SO_ACCEPTCONN:
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
static long pair_setsockopt(struct sd_socket *socket, int level, int option, const void *value,
                            unsigned bytes)
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

static long pair_name(struct sd_socket *socket, bool peer, void *address, unsigned *bytes)
{
    const sa_family_t family = AF_UNIX;

    if (peer && sd_pair_end_of(socket)->peer->is_closed)
        return -ENOTCONN;
    memcpy(address, &family, sizeof(family));
    *bytes = sizeof(family);
    return 0;
}

static long pair_connect(struct sd_socket *socket, const void *address, unsigned bytes)
{
    (void)socket;
    (void)address;
    (void)bytes;
    return -EISCONN;
}

/* It has a peer and no name that another could connect to. */
static long pair_listen(struct sd_socket *socket, int backlog)
{
    (void)backlog;
    return socket->type == SOCK_DGRAM ? -EOPNOTSUPP : -EINVAL;
}

static const struct sd_socket_ops socket_ops = {
    .listen = pair_listen,
    .connect = pair_connect,
    .sendmsg = sd_pair_sendmsg,
    .recvmsg = sd_pair_recvmsg,
    .shutdown = pair_shutdown,
    .getsockopt = pair_getsockopt,
    .setsockopt = pair_setsockopt,
    .name = pair_name,
};

static unsigned pair_ready(struct sd_file *file)
{
    struct sd_pair_end *end = end_of(file);
    unsigned ready = 0;

    xen_platform_lock(&end->pair->lock);
    if (!xen_list_is_empty(&end->packets) || end->no_more_in)
        ready |= POLLIN;
    /* As on Linux: once three quarters are free. */
    if (end->peer->queued * 4 <= SD_PAIR_ROOM)
        ready |= POLLOUT;
    if (end->no_more_in && end->socket.type != SOCK_DGRAM)
        ready |= POLLRDHUP;
    if (end->no_more_in && end->no_more_out)
        ready |= POLLHUP;
    if (end->error)
        ready |= POLLERR;
    xen_platform_unlock(&end->pair->lock);
    return ready;
}

static struct sd_readiness *pair_readiness(struct sd_file *file)
{
    return &end_of(file)->readiness;
}

static long pair_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    struct sd_pair_end *end = end_of(file);
    int count = 0;

    if (request != FIONREAD)
        return -ENOTTY;
    xen_platform_lock(&end->pair->lock);
    xen_list_each(at, &end->packets)
    {
        struct sd_packet *packet = xen_container_of(at, struct sd_packet, link);

        count += (int)(packet->end - packet->first);
        if (end->socket.type == SOCK_DGRAM)
            break;
    }
    xen_platform_unlock(&end->pair->lock);
    return sd_copy_out(arg, &count, sizeof(count));
}

static void pair_close(struct sd_file *file)
{
    struct sd_pair_end *end = end_of(file), *peer = end->peer;
    struct sd_pair *pair = end->pair;
    struct xen_list left;
    bool last;

    xen_platform_lock(&pair->lock);
    end->is_closed = true;
    if (end->socket.type != SOCK_DGRAM) {
        /* What was sent and never read was in vain. */
        if (!xen_list_is_empty(&end->packets) && !peer->is_closed)
            peer->error = ECONNRESET;
        peer->no_more_in = peer->no_more_out = true;
    }
    xen_list_insert(&end->packets, &left);
    xen_list_remove(&end->packets);
    end->queued = 0;
    last = !--pair->open;
    if (!last)
        sd_pair_tell(peer, ~0u);
    xen_platform_unlock(&pair->lock);
    /* Among them may be files that lead back here. */
    xen_list_each(at, &left) sd_packet_drop(xen_container_of(at, struct sd_packet, link));
    if (last)
        sd_free(pair);
}

static const struct sd_file_ops file_ops = {
    SD_SOCKET_FILE_OPS,          .ioctl = pair_ioctl, .ready = pair_ready,
    .readiness = pair_readiness, .close = pair_close,
};

long sd_sys_socketpair(int family, int type, int protocol, int *fds)
{
    int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct sd_pair *pair;

    if (family != AF_UNIX)
        return family == AF_INET || family == AF_INET6 ? -EOPNOTSUPP : -EAFNOSUPPORT;
    if (protocol && protocol != PF_UNIX)
        return -EPROTONOSUPPORT;
    if (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK | 15) || kind > SOCK_PACKET)
        return -EINVAL;
    if (kind != SOCK_STREAM && kind != SOCK_DGRAM && kind != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    pair = sd_calloc(1, sizeof(*pair));
    if (!pair)
        return -ENOMEM;
    pair->open = 2;
    for (int i = 0; i < 2; i++) {
        struct sd_pair_end *end = &pair->ends[i];

        end->socket = (struct sd_socket){
            .file = {.ops = &file_ops, .references = 1, .flags = O_RDWR | (type & SOCK_NONBLOCK)},
            .ops = &socket_ops,
            .family = AF_UNIX,
            .type = kind,
        };
        end->pair = pair;
        end->peer = &pair->ends[!i];
        xen_list_init(&end->packets);
        xen_waitq_init(&end->readable);
        xen_waitq_init(&end->writable);
        sd_readiness_init(&end->readiness);
    }
    return sd_file_offer_pair(&pair->ends[0].socket.file, &pair->ends[1].socket.file, type, fds);
}
