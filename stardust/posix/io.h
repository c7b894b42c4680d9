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

/* And of a descriptor. */
static inline long sd_io(int fd, bool out, void *buffer, size_t bytes)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    result = sd_io_file(file, out, buffer, bytes);
    sd_file_put(file);
    return result;
}

long sd_io_vectored(int fd, bool out, const struct iovec *vectors, int count);

#endif
