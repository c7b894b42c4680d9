/*
 * Pipes: both ends share one buffer, whose lock guards it and the counts of ends. A FIFO is the same, with
 * ends that come and go.
 */
#define _GNU_SOURCE
#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <stardust/memory.h>

#include "anonymous.h"
#include "copy.h"
#include "file.h"
#include "pipe_buffer.h"
#include "readiness.h"
#include "signals.h"
#include "sys.h"
#include "wait.h"

#define CAPACITY     65536
#define CAPACITY_MAX (1ul << 20)

struct sd_pipe {
    struct xen_lock lock;                /* guards the rest */
    struct xen_waitq readable, writable; /* where readers and writers wait; FIFOs' openers, too */
    struct sd_readiness readiness;
    struct sd_pipe_buffer buffer;
    unsigned readers, writers;
    unsigned long readers_so_far,
        writers_so_far;     /* ever opened: an opener may miss one that comes and goes */
    struct sd_pipe **owner; /* of a FIFO */
    unsigned users;         /* ends, and FIFOs' openers */
    unsigned long inode;
};

struct end {
    struct sd_file file;
    struct sd_pipe *pipe;
    unsigned long writers_before; /* a FIFO's reader hangs up only once a writer was there */
};

static struct end *end_of(struct sd_file *file)
{
    return xen_container_of(file, struct end, file);
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

static long pipe_read(struct sd_file *file, void *buffer, size_t bytes)
{
    struct sd_pipe *pipe = end_of(file)->pipe;
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

/* The lock is held. */
static long write_some(struct sd_file *file, struct sd_pipe *pipe, const char *buffer, size_t bytes,
                       bool whole)
{
    for (;;) {
        size_t room = sd_pipe_buffer_capacity(&pipe->buffer) - pipe->buffer.count;
        long result;

        if (!pipe->readers)
            return -EPIPE;
        if (room >= (whole ? bytes : 1)) {
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

static long pipe_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    struct sd_pipe *pipe = end_of(file)->pipe;
    bool whole = bytes <= SD_PIPE_ATOMIC;
    size_t done = 0;
    long result = 0;

    xen_platform_lock(&pipe->lock);
    while (done < bytes && result >= 0) {
        result = write_some(file, pipe, (const char *)buffer + done, bytes - done, whole);
        if (result > 0)
            done += (size_t)result;
    }
    xen_platform_unlock(&pipe->lock);
    if (result == -EPIPE)
        sd_signal_pipe();
    return done ? (long)done : result;
}

static unsigned pipe_ready(struct sd_file *file)
{
    const struct end *end = end_of(file);
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

static struct sd_readiness *pipe_readiness(struct sd_file *file)
{
    return &end_of(file)->pipe->readiness;
}

static long pipe_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    int count = (int)end_of(file)->pipe->buffer.count;

    return request == FIONREAD ? sd_copy_out(arg, &count, sizeof(count)) : -ENOTTY;
}

static void pipe_stat(struct sd_file *file, struct stat *status)
{
    status->st_mode = S_IFIFO | 0600;
    status->st_nlink = 1;
    status->st_ino = end_of(file)->pipe->inode;
    status->st_blksize = 4096;
}

/* Somebody who used the pipe goes; the last one frees it. The lock is held, and is not on return. */
static void leave(struct sd_pipe *pipe)
{
    bool last = !--pipe->users;

    xen_platform_unlock(&pipe->lock);
    if (!last)
        return;
    if (pipe->owner)
        *pipe->owner = NULL;
    sd_pipe_buffer_free(&pipe->buffer);
    sd_free(pipe);
}

static void pipe_close(struct sd_file *file)
{
    struct end *end = end_of(file);
    struct sd_pipe *pipe = end->pipe;
    int mode = file->flags & O_ACCMODE;

    xen_platform_lock(&pipe->lock);
    pipe->readers -= mode != O_WRONLY;
    pipe->writers -= mode != O_RDONLY;
    tell(pipe, POLLIN | POLLOUT | POLLHUP | POLLERR);
    leave(pipe);
    sd_free(end);
}

/* By access mode: what a descriptor is not open for gives EBADF. */
#define COMMON                                                                                               \
    .ioctl = pipe_ioctl, .stat = pipe_stat, .ready = pipe_ready, .readiness = pipe_readiness,                \
    .close = pipe_close
static const struct sd_file_ops ops[] = {
    [O_RDONLY] = {.read = pipe_read, COMMON},
    [O_WRONLY] = {.write = pipe_write, COMMON},
    [O_RDWR] = {.read = pipe_read, .write = pipe_write, COMMON},
};

static struct sd_pipe *make(void)
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
    return pipe;
}

/* A new end, counted. */
static struct sd_file *open_end(struct sd_pipe *pipe, int flags)
{
    struct end *end = sd_calloc(1, sizeof(*end));
    int mode = flags & O_ACCMODE;

    if (!end)
        return NULL;
    end->file =
        (struct sd_file){.ops = &ops[mode], .references = 1, .flags = flags & (O_ACCMODE | O_NONBLOCK)};
    end->pipe = pipe;
    end->writers_before = pipe->writers_so_far;
    pipe->users++;
    pipe->readers += mode != O_WRONLY;
    pipe->readers_so_far += mode != O_WRONLY;
    pipe->writers += mode != O_RDONLY;
    pipe->writers_so_far += mode != O_RDONLY;
    return &end->file;
}

long sd_sys_pipe2(int *fds, int flags)
{
    struct sd_file *out, *in;
    struct sd_pipe *pipe;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    pipe = make();
    if (!pipe)
        return -ENOMEM;
    pipe->users = 1;
    in = open_end(pipe, O_RDONLY | (flags & O_NONBLOCK));
    out = open_end(pipe, O_WRONLY | (flags & O_NONBLOCK));
    xen_platform_lock(&pipe->lock);
    leave(pipe);
    if (in && out)
        return sd_file_offer_pair(in, out, flags, fds);
    if (in)
        sd_file_put(in);
    if (out)
        sd_file_put(out);
    return -ENOMEM;
}

long sd_sys_pipe(int *fds)
{
    return sd_sys_pipe2(fds, 0);
}

/* Waits for somebody at the other side, as open does. The lock is held. */
static int meet(struct sd_pipe *pipe, int flags)
{
    int mode = flags & O_ACCMODE, error = 0;

    if (mode == O_RDWR || (flags & O_NONBLOCK && mode == O_RDONLY))
        return 0;
    if (flags & O_NONBLOCK)
        return pipe->readers ? 0 : -ENXIO;
    if (mode == O_RDONLY)
        for (unsigned long before = pipe->writers_so_far;
             !error && !pipe->writers && before == pipe->writers_so_far;)
            error = sd_wait(&pipe->readable, &pipe->lock, XEN_FOREVER);
    else
        for (unsigned long before = pipe->readers_so_far;
             !error && !pipe->readers && before == pipe->readers_so_far;)
            error = sd_wait(&pipe->writable, &pipe->lock, XEN_FOREVER);
    return error;
}

int sd_fifo_open(struct sd_pipe **owner, int flags, struct sd_file **file)
{
    struct sd_pipe *pipe = *owner ? *owner : make();
    struct sd_file *end;
    int error = -ENOMEM;

    if (!pipe)
        return -ENOMEM;
    pipe->owner = owner;
    *owner = pipe;
    pipe->users++;
    end = open_end(pipe, flags);
    xen_platform_lock(&pipe->lock);
    if (end) {
        xen_platform_wake(&pipe->readable);
        xen_platform_wake(&pipe->writable);
        error = meet(pipe, flags);
    }
    leave(pipe);
    if (!error)
        *file = end;
    else if (end)
        sd_file_put(end);
    return error;
}

long sd_pipe_size(struct sd_file *file, int command, unsigned long bytes)
{
    struct sd_pipe *pipe;
    size_t capacity = XEN_PAGE_SIZE;
    long result = 0;

    if (file->ops < ops || file->ops > &ops[O_RDWR])
        return -EBADF;
    pipe = end_of(file)->pipe;
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
