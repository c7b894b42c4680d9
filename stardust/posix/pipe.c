/*
 * Pipes: both ends share one buffer, whose lock guards it and the counts of ends. A FIFO (fifo.c) is the
 * same, with ends that come and go.
 */
#define _GNU_SOURCE
#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <stardust/memory.h>

#include "anonymous.h"
#include "copy.h"
#include "../fs/fs.h"
#include "signals.h"
#include "sys.h"
#include "wait.h"

#define CAPACITY     65536
#define CAPACITY_MAX (1ul << 20)

struct sd_pipe_end *sd_pipe_end(struct sd_file *file)
{
    return xen_container_of(file, struct sd_pipe_end, file);
}

/* Space came, or went to somebody's advantage. The lock is held. */
static void tell(struct sd_pipe *pipe, unsigned events)
{
    if (events & (POLLIN | POLLHUP))
        xen_platform_wake(&pipe->readable);
    if (events & (POLLOUT | POLLERR))
        xen_platform_wake(&pipe->writable);
    sd_readiness_events(&pipe->readiness, events);
}

/* Copies out what is there. The bytes, or -EFAULT when there were some and none could be given. */
static long give(struct sd_pipe_buffer *from, char *buffer, size_t bytes)
{
    size_t done = 0;

    while (done < bytes && from->count) {
        size_t now = bytes - done;
        const char *data = sd_pipe_buffer_data(from, &now);

        if (sd_copy_out(buffer + done, data, now))
            return done ? (long)done : -EFAULT;
        sd_pipe_buffer_emptied(from, now);
        done += now;
    }
    return (long)done;
}

long sd_pipe_read(struct sd_file *file, void *buffer, size_t bytes)
{
    struct sd_pipe *pipe = sd_pipe_end(file)->pipe;
    long result = 0;

    xen_platform_lock(&pipe->lock);
    while (!pipe->buffer.count && pipe->writers && !result)
        result = file->flags & O_NONBLOCK ? -EAGAIN : sd_wait(&pipe->readable, &pipe->lock, XEN_FOREVER);
    if (pipe->buffer.count) {
        result = give(&pipe->buffer, buffer, bytes);
        tell(pipe, POLLOUT);
    }
    xen_platform_unlock(&pipe->lock);
    return result;
}

/* Takes in what there is room for. The bytes; -EFAULT or -ENOMEM when it were none. */
static long take(struct sd_pipe_buffer *to, const char *buffer, size_t bytes)
{
    size_t done = 0;

    while (done < bytes && to->count < sd_pipe_buffer_capacity(to)) {
        size_t now = bytes - done;
        char *place = sd_pipe_buffer_room(to, &now);

        if (!place || sd_copy_in(place, buffer + done, now))
            return done ? (long)done : place ? -EFAULT : -ENOMEM;
        sd_pipe_buffer_filled(to, now);
        done += now;
    }
    return (long)done;
}

/* What there is room for, once there is room for `needed`. The lock is held. */
static long write_some(struct sd_file *file, const char *buffer, size_t bytes, size_t needed)
{
    struct sd_pipe *pipe = sd_pipe_end(file)->pipe;

    for (;;) {
        size_t room = sd_pipe_buffer_capacity(&pipe->buffer) - pipe->buffer.count;
        long result;

        if (!pipe->readers)
            return -EPIPE;
        if (room >= needed) {
            result = take(&pipe->buffer, buffer, bytes);
            if (result > 0)
                tell(pipe, POLLIN);
            return result;
        }
        result = file->flags & O_NONBLOCK ? -EAGAIN : sd_wait(&pipe->writable, &pipe->lock, XEN_FOREVER);
        if (result)
            return result;
    }
}

