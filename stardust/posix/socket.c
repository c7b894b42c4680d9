/*
 * Sockets as files, and the services that are not about messages.
 */
#define _GNU_SOURCE
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <stardust/timer.h>
#include <xenlib/time.h>

#include "anonymous.h"
#include "copy.h"
#include "sys.h"

struct sd_socket *sd_socket_get(int fd, long *error)
{
    struct sd_file *file = sd_fd_get(fd);

    *error = file ? -ENOTSOCK : -EBADF;
    if (!file)
        return NULL;
    if (file->ops->read == sd_socket_read)
        return xen_container_of(file, struct sd_socket, file);
    sd_file_put(file);
    return NULL;
}

void sd_socket_put(struct sd_socket *socket)
{
    sd_file_put(&socket->file);
}

void sd_socket_stat(struct sd_file *file, struct stat *status)
{
    (void)file;
    status->st_mode = S_IFSOCK | 0777;
    status->st_nlink = 1;
    status->st_ino = (uintptr_t)file >> 4; /* as long as it lives nobody else's */
    status->st_blksize = 4096;
}

uint64_t sd_socket_deadline(uint64_t timeout_ns)
{
    return timeout_ns ? xen_time_now() + timeout_ns : XEN_FOREVER;
}

/* ---- addresses ---- */

static long with_address(int fd, const void *address, unsigned bytes, bool connect)
{
    long (*operation)(struct sd_socket *, const void *, unsigned);
    uint8_t name[SD_NAME_BYTES];
    struct sd_socket *socket;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    operation = connect ? socket->ops->connect : socket->ops->bind;
    if (bytes > sizeof(name))
        result = -EINVAL;
    else if (sd_copy_in(name, address, bytes))
        result = -EFAULT;
    else
        result = operation ? operation(socket, name, bytes) : -EOPNOTSUPP;
    sd_socket_put(socket);
    return result;
}

long sd_sys_connect(int fd, const void *address, unsigned bytes)
{
    return with_address(fd, address, bytes, true);
}

long sd_sys_bind(int fd, const void *address, unsigned bytes)
{
    return with_address(fd, address, bytes, false);
}

long sd_sys_listen(int fd, int backlog)
{
    struct sd_socket *socket;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    result = socket->ops->listen ? socket->ops->listen(socket, backlog) : -EOPNOTSUPP;
    sd_socket_put(socket);
    return result;
}

/* To the program: as much as there is room for, and how many bytes there are. */
static long give(const void *from, unsigned bytes, void *to, unsigned *room)
{
    int there = 0;

    if (sd_copy_in(&there, room, sizeof(there)))
        return -EFAULT;
    if (there < 0)
        return -EINVAL;
    if (sd_copy_out(to, from, (unsigned)there < bytes ? (unsigned)there : bytes))
        return -EFAULT;
    return sd_copy_out(room, &bytes, sizeof(bytes));
}

static long give_name(struct sd_socket *socket, bool peer, void *address, unsigned *room)
{
    uint8_t name[SD_NAME_BYTES] = {0};
    unsigned bytes = 0;
    long result = socket->ops->name ? socket->ops->name(socket, peer, name, &bytes) : -EOPNOTSUPP;

    return result ? result : give(name, bytes, address, room);
}

static long name_of(int fd, bool peer, void *address, unsigned *room)
{
    struct sd_socket *socket;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    result = give_name(socket, peer, address, room);
    sd_socket_put(socket);
    return result;
}

long sd_sys_getsockname(int fd, void *address, unsigned *room)
{
    return name_of(fd, false, address, room);
}

long sd_sys_getpeername(int fd, void *address, unsigned *room)
{
    return name_of(fd, true, address, room);
}

long sd_sys_accept4(int fd, void *address, unsigned *room, int flags)
{
    struct sd_socket *socket, *accepted = NULL;
    long result;
    int taken;

    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    taken = sd_fd_reserve();
    if (taken < 0) {
        sd_socket_put(socket);
        return taken;
    }
    result = socket->ops->accept ? socket->ops->accept(socket, &accepted) : -EOPNOTSUPP;
    sd_socket_put(socket);
    if (!result && address)
        result = give_name(accepted, true, address, room);
    if (result) {
        if (accepted)
            sd_socket_put(accepted);
        sd_fd_fill(taken, NULL, false);
        return result;
    }
    accepted->file.flags |= flags & SOCK_NONBLOCK;
    sd_fd_fill(taken, &accepted->file, flags & SOCK_CLOEXEC);
    return taken;
}

