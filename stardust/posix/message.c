/*
 * Messages: the services that send and receive, and reading and writing a socket as a file.
 */
#define _GNU_SOURCE
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <xenlib/time.h>

#include "../fs/fs.h"
#include "copy.h"
#include "signals.h"
#include "sys.h"
#include "timespec.h"

#define VECTORS_MAX 1024
#define BYTES_MAX   0x7ffff000ul

void sd_socket_broken(const struct sd_message *message)
{
    if (!(message->flags & MSG_NOSIGNAL))
        sd_signal_pipe();
}

static int move(struct sd_message *message, char *kernel, size_t bytes, bool out)
{
    while (bytes) {
        struct iovec vector;
        size_t now;
        char *place;

        if (sd_copy_in(&vector, message->vectors, sizeof(vector)))
            return -EFAULT;
        now = vector.iov_len > message->within ? vector.iov_len - message->within : 0;
        place = (char *)vector.iov_base + message->within;
        now = now < bytes ? now : bytes;
        if (out ? sd_copy_out(place, kernel, now) : sd_copy_in(kernel, place, now))
            return -EFAULT;
        kernel += now;
        bytes -= now;
        message->bytes -= now;
        message->within += now;
        if (bytes) {
            message->vectors++;
            message->count--;
            message->within = 0;
            if (message->count <= 0)
                return -EFAULT; /* changed since it was checked */
        }
    }
    return 0;
}

int sd_message_in(struct sd_message *message, void *to, size_t bytes)
{
    while (message->file && bytes) {
        const char *from;
        size_t now;

        if (sd_message_piece(message, &from, &now))
            return -EFAULT;
        now = now < bytes ? now : bytes;
        memcpy(to, from, now);
        sd_message_skip(message, now);
        to = (char *)to + now;
        bytes -= now;
    }
    return move(message, to, bytes, false);
}

int sd_message_out(struct sd_message *message, const void *from, size_t bytes)
{
    return move(message, (char *)(uintptr_t)from, bytes, true);
}

int sd_message_piece(struct sd_message *message, const char **at, size_t *bytes)
{
    struct iovec vector;

    if (message->file) {
        *bytes = message->file->ops->lend(message->file, message->file_at + (long)message->within, at);
        if (*bytes > message->bytes)
            *bytes = message->bytes;
        return *bytes ? 0 : -ENODATA;
    }
    for (;;) {
        if (message->count <= 0 || sd_copy_in(&vector, message->vectors, sizeof(vector)))
            return -EFAULT;
        if (vector.iov_len > message->within)
            break;
        message->vectors++;
        message->count--;
        message->within = 0;
    }
    *at = (const char *)vector.iov_base + message->within;
    *bytes = vector.iov_len - message->within;
    if (*bytes > message->bytes)
        *bytes = message->bytes;
    return 0;
}

void sd_message_skip(struct sd_message *message, size_t bytes)
{
    message->within += bytes;
    message->bytes -= bytes;
}

/* Takes the program's vectors into the message. 0, -EMSGSIZE, -EINVAL, -EFAULT. */
static int set_vectors(struct sd_message *message, const struct iovec *vectors, size_t count)
{
    if (count > VECTORS_MAX)
        return -EMSGSIZE;
    message->vectors = vectors;
    message->count = (int)count;
    for (size_t i = 0; i < count; i++) {
        struct iovec vector;

        if (sd_copy_in(&vector, vectors + i, sizeof(vector)))
            return -EFAULT;
        if (vector.iov_len > (size_t)INT64_MAX)
            return -EINVAL;
        message->bytes += vector.iov_len;
        if (message->bytes > BYTES_MAX)
            message->bytes = BYTES_MAX;
    }
    return 0;
}

static int flags_of(const struct sd_socket *socket, int flags)
{
    return flags | (socket->file.flags & O_NONBLOCK ? MSG_DONTWAIT : 0);
}

static long transfer(struct sd_socket *socket, struct sd_message *message, bool out)
{
    if (out)
        return socket->ops->sendmsg ? socket->ops->sendmsg(socket, message) : -EOPNOTSUPP;
    return socket->ops->recvmsg ? socket->ops->recvmsg(socket, message) : -EOPNOTSUPP;
}

/* ---- as a file ---- */

long sd_socket_vectored(struct sd_file *file, bool out, const struct iovec *vectors, int count)
{
    struct sd_socket *socket = xen_container_of(file, struct sd_socket, file);
    struct sd_message message = {.flags = flags_of(socket, 0)};
    int error = set_vectors(&message, vectors, (size_t)count);

    return error ? error : transfer(socket, &message, out);
}

/* The vector is the kernel's own, which can be copied like the program's. */
long sd_socket_read(struct sd_file *file, void *buffer, size_t bytes)
{
    const struct iovec vector = {buffer, bytes};

    return sd_socket_vectored(file, false, &vector, 1);
}

long sd_socket_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    const struct iovec vector = {(void *)(uintptr_t)buffer, bytes};

    return sd_socket_vectored(file, true, &vector, 1);
}

long sd_socket_sendfile(struct sd_file *to, struct sd_file *from, long at, size_t bytes)
{
    struct sd_socket *socket = xen_container_of(to, struct sd_socket, file);
    struct sd_message message = {.file = from, .file_at = at};
    uint64_t size = from->node->size;
    long result;

    if (to->ops->read != sd_socket_read || socket->type != SOCK_STREAM)
        return -ENOTSOCK;
    if ((uint64_t)at >= size)
        return 0;
    message.bytes = bytes < size - (uint64_t)at ? bytes : size - (uint64_t)at;
    message.flags = flags_of(socket, 0);
    result = transfer(socket, &message, true);
    return result == -ENODATA ? 0 : result; /* cut off meanwhile */
}

