/*
 * Bringing to a disk what is in memory: there is no disk behind any file, so all is where it will be.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../fs/fs.h"
#include "file.h"

/* 0 for an open file of a kind that can be brought to a disk; `kinds`: of any kind. */
static long check(int fd, bool kinds)
{
    struct sd_file *file = sd_fd_get(fd);
    long result = 0;

    if (!file)
        return -EBADF;
    if (file->flags & O_PATH)
        result = -EBADF;
    else if (!kinds &&
             (!file->node || (!sd_node_is(file->node, S_IFREG) && !sd_node_is(file->node, S_IFDIR))))
        result = -EINVAL;
    sd_file_put(file);
    return result;
}

long sd_sys_fsync(int fd)
{
    return check(fd, false);
}

long sd_sys_fdatasync(int fd)
{
    return check(fd, false);
}

long sd_sys_syncfs(int fd)
{
    return check(fd, true);
}

long sd_sys_sync(void)
{
    return 0;
}

long sd_sys_fadvise64(int fd, long offset, long bytes, int advice)
{
    struct sd_file *file = sd_fd_get(fd);
    long result = 0;

    (void)offset;
    if (!file)
        return -EBADF;
    if (file->flags & O_PATH)
        result = -EBADF;
    else if (!file->node && !file->ops->lseek)
        result = -ESPIPE;
    else if (bytes < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
        result = -EINVAL;
    sd_file_put(file);
    return result;
}
