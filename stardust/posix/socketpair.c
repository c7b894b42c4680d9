#define _GNU_SOURCE
#include <errno.h>

#include "anonymous.h"
#include "sys.h"
#include "unix.h"

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

static const struct sd_socket_ops ops = {
    .listen = pair_listen,
    .connect = pair_connect,
    .sendmsg = sd_unix_sendmsg,
    .recvmsg = sd_unix_recvmsg,
    .shutdown = sd_unix_shutdown,
    .getsockopt = sd_unix_getsockopt,
    .setsockopt = sd_unix_setsockopt,
    .name = sd_unix_name,
};

long sd_sys_socketpair(int family, int type, int protocol, int *fds)
{
    struct sd_unix *ends[2];
    int error;

    if (family != AF_UNIX)
        return family == AF_INET || family == AF_INET6 ? -EOPNOTSUPP : -EAFNOSUPPORT;
    error = sd_unix_check(type, protocol);
    if (error)
        return error;
    for (int i = 0; i < 2; i++)
        ends[i] = sd_unix_new(type, &ops);
    if (!ends[0] || !ends[1]) {
        for (int i = 0; i < 2; i++)
            if (ends[i])
                sd_socket_put(&ends[i]->socket);
        return -ENOMEM;
    }
    xen_platform_lock(&sd_unix_lock);
    for (int i = 0; i < 2; i++) {
        sd_unix_set_peer(ends[i], ends[!i]);
        ends[i]->is_connected = true;
    }
    xen_platform_unlock(&sd_unix_lock);
    return sd_file_offer_pair(&ends[0]->socket.file, &ends[1]->socket.file, type, fds);
}
