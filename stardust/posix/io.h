/* What reading and writing have in common. Private to stardust/posix. Thread context. */
#ifndef STARDUST_POSIX_IO_H
#define STARDUST_POSIX_IO_H

#include <xenlib/types.h>

struct iovec;

/* read and write, readv and writev, of the program's memory: the bytes or a negative errno. */
long sd_io(int fd, bool out, void *buffer, size_t bytes);
long sd_io_vectored(int fd, bool out, const struct iovec *vectors, int count);

#endif
