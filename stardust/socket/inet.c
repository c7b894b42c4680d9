/*
 * socket(2), and what TCP and UDP have in common.
 */
#define _GNU_SOURCE
#include "inet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <stardust/kernel.h>
#include <stardust/net.h>

#include "../posix/anonymous.h"
#include "../posix/sys.h"
#include "../posix/unix.h"
#include "../posix/wait.h"
#include "lwip/err.h"
#include "network.h"

void sd_inet_init(struct sd_inet *inet, const struct sd_file_ops *file_ops, const struct sd_socket_ops *ops,
                  int family, int type, int protocol)
{
    inet->socket.file = (struct sd_file){.ops = file_ops, .references = 1, .flags = O_RDWR};
    inet->socket.ops = ops;
    inet->socket.family = family;
    inet->socket.type = type;
    inet->socket.protocol = protocol;
    inet->receive_bytes = inet->send_bytes = SD_INET_BYTES;
    inet->receive_least = 1;
    xen_waitq_init(&inet->queue);
    sd_readiness_init(&inet->readiness);
    sd_end_any(inet, &inet->local);
}

void sd_inet_tell(struct sd_inet *inet, unsigned events)
{
    xen_platform_lock(&inet->lock);
    inet->changes++;
    xen_platform_unlock(&inet->lock);
    xen_platform_wake(&inet->queue);
    sd_readiness_events(&inet->readiness, events);
}

long sd_inet_wait(struct sd_inet *inet, int flags, uint64_t deadline)
{
    unsigned seen = inet->changes;
    int error = 0;

    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    /* Letting go of it may be what brings the change. */
    sd_net_unlock();
    xen_platform_lock(&inet->lock);
    while (inet->changes == seen && !error)
        error = sd_wait(&inet->queue, &inet->lock, deadline);
    xen_platform_unlock(&inet->lock);
    sd_net_lock();
    return error == -ETIMEDOUT ? -EAGAIN : error;
}

int sd_inet_take_error(struct sd_inet *inet)
{
    int error = -inet->error;

    inet->error = 0;
    return error;
}

int sd_inet_error(int error)
{
    switch (error) {
    case ERR_OK:
        return 0;
    case ERR_MEM:
    case ERR_BUF:
        return -ENOBUFS;
    case ERR_RTE:
    case ERR_IF:
        return -ENETUNREACH;
    case ERR_USE:
        return -EADDRINUSE;
    case ERR_VAL:
        return -EACCES; /* to a broadcast address, without SO_BROADCAST */
    case ERR_RST:
        return -ECONNRESET;
    case ERR_ABRT:
        return -ETIMEDOUT;
    default:
        return -EINVAL;
    }
}

struct sd_readiness *sd_inet_readiness(struct sd_file *file)
{
    return &sd_inet_of_file(file)->readiness;
}

long sd_inet_name(struct sd_socket *socket, bool peer, void *address, unsigned *bytes)
{
    struct sd_inet *inet = sd_inet_of(socket);
    long result = 0;

    sd_net_lock();
    if (peer && !inet->has_peer)
        result = -ENOTCONN;
    else
        *bytes = sd_end_give(inet, peer ? &inet->peer : &inet->local, address);
    sd_net_unlock();
    return result;
}

static long open_inet(int family, int type, int protocol)
{
    int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct sd_inet *inet;
    long error;

    if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
        return kind == SOCK_RAW ? -EPERM : -ESOCKTNOSUPPORT;
    if (protocol && protocol != (kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
        return -EPROTONOSUPPORT;
    error = sd_network_begin();
    if (error)
        return error;
    inet = kind == SOCK_STREAM ? sd_tcp_open(family) : sd_udp_open(family);
    if (!inet)
        return -ENOBUFS;
    inet->socket.file.flags |= type & SOCK_NONBLOCK;
    return sd_file_offer(&inet->socket.file, type);
}

long sd_sys_socket(int family, int type, int protocol)
{
    int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (kind & ~15 || kind > SOCK_PACKET)
        return -EINVAL;
    switch (family) {
    case AF_INET:
    case AF_INET6:
        return open_inet(family, type, protocol);
    case AF_UNIX:
        return sd_unix_open(type, protocol);
    default:
        return -EAFNOSUPPORT;
    }
}
