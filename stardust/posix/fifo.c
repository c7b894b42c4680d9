/*
 * FIFOs: pipes that have names. What a program that makes none does not carry: only mknod.c refers to it.
 */
#define _GNU_SOURCE
#include "pipe.h"

#include <errno.h>
#include <fcntl.h>

#include <stardust/memory.h>

#include "../fs/fs.h"
#include "wait.h"

#define MODE 3 /* O_ACCMODE, which holds O_PATH besides in musl's headers */

/* Notes the time. */
static long noted(struct sd_file *file, bool out, long result)
{
    if (result > 0 && out)
        sd_node_modified(file->node);
    else if (result > 0)
        sd_node_accessed(file->node);
    return result;
}

static long fifo_read(struct sd_file *file, void *buffer, size_t bytes)
{
    return noted(file, false, sd_pipe_read(file, buffer, bytes));
}

static long fifo_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    return noted(file, true, sd_pipe_write(file, buffer, bytes));
}

static long fifo_vectored(struct sd_file *file, bool out, const struct iovec *vectors, int count)
{
    return noted(file, out, sd_pipe_vectored(file, out, vectors, count));
}

static void fifo_stat(struct sd_file *file, struct stat *status)
{
    sd_node_stat(file->node, status);
}

static void fifo_close(struct sd_file *file)
{
    struct sd_node *node = sd_node_get(file->node);

    sd_fs_close(file);
    sd_pipe_close(file);
    sd_node_put(node);
}

#define COMMON                                                                                               \
    .vectored = fifo_vectored, .ioctl = sd_pipe_ioctl, .stat = fifo_stat, .ready = sd_pipe_ready,            \
    .readiness = sd_pipe_readiness, .close = fifo_close

/* By access mode: what a descriptor is not open for gives EBADF. */
static const struct sd_file_ops ops[] = {
    [O_RDONLY] = {.read = fifo_read, COMMON},
    [O_WRONLY] = {.write = fifo_write, COMMON},
    [O_RDWR] = {.read = fifo_read, .write = fifo_write, COMMON},
};

/* Waits for somebody at the other side, as open does. The lock is held. */
static int meet(struct sd_pipe *pipe, int flags)
{
    unsigned long readers_before = pipe->readers_so_far, writers_before = pipe->writers_so_far;
    int mode = flags & MODE, error = 0;

    if (mode == O_RDWR || flags & O_NONBLOCK)
        return 0;
    if (mode == O_RDONLY)
        while (!error && !pipe->writers && writers_before == pipe->writers_so_far)
            error = sd_wait(&pipe->readable, &pipe->lock, XEN_FOREVER);
    else
        while (!error && !pipe->readers && readers_before == pipe->readers_so_far)
            error = sd_wait(&pipe->writable, &pipe->lock, XEN_FOREVER);
    return error;
}

int sd_fifo_open(struct sd_node *node, int flags, struct sd_file **file)
{
    int mode = flags & MODE, error = -ENOMEM;
    struct sd_pipe *pipe = node->pipe;
    struct sd_pipe_end *end;

    if (mode == MODE)
        return -EINVAL;
    if (mode == O_WRONLY && flags & O_NONBLOCK && (!pipe || !pipe->readers))
        return -ENXIO;
    if (pipe)
        pipe->users++;
    else if (!(pipe = sd_pipe_make()))
        return -ENOMEM;
    pipe->node = node;
    node->pipe = pipe;
    end = sd_pipe_open(pipe, flags, &ops[mode]);
    xen_platform_lock(&pipe->lock);
    if (end) {
        end->file.node = sd_node_get(node);
        sd_mount_use(node->mount);
        xen_platform_wake(&pipe->readable);
        xen_platform_wake(&pipe->writable);
        error = meet(pipe, flags);
    }
    sd_pipe_leave(pipe);
    if (!error)
        *file = &end->file;
    else if (end)
        sd_file_put(&end->file);
    return error;
}