/* Begins once there is room for so many bytes. */
static long write_all(struct sd_file *file, const char *buffer, size_t bytes, size_t needed)
{
    struct sd_pipe *pipe = sd_pipe_end(file)->pipe;
    size_t done = 0;
    long result = 0;

    xen_platform_lock(&pipe->lock);
    while (done < bytes && result >= 0) {
        result = write_some(file, buffer + done, bytes - done, done ? 1 : needed);
        if (result > 0)
            done += (size_t)result;
    }
    xen_platform_unlock(&pipe->lock);
    if (result == -EPIPE)
        sd_signal_pipe();
    return done ? (long)done : result;
}

long sd_pipe_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    return write_all(file, buffer, bytes, bytes <= SD_PIPE_ATOMIC ? bytes : 1);
}

/* The sum of the vectors' lengths. */
static int sum_of(const struct iovec *vectors, int count, size_t *sum)
{
    struct iovec vector;

    *sum = 0;
    for (int i = 0; i < count; i++) {
        if (sd_copy_in(&vector, vectors + i, sizeof(vector)))
            return -EFAULT;
        *sum += vector.iov_len;
    }
    return 0;
}

/* Reads what is there into one after the other; writes as if all were one. */
long sd_pipe_vectored(struct sd_file *file, bool out, const struct iovec *vectors, int count)
{
    struct iovec vector;
    size_t done = 0, sum;
    long now = sum_of(vectors, count, &sum);

    if (out ? !file->ops->write : !file->ops->read)
        return -EBADF;
    for (int i = 0; i < count && now >= 0; i++) {
        now = sd_copy_in(&vector, vectors + i, sizeof(vector));
        if (now || !vector.iov_len)
            continue;
        if (!out && done && !sd_pipe_end(file)->pipe->buffer.count)
            break;
        now = out ? write_all(file, vector.iov_base, vector.iov_len, sum <= SD_PIPE_ATOMIC ? sum - done : 1)
                  : sd_pipe_read(file, vector.iov_base, vector.iov_len);
        done += now > 0 ? (size_t)now : 0;
        if (now >= 0 && (size_t)now < vector.iov_len)
            break;
    }
    return done ? (long)done : now;
}

unsigned sd_pipe_ready(struct sd_file *file)
{
    const struct sd_pipe_end *end = sd_pipe_end(file);
    struct sd_pipe *pipe = end->pipe;
    int mode = file->flags & O_ACCMODE;
    unsigned ready = 0;

    xen_platform_lock(&pipe->lock);
    if (mode != O_WRONLY) {
        ready |= pipe->buffer.count ? POLLIN : 0;
        ready |= !pipe->writers && pipe->writers_so_far != end->writers_before ? POLLHUP : 0;
    }
    if (mode != O_RDONLY) {
        size_t room = sd_pipe_buffer_capacity(&pipe->buffer) - pipe->buffer.count;

        ready |= room >= SD_PIPE_ATOMIC ? POLLOUT : 0;
        ready |= pipe->readers ? 0 : POLLERR;
    }
    xen_platform_unlock(&pipe->lock);
    return ready;
}

struct sd_readiness *sd_pipe_readiness(struct sd_file *file)
{
    return &sd_pipe_end(file)->pipe->readiness;
}

long sd_pipe_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    int count = (int)sd_pipe_end(file)->pipe->buffer.count;

    return request == FIONREAD ? sd_copy_out(arg, &count, sizeof(count)) : -ENOTTY;
}

static void pipe_stat(struct sd_file *file, struct stat *status)
{
    status->st_mode = S_IFIFO | 0600;
    status->st_nlink = 1;
    status->st_ino = sd_pipe_end(file)->pipe->inode;
    status->st_blksize = 4096;
}

void sd_pipe_leave(struct sd_pipe *pipe)
{
    bool last = !--pipe->users;

    xen_platform_unlock(&pipe->lock);
    if (!last)
        return;
    if (pipe->node)
        pipe->node->pipe = NULL;
    sd_pipe_buffer_free(&pipe->buffer);
    sd_free(pipe);
}

