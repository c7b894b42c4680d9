/*
 * Opening by name.
 */
#define _GNU_SOURCE
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <stardust/memory.h>

#include "../posix/file.h"
#include "../posix/lock.h"

#pragma weak sd_fifo_open

#define MODE 3 /* O_ACCMODE, which holds O_PATH besides in musl's headers */

/* What concerns the way to the file only, and is not remembered. */
#define FORGOTTEN (O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC)

void sd_fs_close(struct sd_file *file)
{
    struct sd_mount *mount = file->node->mount;

    if (sd_lock_release && file->node->locks)
        sd_lock_release(file);
    sd_node_put(file->node);
    sd_mount_unuse(mount);
}

static void path_close(struct sd_file *file)
{
    sd_fs_close(file);
    sd_free(file);
}

static void path_stat(struct sd_file *file, struct stat *status)
{
    sd_node_stat(file->node, status);
}

static long path_lseek(struct sd_file *file, long offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    return -EBADF;
}

static long path_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    (void)file;
    (void)request;
    (void)arg;
    return -EBADF;
}

/* O_PATH: a name held, nothing opened. */
static const struct sd_file_ops path_ops = {
    .lseek = path_lseek,
    .ioctl = path_ioctl,
    .stat = path_stat,
    .close = path_close,
};

static int open_path(struct sd_node *node, int flags, struct sd_file **file)
{
    struct sd_file *made = sd_calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    *made = (struct sd_file){.ops = &path_ops, .references = 1, .node = sd_node_get(node)};
    made->flags = flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW);
    sd_mount_use(node->mount);
    *file = made;
    return 0;
}

static int open_by_type(struct sd_node *node, int flags, struct sd_file **file)
{
    switch (node->mode & S_IFMT) {
    case S_IFCHR:
        return sd_device_open(node, flags, file);
    case S_IFIFO:
        return sd_fifo_open ? sd_fifo_open(node, flags, file) : -ENXIO;
    default:
        return node->ops->open ? node->ops->open(node, flags, file) : -ENXIO;
    }
}

static int open_node(struct sd_node *node, int flags, struct sd_file **file)
{
    bool writes = (flags & MODE) != O_RDONLY;
    int error;

    if (sd_node_is(node, S_IFLNK))
        return -ELOOP;
    if (sd_node_is(node, S_IFDIR) && (writes || flags & O_TRUNC))
        return -EISDIR;
    error = open_by_type(node, flags & ~FORGOTTEN, file);
    if (error || !(flags & O_TRUNC) || !sd_node_is(node, S_IFREG))
        return error;
    error = sd_fs_resize(node, 0);
    if (error)
        sd_file_put(*file);
    return error;
}

static int open_new(struct sd_place *place, int flags, unsigned mode, struct sd_file **file)
{
    const struct sd_new wanted = {.mode = S_IFREG | (mode & 07777)};
    struct sd_node *made;
    int error = -ENOENT;

    if (place->slash)
        return -EISDIR;
    if (place->directory->ops->make)
        error = place->directory->ops->make(place->directory, place->name, place->length, &wanted, &made);
    if (error)
        return error;
    error = open_node(made, flags & ~O_TRUNC, file);
    sd_node_put(made);
    return error;
}

static int open_place(struct sd_place *place, int flags, unsigned mode, struct sd_file **file)
{
    struct sd_node *node = place->node;

    if (place->file) { /* of /proc/self/fd: it has no node that could be opened anew */
        place->file->references++;
        *file = place->file;
        return place->slash || flags & O_DIRECTORY ? (sd_file_put(place->file), -ENOTDIR) : 0;
    }
    if (!node)
        return flags & O_CREAT ? open_new(place, flags, mode, file) : -ENOENT;
    if (flags & O_CREAT && flags & O_EXCL)
        return -EEXIST;
    if (flags & O_CREAT && (place->slash || sd_node_is(node, S_IFDIR)))
        return -EISDIR;
    if ((place->slash || flags & O_DIRECTORY) && !sd_node_is(node, S_IFDIR))
        return -ENOTDIR;
    return flags & O_PATH ? open_path(node, flags, file) : open_node(node, flags, file);
}

/* O_TMPFILE: a file without a name, in the file system of a directory. */
static int open_nameless(struct sd_node *from, const char *path, int flags, unsigned mode,
                         struct sd_file **file)
{
    const struct sd_new wanted = {.mode = S_IFREG | (mode & 07777)};
    struct sd_node *made;
    struct sd_place place;
    int error;

    if ((flags & MODE) == O_RDONLY)
        return -EINVAL;
    error = sd_walk_to(from, path, SD_WALK_FOLLOW, &place);
    if (error)
        return error;
    if (!place.node || !sd_node_is(place.node, S_IFDIR))
        error = -ENOTDIR;
    else if (!place.node->ops->make)
        error = -EOPNOTSUPP;
    else
        error = place.node->ops->make(place.node, NULL, 0, &wanted, &made);
    sd_place_put(&place);
    if (error)
        return error;
    error = open_node(made, flags & ~(O_TRUNC | O_TMPFILE), file);
    sd_node_put(made);
    return error;
}

int sd_fs_open(struct sd_node *from, const char *path, int flags, unsigned mode, struct sd_file **file)
{
    struct sd_place place;
    int walk = 0, error;

    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    else if ((flags & O_TMPFILE) == O_TMPFILE)
        return flags & O_CREAT ? -EINVAL : open_nameless(from, path, flags, mode, file);
    else if ((flags & O_CREAT) && (flags & O_DIRECTORY))
        return -EINVAL;
    if (!(flags & O_NOFOLLOW) && !(flags & O_CREAT && flags & O_EXCL))
        walk = SD_WALK_FOLLOW;
    error = sd_walk(from, path, walk, &place);
    if (error)
        return error;
    error = open_place(&place, flags, mode, file);
    sd_place_put(&place);
    return error;
}
