/*
 * mknod: apart from what else makes names, because with it come FIFOs.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "path.h"

/* The reference that brings them into the image; open.c's is weak. */
__attribute__((used)) static int (*const fifo)(struct sd_node *, int, struct sd_file **) = sd_fifo_open;

long sd_sys_mknodat(int directory, const char *path, unsigned mode, unsigned long device)
{
    struct sd_new wanted = {.mode = (mode & S_IFMT ? mode & S_IFMT : S_IFREG) | (mode & ~sd_umask & 07777)};

    switch (wanted.mode & S_IFMT) {
    case S_IFCHR:
    case S_IFBLK:
        wanted.device = device;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    return sd_path_make(directory, path, &wanted);
}

long sd_sys_mknod(const char *path, unsigned mode, unsigned long device)
{
    return sd_sys_mknodat(AT_FDCWD, path, mode, device);
}
