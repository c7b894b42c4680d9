/*
 * The current directory, and mounting.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <stardust/memory.h>

#include "copy.h"
#include "path.h"

#define TYPE_MAX 16 /* longest name of a kind of file system, with its end */

static int set_current(struct sd_place *place)
{
    int error = place->node && sd_node_is(place->node, S_IFDIR) ? 0 : -ENOTDIR;

    if (!error)
        sd_fs_set_current(place->node);
    sd_place_put(place);
    return error;
}

long sd_sys_chdir(const char *path)
{
    struct sd_place place;
    int error = sd_path_find(AT_FDCWD, path, 0, &place);

    return error ? error : set_current(&place);
}

long sd_sys_fchdir(int fd)
{
    struct sd_place place;
    int error = sd_path_of_file(fd, true, &place);

    return error ? error : set_current(&place);
}

long sd_sys_getcwd(char *buffer, size_t bytes)
{
    struct sd_node *current = sd_fs_current();
    char *path = current ? sd_page_alloc(0) : NULL;
    long length;

    if (!path)
        return -ENOMEM;
    length = sd_fs_path_of(current, path, SD_PATH_MAX);
    if (length == -ERANGE)
        length = -ENAMETOOLONG;
    else if (length > 0 && (size_t)length > bytes)
        length = -ERANGE;
    if (length > 0 && sd_copy_out(buffer, path, (size_t)length))
        length = -EFAULT;
    sd_page_free(path, 0);
    return length;
}

static int copy_type(const char *type, char copy[TYPE_MAX])
{
    for (size_t i = 0; i < TYPE_MAX; i++) {
        if (sd_copy_in(copy + i, type + i, 1))
            return -EFAULT;
        if (!copy[i])
            return 0;
    }
    return -ENODEV;
}

/* tmpfs, proc and devtmpfs, by their names; what a source and data could say does not matter to them. */
long sd_sys_mount(const char *source, const char *target, const char *type, unsigned long flags,
                  const void *data)
{
    struct sd_place place;
    char name[TYPE_MAX];
    int error = copy_type(type, name);

    (void)source;
    (void)data;
    if (error)
        return error;
    if (flags & (MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
        return -EINVAL;
    error = sd_path_find(AT_FDCWD, target, 0, &place);
    if (error)
        return error;
    if (!place.node || !sd_node_is(place.node, S_IFDIR))
        error = -ENOTDIR;
    else
        error = sd_fs_mount(name, place.node);
    sd_place_put(&place);
    return error;
}

long sd_sys_umount2(const char *target, int flags)
{
    struct sd_place place;
    int error = -EINVAL;

    if (!(flags & ~(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW)))
        error = sd_path_find(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0, &place);
    if (error)
        return error;
    error = place.node ? sd_fs_unmount(place.node, flags & MNT_DETACH) : -EINVAL;
    sd_place_put(&place);
    return error;
}
