/* Pipes. Private to stardust/posix and stardust/fs. Thread context. */
#ifndef STARDUST_POSIX_PIPE_H
#define STARDUST_POSIX_PIPE_H

#include <xenlib/platform.h>
#include <xenlib/types.h>

#include "file.h"
#include "pipe_buffer.h"
#include "readiness.h"

struct sd_node;

/* POSIX's PIPE_BUF: so many bytes are written whole or not at all. */
#define SD_PIPE_ATOMIC 4096

/* A pipe, or what a FIFO is while somebody has it open. */
struct sd_pipe {
    struct xen_lock lock;                /* guards the rest */
    struct xen_waitq readable, writable; /* where readers and writers wait; FIFOs' openers, too */
    struct sd_readiness readiness;
    struct sd_pipe_buffer buffer;
    unsigned readers, writers;
    unsigned long readers_so_far,
        writers_so_far;   /* ever opened: an opener may miss one that comes and goes */
    struct sd_node *node; /* of a FIFO: it outlives the ends, and its `pipe` is this one */
    unsigned users;       /* ends, and FIFOs' openers */
    unsigned long inode;
};

struct sd_pipe_end {
    struct sd_file file;
    struct sd_pipe *pipe;
    unsigned long writers_before; /* a FIFO's reader hangs up only once a writer was there */
};

/* The end that a file is. */
struct sd_pipe_end *sd_pipe_end(struct sd_file *file);

/* What an end does: read or write (EBADF for the other one) by its access mode, the rest for all. */
long sd_pipe_read(struct sd_file *file, void *buffer, size_t bytes);
long sd_pipe_write(struct sd_file *file, const void *buffer, size_t bytes);
long sd_pipe_vectored(struct sd_file *file, bool out, const struct iovec *vectors, int count);
long sd_pipe_ioctl(struct sd_file *file, unsigned long request, void *arg);
unsigned sd_pipe_ready(struct sd_file *file);
struct sd_readiness *sd_pipe_readiness(struct sd_file *file);
void sd_pipe_close(struct sd_file *file);

/* An empty one without ends, whose first user the caller is; NULL when there is no memory. */
struct sd_pipe *sd_pipe_make(void);
/* A new end, counted, with these operations; NULL when there is no memory. */
struct sd_pipe_end *sd_pipe_open(struct sd_pipe *pipe, int flags, const struct sd_file_ops *ops);
/* A user goes; the last one frees it. The lock is held, and is not on return. */
void sd_pipe_leave(struct sd_pipe *pipe);

/* fcntl's F_GETPIPE_SZ and F_SETPIPE_SZ; -EBADF when the file is no pipe. */
long sd_pipe_size(struct sd_file *file, int command, unsigned long bytes);

#endif
