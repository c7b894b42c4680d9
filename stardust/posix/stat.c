/*
 * What a file is: stat and its family.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "copy.h"
#include "file.h"
#include "path.h"

#define STAT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)

static int find_status(int directory, const char *path, int flags, struct stat *status, struct timespec *born)
{
    struct sd_place place;
    int error = sd_path_find(directory, path, flags, &place);

    if (error)
        return error;
    memset(status, 0, sizeof(*status));
    if (place.node)
        sd_node_stat(place.node, status);
    else
        place.file->ops->stat(place.file, status);
    *born = place.node ? place.node->born : (struct timespec){0};
    sd_place_put(&place);
    return 0;
}

long sd_sys_newfstatat(int directory, const char *path, struct stat *status, int flags)
{
    struct timespec born;
    struct stat found;
    int error = flags & ~STAT_FLAGS ? -EINVAL : find_status(directory, path, flags, &found, &born);

    return error ? error : sd_copy_out(status, &found, sizeof(found));
}

long sd_sys_stat(const char *path, struct stat *status)
{
    return sd_sys_newfstatat(AT_FDCWD, path, status, 0);
}

long sd_sys_lstat(const char *path, struct stat *status)
{
    return sd_sys_newfstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

/* struct statx as the kernel's linux/stat.h has it. */
struct moment {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};
struct extended {
    uint32_t mask, block;
    uint64_t attributes;
    uint32_t links, user, group;
    uint16_t mode, unused;
    uint64_t inode, size, blocks, attributes_mask;
    struct moment accessed, born, changed, modified;
    uint32_t device_major, device_minor, mount_major, mount_minor;
    uint64_t mount;
    uint64_t spare[13];
};
_Static_assert(sizeof(struct extended) == 256, "as Linux has it");

#define BASIC    0x7ff /* STATX_BASIC_STATS */
#define BORN     0x800 /* STATX_BTIME */
#define RESERVED 0x80000000u

static struct moment moment_of(const struct timespec *time)
{
    return (struct moment){.seconds = time->tv_sec, .nanoseconds = (uint32_t)time->tv_nsec};
}

long sd_sys_statx(int directory, const char *path, int flags, unsigned mask, struct statx *status)
{
    struct timespec born;
    struct stat found;
    struct extended out = {.mask = BASIC};
    int error = -EINVAL;

    if (!(flags & ~(STAT_FLAGS | AT_STATX_SYNC_TYPE)) && (flags & AT_STATX_SYNC_TYPE) != AT_STATX_SYNC_TYPE &&
        !(mask & RESERVED))
        error = find_status(directory, path, flags, &found, &born);
    if (error)
        return error;
    if (born.tv_sec || born.tv_nsec)
        out.mask |= BORN;
    out.block = (uint32_t)found.st_blksize;
    out.links = (uint32_t)found.st_nlink;
    out.user = found.st_uid;
    out.group = found.st_gid;
    out.mode = (uint16_t)found.st_mode;
    out.inode = found.st_ino;
    out.size = (uint64_t)found.st_size;
    out.blocks = (uint64_t)found.st_blocks;
    out.accessed = moment_of(&found.st_atim);
    out.born = moment_of(&born);
    out.changed = moment_of(&found.st_ctim);
    out.modified = moment_of(&found.st_mtim);
    out.device_major = major(found.st_rdev);
    out.device_minor = minor(found.st_rdev);
    out.mount_major = major(found.st_dev);
    out.mount_minor = minor(found.st_dev);
    return sd_copy_out(status, &out, sizeof(out));
}

/* What has no name is in a file system of its own, as pipes are on Linux. */
static int give_statfs(struct sd_place *place, struct statfs *status)
{
    struct statfs found = {
        .f_type = 0x09041934 /* ANON_INODE_FS_MAGIC */, .f_bsize = 4096, .f_namelen = SD_NAME_MAX};

    if (place->node)
        sd_node_statfs(place->node, &found);
    sd_place_put(place);
    return sd_copy_out(status, &found, sizeof(found));
}

long sd_sys_statfs(const char *path, struct statfs *status)
{
    struct sd_place place;
    int error = sd_path_find(AT_FDCWD, path, 0, &place);

    return error ? error : give_statfs(&place, status);
}

long sd_sys_fstatfs(int fd, struct statfs *status)
{
    struct sd_place place;
    int error = sd_path_of_file(fd, true, &place);

    return error ? error : give_statfs(&place, status);
}

/* The one user is root, who may do all but run what nobody may. */
static long may(int directory, const char *path, int mode, int flags)
{
    struct sd_place place;
    int error = mode & ~(R_OK | W_OK | X_OK) ? -EINVAL : sd_path_find(directory, path, flags, &place);

    if (error)
        return error;
    if (mode & X_OK && place.node && !sd_node_is(place.node, S_IFDIR) && !(place.node->mode & 0111))
        error = -EACCES;
    sd_place_put(&place);
    return error;
}

long sd_sys_faccessat2(int directory, const char *path, int mode, int flags)
{
    if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return may(directory, path, mode, flags & ~AT_EACCESS);
}

long sd_sys_faccessat(int directory, const char *path, int mode)
{
    return may(directory, path, mode, 0);
}

long sd_sys_access(const char *path, int mode)
{
    return may(AT_FDCWD, path, mode, 0);
}
