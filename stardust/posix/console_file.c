/*
 * The console as a file, as far as a program goes that only prints; console_input.c has the rest. It is a
 * terminal if whoever started the guest says so.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <stardust/kernel.h>

#include "console.h"
#include "copy.h"

#define PIECE 512

/* Not there where nothing reads. */
#pragma weak sd_console_read
#pragma weak sd_console_ioctl
#pragma weak sd_console_ready
#pragma weak sd_console_readiness

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

static unsigned short number(const char **text)
{
    unsigned value = 0;

    while (**text >= '0' && **text <= '9')
        value = value * 10 + (unsigned)(*(*text)++ - '0');
    return (unsigned short)value;
}

bool sd_console_terminal(struct winsize *size)
{
    char value[16];
    const char *at = value;

    if (!sd_option("tty", value, sizeof(value)))
        return false;
    *size = (struct winsize){.ws_col = number(&at)};
    at += *at == 'x';
    size->ws_row = number(&at);
    return true;
}

static long console_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    struct winsize size;

    if (sd_console_ioctl)
        return sd_console_ioctl(file, request, arg);
    if (request != TIOCGWINSZ || !sd_console_terminal(&size))
        return -ENOTTY;
    return sd_copy_out(arg, &size, sizeof(size));
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
    .read = sd_console_read,
    .write = console_write,
    .ioctl = console_ioctl,
    .stat = console_stat,
    .ready = sd_console_ready,
    .readiness = sd_console_readiness,
};

struct sd_file sd_console_file = {.ops = &ops, .references = 3, .flags = O_RDWR};
