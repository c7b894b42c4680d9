/* What reading and writing have in common. Private to stardust/posix. Thread context. */
#ifndef STARDUST_POSIX_IO_H
#define STARDUST_POSIX_IO_H

#include <errno.h>
#include <fcntl.h>

#include "file.h"

struct iovec;

/* More at once is cut to this, as on Linux: 2 GiB less a page. */
#define SD_IO_MAX 0x7ffff000ul

/* read and write of an open file, in line, since `out` decides half of it: the bytes or a negative errno. */
static inline long sd_io_file(struct sd_file *file, bool out, void *buffer, size_t bytes)
{
    int mode = file->flags & 3; /* O_ACCMODE without O_PATH, which musl counts among them */

    if (out ? !file->ops->write || mode == O_RDONLY : !file->ops->read || mode == O_WRONLY)
        return -EBADF;
    if (!bytes)
        return 0;
    if (bytes > SD_IO_MAX)
        bytes = SD_IO_MAX;
    return out ? file->ops->write(file, buffer, bytes) : file->ops->read(file, buffer, bytes);
}

/* And of a descriptor whose file may wait, or that is none, or with a number of bytes that is out of the
 * ordinary. */
long sd_io_any(int fd, bool out, void *buffer, size_t bytes);

/* And of any descriptor: without a frame of its own for a file that is prompt. */
static inline long sd_io(int fd, bool out, void *buffer, size_t bytes)
{
    struct sd_file *file = sd_fd_find(fd);

    if (!file || !file->ops->prompt || bytes - 1 >= SD_IO_MAX ||
        (file->flags & 3) == (out ? O_RDONLY : O_WRONLY))
        return sd_io_any(fd, out, buffer, bytes);
    return out ? file->ops->write(file, buffer, bytes) : file->ops->read(file, buffer, bytes);
}

long sd_io_vectored(int fd, bool out, const struct iovec *vectors, int count);

#endif
