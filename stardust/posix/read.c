/*
 * read and readv: apart from write, because what reads needs the console's input, and what only prints does
 * not.
 */
#include "console.h"
#include "io.h"
#include "sys.h"

/* The reference that brings it into the image; console_file.c's are weak. */
__attribute__((used)) static long (*const console_input)(struct sd_file *, void *, size_t) = sd_console_read;

long sd_sys_read(int fd, void *buffer, size_t bytes)
{
    return sd_io(fd, false, buffer, bytes);
}

long sd_sys_readv(int fd, const struct iovec *vectors, int count)
{
    return sd_io_vectored(fd, false, vectors, count);
}
