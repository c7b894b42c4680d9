/*
 * The console as a file. It is not a terminal to the program: what arrives is handed on as it is, line ends
 * included.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <stardust/kernel.h>
#include <xenlib/console.h>

#include "copy.h"

#define PIECE 512

/* Blocks until something is there, and gives that. */
static long console_read(struct sd_file *file, void *buffer, size_t bytes)
{
    char piece[PIECE];
    long got;

    (void)file;
    got = xen_console_read(piece, bytes < PIECE ? bytes : PIECE, XEN_FOREVER);
    if (got > 0 && sd_copy_out(buffer, piece, (size_t)got))
        return -EFAULT;
    return got;
}

static long console_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    const char *from = buffer;
    char piece[PIECE];
    size_t done = 0;

    (void)file;
    while (done < bytes) {
        size_t now = bytes - done < PIECE ? bytes - done : PIECE;

        if (sd_copy_in(piece, from + done, now))
            return done ? (long)done : -EFAULT;
        sd_write(piece, now);
        done += now;
    }
    return (long)done;
}

static void console_stat(struct sd_file *file, struct stat *status)
{
    (void)file;
    status->st_mode = S_IFCHR | 0620;
    status->st_nlink = 1;
    status->st_rdev = 5 << 8 | 1; /* Linux's /dev/console */
    status->st_blksize = 1024;
}

static const struct sd_file_ops ops = {
    .read = console_read,
    .write = console_write,
    .stat = console_stat,
};

struct sd_file sd_console_file = {.ops = &ops, .references = 3, .flags = O_RDWR};
