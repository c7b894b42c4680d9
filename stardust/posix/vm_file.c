/*
 * mmap of files. MAP_PRIVATE is a copy, read when it is mapped, with zeros behind the file's end.
 */
#define _GNU_SOURCE /* for O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "file.h"
#include "vm.h"

#define DEV_ZERO 0x105 /* device 1, 5 */

static int check_kind(struct sd_file *file, int flags)
{
    struct stat status = {0};

    if (file->ops->stat)
        file->ops->stat(file, &status);
    if (S_ISCHR(status.st_mode) && status.st_rdev == DEV_ZERO)
        return -ENOTBLK;
    if (!S_ISREG(status.st_mode) || !file->ops->pread)
        return -ENODEV;
    return (flags & MAP_TYPE) == MAP_PRIVATE || file->ops->page ? 0 : -ENODEV;
}

int sd_vm_check_file(int fd, int prot, int flags, long offset, size_t bytes)
{
    struct sd_file *file = sd_fd_get(fd);
    int access, error;

    if (!file)
        return -EBADF;
    access = file->flags & O_ACCMODE;
    if (file->flags & O_PATH)
        error = -EBADF;
    else if (offset < 0 || bytes > (size_t)(LONG_MAX - offset))
        error = -EOVERFLOW;
    else if (access == O_WRONLY ||
             ((flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE) && access != O_RDWR))
        error = -EACCES;
    else
        error = check_kind(file, flags);
    sd_file_put(file);
    return error;
}

/* May wait; whoever unmaps the place meanwhile stops it. */
static int read_all(struct sd_file *file, char *to, size_t bytes, long offset)
{
    while (bytes) {
        long got = file->ops->pread(file, to, bytes, offset);

        if (got == 0)
            return 0;
        if (got < 0)
            return (int)got;
        to += got;
        offset += got;
        bytes -= (size_t)got;
    }
    return 0;
}

static long map_copy(uintptr_t start, size_t bytes, int prot, struct sd_file *file, long offset)
{
    uintptr_t done;
    int error;

    error = sd_vm_add(start, start + bytes, PROT_READ | PROT_WRITE | SD_AREA_COPY);
    if (error)
        return error;
    error = read_all(file, (char *)start, bytes, offset);
    if (!error)
        error = sd_areas_reserve(&sd_vm_areas, 2);
    if (!error && prot != (PROT_READ | PROT_WRITE)) {
        error = sd_vm_set(start, start + bytes, (unsigned)prot, false, &done);
        if (!error)
            sd_areas_set(&sd_vm_areas, start, start + bytes, prot | SD_AREA_COPY);
    }
    if (error)
        sd_vm_remove(start, start + bytes);
    return error ? error : (long)start;
}

long sd_vm_map_file(uintptr_t start, size_t bytes, int prot, int flags, int fd, long offset)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    if ((flags & MAP_TYPE) == MAP_PRIVATE)
        result = map_copy(start, bytes, prot, file, offset);
    else
        result = sd_vm_map_shared(start, bytes, prot, file, offset);
    if (result >= 0 && (flags & (MAP_POPULATE | MAP_LOCKED)) && (flags & MAP_TYPE) != MAP_PRIVATE &&
        sd_vm_show_all(sd_areas_find(&sd_vm_areas, start))) {
        /* As far as there is something. */
    }
    sd_file_put(file);
    return result;
}
