/* Pipes. Private to stardust/posix and stardust/fs. Thread context. */
#ifndef STARDUST_POSIX_PIPE_H
#define STARDUST_POSIX_PIPE_H

#include <xenlib/types.h>

struct sd_file;
struct sd_pipe;

/* POSIX's PIPE_BUF: so many bytes are written whole or not at all. */
#define SD_PIPE_ATOMIC 4096

/*
 * An end of a FIFO for `flags` (an access mode, O_NONBLOCK). *pipe is the node's: NULL at first, and again
 * when the last end is closed; the node outlives the ends. Waits for somebody at the other side as open(2)
 * does. 0; -ENXIO for a writer that does not wait and has no reader, -ENOMEM, -SD_RESTART.
 */
int sd_fifo_open(struct sd_pipe **owner, int flags, struct sd_file **file) xen_must_check;

/* fcntl's F_GETPIPE_SZ and F_SETPIPE_SZ; -EBADF when the file is no pipe. */
long sd_pipe_size(struct sd_file *file, int command, unsigned long bytes);

#endif