long sd_sys_accept(int fd, void *address, unsigned *room)
{
    return sd_sys_accept4(fd, address, room, 0);
}

long sd_sys_shutdown(int fd, int how)
{
    struct sd_socket *socket;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    if (how < SHUT_RD || how > SHUT_RDWR)
        result = -EINVAL;
    else
        result = socket->ops->shutdown ? socket->ops->shutdown(socket, how) : -EOPNOTSUPP;
    sd_socket_put(socket);
    return result;
}

/* ---- options ---- */

static long get_option(struct sd_socket *socket, int level, int option, void *value, unsigned *bytes)
{
    uint64_t ns = option == SO_RCVTIMEO ? socket->receive_ns : socket->send_ns;
    struct timeval *time = value;
    int *number = value;

    *bytes = sizeof(*number);
    switch (level == SOL_SOCKET ? option : -1) {
    case SO_TYPE:
        *number = socket->type;
        return 0;
    case SO_DOMAIN:
        *number = socket->family;
        return 0;
    case SO_PROTOCOL:
        *number = socket->protocol;
        return 0;
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
        *bytes = sizeof(*time);
        time->tv_sec = (time_t)(ns / SD_SECOND);
        time->tv_usec = (suseconds_t)(ns % SD_SECOND / 1000);
        return 0;
    default:
        return socket->ops->getsockopt ? socket->ops->getsockopt(socket, level, option, value, bytes)
                                       : -ENOPROTOOPT;
    }
}

static long set_timeout(uint64_t *ns, const struct timeval *time, unsigned bytes)
{
    if (bytes < sizeof(*time))
        return -EINVAL;
    if (time->tv_usec < 0 || time->tv_usec >= 1000000)
        return -EDOM;
    /* None at all for what is negative, for ever for what is that long. */
    *ns = 0;
    if (time->tv_sec < 0)
        *ns = 1;
    else if ((uint64_t)time->tv_sec < INT64_MAX / SD_SECOND)
        *ns = (uint64_t)time->tv_sec * SD_SECOND + (uint64_t)time->tv_usec * 1000;
    return 0;
}

/* The option's value is aligned as the largest that a family has. */
union value {
    uint8_t bytes[SD_OPTION_BYTES];
    struct timeval time;
};

long sd_sys_getsockopt(int fd, int level, int option, void *value, unsigned *room)
{
    union value found = {{0}};
    struct sd_socket *socket;
    unsigned bytes = 0;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    result = get_option(socket, level, option, &found, &bytes);
    if (!result) {
        unsigned there = 0;

        if (sd_copy_in(&there, room, sizeof(there)))
            result = -EFAULT;
        else if (there < bytes) /* cut, and said to be */
            bytes = there;
    }
    if (!result)
        result = give(&found, bytes, value, room);
    sd_socket_put(socket);
    return result;
}

long sd_sys_setsockopt(int fd, int level, int option, const void *value, unsigned bytes)
{
    union value wanted = {{0}};
    struct sd_socket *socket;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    if ((int)bytes < 0)
        result = -EINVAL;
    else if (sd_copy_in(&wanted, value, bytes < sizeof(wanted) ? bytes : sizeof(wanted)))
        result = -EFAULT;
    else if (level == SOL_SOCKET && option == SO_RCVTIMEO)
        result = set_timeout(&socket->receive_ns, &wanted.time, bytes);
    else if (level == SOL_SOCKET && option == SO_SNDTIMEO)
        result = set_timeout(&socket->send_ns, &wanted.time, bytes);
    else
        result = socket->ops->setsockopt ? socket->ops->setsockopt(socket, level, option, &wanted, bytes)
                                         : -ENOPROTOOPT;
    sd_socket_put(socket);
    return result;
}
