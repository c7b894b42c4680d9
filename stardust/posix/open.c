/*
 * Opening by name, and what goes with it.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "file.h"
#include "path.h"

#define KNOWN                                                                                                \
    (3 | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC |        \
     O_DIRECT | 0100000 /* O_LARGEFILE */ | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |      \
     O_TMPFILE)

long sd_sys_openat(int directory, const char *path, int flags, unsigned mode)
{
    struct sd_path taken;
    struct sd_file *file = NULL;
    int result = sd_path_take(directory, path, &taken), fd;

    if (result)
        return result;
    fd = sd_fd_reserve();
    if (fd < 0) {
        sd_path_put(&taken);
        return fd;
    }
    flags = (flags & KNOWN) | (flags & O_PATH ? 0 : 0100000);
    result = sd_fs_open(taken.from, taken.text, flags, mode & ~sd_umask & 07777, &file);
    sd_path_put(&taken);
    sd_fd_fill(fd, result ? NULL : file, flags & O_CLOEXEC);
    return result ? result : fd;
}

long sd_sys_open(const char *path, int flags, unsigned mode)
{
    return sd_sys_openat(AT_FDCWD, path, flags, mode);
}

long sd_sys_creat(const char *path, unsigned mode)
{
    return sd_sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sd_sys_umask(unsigned mask)
{
    unsigned old = sd_umask;

    sd_umask = mask & 0777;
    return old;
}

long sd_sys_getdents64(int fd, void *buffer, size_t bytes)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    if (file->flags & O_PATH)
        result = -EBADF;
    else
        result = file->ops->getdents ? file->ops->getdents(file, buffer, bytes) : -ENOTDIR;
    sd_file_put(file);
    return result;
}