/* ---- sending ---- */

static long send_header(struct sd_socket *socket, const struct msghdr *header, int flags)
{
    uint8_t name[SD_NAME_BYTES];
    struct sd_message message = {.flags = flags_of(socket, flags),
                                 .control = header->msg_control,
                                 .control_bytes = header->msg_controllen};
    int error;

    if (header->msg_name && header->msg_namelen) {
        if (header->msg_namelen > sizeof(name))
            return -EINVAL;
        if (sd_copy_in(name, header->msg_name, header->msg_namelen))
            return -EFAULT;
        message.name = name;
        message.name_bytes = header->msg_namelen;
    }
    error = set_vectors(&message, header->msg_iov, (size_t)header->msg_iovlen);
    return error ? error : transfer(socket, &message, true);
}

long sd_sys_sendmsg(int fd, const struct msghdr *given, int flags)
{
    struct sd_socket *socket;
    struct msghdr header;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    result = sd_copy_in(&header, given, sizeof(header)) ? -EFAULT : send_header(socket, &header, flags);
    sd_socket_put(socket);
    return result;
}

long sd_sys_sendto(int fd, const void *buffer, size_t bytes, int flags, const void *address,
                   unsigned address_bytes)
{
    struct iovec vector = {(void *)(uintptr_t)buffer, bytes < BYTES_MAX ? bytes : BYTES_MAX};
    struct msghdr header = {.msg_name = (void *)(uintptr_t)address,
                            .msg_namelen = address_bytes,
                            .msg_iov = &vector,
                            .msg_iovlen = 1};
    struct sd_socket *socket;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    result = send_header(socket, &header, flags);
    sd_socket_put(socket);
    return result;
}

long sd_sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    long sent = 0, result = 0;

    if (count > VECTORS_MAX)
        count = VECTORS_MAX;
    while (sent < count) {
        unsigned bytes;

        result = sd_sys_sendmsg(fd, &messages[sent].msg_hdr, flags);
        if (result < 0)
            break;
        bytes = (unsigned)result;
        if (sd_copy_out(&messages[sent].msg_len, &bytes, sizeof(bytes))) {
            result = -EFAULT;
            break;
        }
        sent++;
    }
    return sent ? sent : result;
}

/* ---- receiving ---- */

/* Fills in the header's lengths and flags; it is the kernel's copy. */
static long receive(struct sd_socket *socket, struct msghdr *header, int flags)
{
    uint8_t name[SD_NAME_BYTES];
    struct sd_message message = {.flags = flags_of(socket, flags),
                                 .name_room = name,
                                 .control = header->msg_control,
                                 .control_bytes = header->msg_control ? header->msg_controllen : 0};
    unsigned room = header->msg_namelen;
    long result = set_vectors(&message, header->msg_iov, (size_t)header->msg_iovlen);

    if (result)
        return result;
    if (header->msg_name && (int)room < 0)
        return -EINVAL;
    result = transfer(socket, &message, false);
    if (result < 0)
        return result;
    header->msg_controllen = (socklen_t)message.control_bytes;
    header->msg_flags = message.flags;
    if (header->msg_name) {
        header->msg_namelen = message.name_bytes;
        if (sd_copy_out(header->msg_name, name, room < message.name_bytes ? room : message.name_bytes))
            return -EFAULT;
    }
    return result;
}

long sd_sys_recvmsg(int fd, struct msghdr *given, int flags)
{
    struct sd_socket *socket;
    struct msghdr header;
    long result;

    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    result = sd_copy_in(&header, given, sizeof(header)) ? -EFAULT : receive(socket, &header, flags);
    if (result >= 0 && sd_copy_out(given, &header, sizeof(header)))
        result = -EFAULT;
    sd_socket_put(socket);
    return result;
}

long sd_sys_recvfrom(int fd, void *buffer, size_t bytes, int flags, void *address, unsigned *address_bytes)
{
    struct iovec vector = {buffer, bytes < BYTES_MAX ? bytes : BYTES_MAX};
    struct msghdr header = {.msg_name = address, .msg_iov = &vector, .msg_iovlen = 1};
    struct sd_socket *socket;
    long result;

    if (address && sd_copy_in(&header.msg_namelen, address_bytes, sizeof(header.msg_namelen)))
        return -EFAULT;
    socket = sd_socket_get(fd, &result);
    if (!socket)
        return result;
    result = receive(socket, &header, flags);
    if (result >= 0 && address && sd_copy_out(address_bytes, &header.msg_namelen, sizeof(header.msg_namelen)))
        result = -EFAULT;
    sd_socket_put(socket);
    return result;
}

/* The time-out is looked at between messages only, as on Linux. */
long sd_sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    uint64_t deadline = XEN_FOREVER;
    long got = 0, result = 0;

    if (timeout && (result = sd_timespec_deadline(timeout, false, false, &deadline)))
        return result;
    if (count > VECTORS_MAX)
        count = VECTORS_MAX;
    while (got < count) {
        unsigned bytes;

        result = sd_sys_recvmsg(fd, &messages[got].msg_hdr, flags & ~MSG_WAITFORONE);
        if (result < 0)
            break;
        bytes = (unsigned)result;
        if (sd_copy_out(&messages[got].msg_len, &bytes, sizeof(bytes))) {
            result = -EFAULT;
            break;
        }
        got++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != XEN_FOREVER && xen_time_now() >= deadline)
            break;
    }
    return got ? got : result;
}
