/*
 * What is changed of a file that has a name: rights, owners, times, size. Rights and owners are data: the one
 * user is root.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "copy.h"
#include "file.h"
#include "path.h"

#define FALLOC_KNOWN 0x1f
#define NS_MAX       1000000000

static int set_mode(struct sd_place *place, unsigned mode)
{
    int error = 0;

    if (place->node && sd_node_is(place->node, S_IFLNK))
        error = -EOPNOTSUPP;
    else if (place->node) {
        place->node->mode = (place->node->mode & S_IFMT) | (mode & 07777);
        sd_node_changed(place->node);
    }
    sd_place_put(place);
    return error;
}

long sd_sys_fchmodat(int directory, const char *path, unsigned mode)
{
    struct sd_place place;
    int error = sd_path_find(directory, path, 0, &place);

    return error ? error : set_mode(&place, mode);
}

long sd_sys_chmod(const char *path, unsigned mode)
{
    return sd_sys_fchmodat(AT_FDCWD, path, mode);
}

long sd_sys_fchmod(int fd, unsigned mode)
{
    struct sd_place place;
    int error = sd_path_of_file(fd, false, &place);

    return error ? error : set_mode(&place, mode);
}

static int set_owner(struct sd_place *place, unsigned user, unsigned group)
{
    struct sd_node *node = place->node;

    if (node) {
        if (user != UINT_MAX)
            node->user = user;
        if (group != UINT_MAX)
            node->group = group;
        if (sd_node_is(node, S_IFREG)) {
            node->mode &= ~(unsigned)S_ISUID;
            if (node->mode & S_IXGRP)
                node->mode &= ~(unsigned)S_ISGID;
        }
        sd_node_changed(node);
    }
    sd_place_put(place);
    return 0;
}

long sd_sys_fchownat(int directory, const char *path, unsigned user, unsigned group, int flags)
{
    struct sd_place place;
    int error = -EINVAL;

    if (!(flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
        error = sd_path_find(directory, path, flags, &place);
    return error ? error : set_owner(&place, user, group);
}

long sd_sys_chown(const char *path, unsigned user, unsigned group)
{
    return sd_sys_fchownat(AT_FDCWD, path, user, group, 0);
}

long sd_sys_lchown(const char *path, unsigned user, unsigned group)
{
    return sd_sys_fchownat(AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW);
}

long sd_sys_fchown(int fd, unsigned user, unsigned group)
{
    struct sd_place place;
    int error = sd_path_of_file(fd, false, &place);

    return error ? error : set_owner(&place, user, group);
}

static void set_time(struct timespec *time, const struct timespec *wanted)
{
    if (wanted->tv_nsec == UTIME_NOW)
        *time = sd_fs_now();
    else if (wanted->tv_nsec != UTIME_OMIT)
        *time = *wanted;
}

static bool is_time(const struct timespec *time)
{
    return time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT ||
           (time->tv_nsec >= 0 && time->tv_nsec < NS_MAX);
}

long sd_sys_utimensat(int directory, const char *path, const struct timespec *times, int flags)
{
    struct timespec wanted[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    struct sd_place place;
    int error;

    if (times && sd_copy_in(wanted, times, sizeof(wanted)))
        return -EFAULT;
    if (!is_time(&wanted[0]) || !is_time(&wanted[1]) || flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (wanted[0].tv_nsec == UTIME_OMIT && wanted[1].tv_nsec == UTIME_OMIT)
        return 0;
    if (!path && directory == AT_FDCWD)
        return -EFAULT;
    error = path ? sd_path_find(directory, path, flags, &place) : sd_path_of_file(directory, false, &place);
    if (error)
        return error;
    if (place.node) {
        set_time(&place.node->accessed, &wanted[0]);
        set_time(&place.node->modified, &wanted[1]);
        sd_node_changed(place.node);
    }
    sd_place_put(&place);
    return 0;
}

long sd_sys_truncate(const char *path, long bytes)
{
    struct sd_place place;
    int error = bytes < 0 ? -EINVAL : sd_path_find(AT_FDCWD, path, 0, &place);

    if (error)
        return error;
    error = place.node ? sd_fs_resize(place.node, (uint64_t)bytes) : -EINVAL;
    sd_place_put(&place);
    return error;
}

long sd_sys_ftruncate(int fd, long bytes)
{
    struct sd_file *file = bytes < 0 ? NULL : sd_fd_get(fd);
    long result = -EINVAL;

    if (bytes < 0)
        return -EINVAL;
    if (!file)
        return -EBADF;
    if (file->flags & O_PATH)
        result = -EBADF;
    else if ((file->flags & 3) != O_RDONLY && file->ops->truncate)
        result = file->ops->truncate(file, bytes);
    sd_file_put(file);
    return result;
}

static long allocate(struct sd_file *file, int mode, long offset, long bytes)
{
    long end;

    if (offset < 0 || bytes <= 0)
        return -EINVAL;
    if (mode & ~FALLOC_KNOWN)
        return -EOPNOTSUPP;
    if (file->flags & O_PATH || (file->flags & 3) == O_RDONLY)
        return -EBADF;
    if (!file->node || !sd_node_is(file->node, S_IFREG))
        return file->node && sd_node_is(file->node, S_IFDIR) ? -EISDIR : file->ops->lseek ? -ENODEV : -ESPIPE;
    if (__builtin_add_overflow(offset, bytes, &end))
        return -EFBIG;
    if (!file->node->ops->allocate)
        return -EOPNOTSUPP;
    return file->node->ops->allocate(file->node, mode, (uint64_t)offset, (uint64_t)bytes);
}

long sd_sys_fallocate(int fd, int mode, long offset, long bytes)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    result = allocate(file, mode, offset, bytes);
    sd_file_put(file);
    return result;
}
