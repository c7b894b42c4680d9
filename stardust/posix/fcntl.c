/*
 * What is set of descriptors and open files.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>

#include "file.h"
#include "lock.h"
#include "pipe.h"

/* What F_SETFL can change. */
#define CHANGEABLE (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

static void set_flags(struct sd_file *file, int flags)
{
    file->flags = (file->flags & ~CHANGEABLE) | (flags & CHANGEABLE);
}

/* Without pipes in the image there is none to ask. */
#pragma weak sd_pipe_size

static long of_file(struct sd_file *file, int command, unsigned long arg)
{
    if (command == F_GETFL)
        return file->flags;
    if (file->flags & O_PATH)
        return -EBADF;
    switch (command) {
    case F_SETFL:
        set_flags(file, (int)arg);
        return 0;
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return sd_pipe_size ? sd_pipe_size(file, command, arg) : -EBADF;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return sd_lock_control(file, command, (struct flock *)arg);
    /* Nobody is told by signals: who would be does not matter. */
    case F_GETOWN:
    case F_SETOWN:
    case F_GETSIG:
    case F_SETSIG:
        return 0;
    case F_GETLEASE:
        return F_UNLCK;
    default:
        return -EINVAL;
    }
}

long sd_sys_fcntl(int fd, int command, unsigned long arg)
{
    struct sd_file *file;
    long result;

    switch (command) {
    case F_DUPFD:
        return sd_fd_duplicate(fd, (int)arg, false);
    case F_DUPFD_CLOEXEC:
        return sd_fd_duplicate(fd, (int)arg, true);
    case F_GETFD:
        return sd_fd_cloexec(fd);
    case F_SETFD:
        return sd_fd_set_cloexec(fd, arg & FD_CLOEXEC);
    default:
        break;
    }
    file = sd_fd_get(fd);
    if (!file)
        return -EBADF;
    result = of_file(file, command, arg);
    sd_file_put(file);
    return result;
}
