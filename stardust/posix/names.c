/*
 * What makes, removes and moves names.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "copy.h"
#include "path.h"

long sd_path_make(int directory, const char *path, const struct sd_new *wanted)
{
    struct sd_path taken;
    struct sd_node *made;
    int error = sd_path_take(directory, path, &taken);

    if (error)
        return error;
    error = sd_fs_make(taken.from, taken.text, wanted, &made);
    if (!error)
        sd_node_put(made);
    sd_path_put(&taken);
    return error;
}

long sd_sys_mkdirat(int directory, const char *path, unsigned mode)
{
    const struct sd_new wanted = {.mode = S_IFDIR | (mode & ~sd_umask & 01777)};

    return sd_path_make(directory, path, &wanted);
}

long sd_sys_mkdir(const char *path, unsigned mode)
{
    return sd_sys_mkdirat(AT_FDCWD, path, mode);
}

long sd_sys_symlinkat(const char *target, int directory, const char *path)
{
    struct sd_new wanted = {.mode = S_IFLNK | 0777};
    struct sd_path text;
    long error = sd_path_take(AT_FDCWD, target, &text);

    if (error)
        return error == -ENOTDIR ? -ENOENT : error;
    wanted.target = text.text;
    error = sd_path_make(directory, path, &wanted);
    sd_path_put(&text);
    return error;
}

long sd_sys_symlink(const char *target, const char *path)
{
    return sd_sys_symlinkat(target, AT_FDCWD, path);
}

long sd_sys_linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    struct sd_path taken;
    struct sd_place place;
    int error = -EINVAL;

    if (!(flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)))
        error = sd_path_find(from_directory, from,
                             (flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW),
                             &place);
    if (error)
        return error;
    error = sd_path_take(to_directory, to, &taken);
    if (!error) {
        error = place.node ? sd_fs_link(place.node, taken.from, taken.text) : -EXDEV;
        sd_path_put(&taken);
    }
    sd_place_put(&place);
    return error;
}

long sd_sys_link(const char *from, const char *to)
{
    return sd_sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

long sd_sys_unlinkat(int directory, const char *path, int flags)
{
    struct sd_path taken;
    int error = flags & ~AT_REMOVEDIR ? -EINVAL : sd_path_take(directory, path, &taken);

    if (error)
        return error;
    error = flags ? sd_fs_rmdir(taken.from, taken.text) : sd_fs_unlink(taken.from, taken.text);
    sd_path_put(&taken);
    return error;
}

long sd_sys_unlink(const char *path)
{
    return sd_sys_unlinkat(AT_FDCWD, path, 0);
}

long sd_sys_rmdir(const char *path)
{
    return sd_sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

long sd_sys_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    struct sd_path source, target;
    int error = sd_path_take(from_directory, from, &source);

    if (error)
        return error;
    error = sd_path_take(to_directory, to, &target);
    if (!error) {
        error = sd_fs_rename(source.from, source.text, target.from, target.text, flags);
        sd_path_put(&target);
    }
    sd_path_put(&source);
    return error;
}

long sd_sys_renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return sd_sys_renameat2(from_directory, from, to_directory, to, 0);
}

long sd_sys_rename(const char *from, const char *to)
{
    return sd_sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* A link that stands for an open file says the path of what that is, where it has one. */
static long read_link(const struct sd_node *link, char *buffer, size_t bytes)
{
    const char *target = link->ops->target(link);
    size_t length = strlen(target);

    if (length > bytes)
        length = bytes;
    return sd_copy_out(buffer, target, length) ? -EFAULT : (long)length;
}

long sd_sys_readlinkat(int directory, const char *path, char *buffer, size_t bytes)
{
    struct sd_place place;
    int error = !bytes ? -EINVAL : sd_path_find(directory, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &place);
    long result;

    if (error)
        return error;
    result = place.node && sd_node_is(place.node, S_IFLNK) ? read_link(place.node, buffer, bytes) : -EINVAL;
    sd_place_put(&place);
    return result;
}

long sd_sys_readlink(const char *path, char *buffer, size_t bytes)
{
    return sd_sys_readlinkat(AT_FDCWD, path, buffer, bytes);
}