void sd_pipe_close(struct sd_file *file)
{
    struct sd_pipe_end *end = sd_pipe_end(file);
    struct sd_pipe *pipe = end->pipe;
    int mode = file->flags & O_ACCMODE;

    xen_platform_lock(&pipe->lock);
    pipe->readers -= mode != O_WRONLY;
    pipe->writers -= mode != O_RDONLY;
    tell(pipe, POLLIN | POLLOUT | POLLHUP | POLLERR);
    sd_pipe_leave(pipe);
    sd_free(end);
}

/* By access mode: what a descriptor is not open for gives EBADF. */
#define COMMON                                                                                               \
    .vectored = sd_pipe_vectored, .ioctl = sd_pipe_ioctl, .stat = pipe_stat, .ready = sd_pipe_ready,         \
    .readiness = sd_pipe_readiness, .close = sd_pipe_close
static const struct sd_file_ops reading = {.read = sd_pipe_read, COMMON},
                                writing = {.write = sd_pipe_write, COMMON};

struct sd_pipe *sd_pipe_make(void)
{
    struct sd_pipe *pipe = sd_calloc(1, sizeof(*pipe));

    if (!pipe)
        return NULL;
    if (sd_pipe_buffer_init(&pipe->buffer, CAPACITY)) {
        sd_free(pipe);
        return NULL;
    }
    xen_waitq_init(&pipe->readable);
    xen_waitq_init(&pipe->writable);
    sd_readiness_init(&pipe->readiness);
    pipe->inode = sd_anonymous_inode();
    pipe->users = 1;
    return pipe;
}

struct sd_pipe_end *sd_pipe_open(struct sd_pipe *pipe, int flags, const struct sd_file_ops *end_ops)
{
    struct sd_pipe_end *end = sd_calloc(1, sizeof(*end));
    int mode = flags & O_ACCMODE;

    if (!end)
        return NULL;
    end->file = (struct sd_file){.ops = end_ops, .references = 1, .flags = flags};
    end->pipe = pipe;
    end->writers_before = pipe->writers_so_far;
    pipe->users++;
    pipe->readers += mode != O_WRONLY;
    pipe->readers_so_far += mode != O_WRONLY;
    pipe->writers += mode != O_RDONLY;
    pipe->writers_so_far += mode != O_RDONLY;
    return end;
}

long sd_sys_pipe2(int *fds, int flags)
{
    struct sd_pipe_end *out, *in;
    struct sd_pipe *pipe;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    pipe = sd_pipe_make();
    if (!pipe)
        return -ENOMEM;
    in = sd_pipe_open(pipe, O_RDONLY | (flags & O_NONBLOCK), &reading);
    out = sd_pipe_open(pipe, O_WRONLY | (flags & O_NONBLOCK), &writing);
    xen_platform_lock(&pipe->lock);
    sd_pipe_leave(pipe);
    if (in && out)
        return sd_file_offer_pair(&in->file, &out->file, flags, fds);
    if (in)
        sd_file_put(&in->file);
    if (out)
        sd_file_put(&out->file);
    return -ENOMEM;
}

long sd_sys_pipe(int *fds)
{
    return sd_sys_pipe2(fds, 0);
}

long sd_pipe_size(struct sd_file *file, int command, unsigned long bytes)
{
    struct sd_pipe *pipe;
    size_t capacity = XEN_PAGE_SIZE;
    long result = 0;

    if (file->ops->ioctl != sd_pipe_ioctl)
        return -EBADF;
    pipe = sd_pipe_end(file)->pipe;
    if (command == F_GETPIPE_SZ)
        return (long)sd_pipe_buffer_capacity(&pipe->buffer);
    if (bytes > CAPACITY_MAX)
        return bytes >> 31 ? -EINVAL : -EPERM;
    /* A power of two pages, as on Linux. */
    while (capacity < bytes)
        capacity *= 2;
    xen_platform_lock(&pipe->lock);
    result = sd_pipe_buffer_resize(&pipe->buffer, capacity);
    if (!result)
        tell(pipe, POLLOUT);
    xen_platform_unlock(&pipe->lock);
    return result ? result : (long)capacity;
}
