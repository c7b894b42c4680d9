/*
 * What changes directories: the rules that hold for every file system. Which error comes first where several
 * apply is as on Linux (fs/namei.c).
 */
#include "fs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Linux's uapi/linux/fs.h. */
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE  (1 << 1)

/* The place for something new. */
static int walk_to_new(struct sd_node *from, const char *path, bool directory, struct sd_place *place)
{
    int error = sd_walk(from, path, SD_WALK_KEEP, place);

    if (error)
        return error;
    if (place->last != SD_LAST_WORD || place->node)
        error = -EEXIST;
    else if (place->slash && !directory)
        error = -ENOENT;
    if (error)
        sd_place_put(place);
    return error;
}

int sd_fs_make(struct sd_node *from, const char *path, const struct sd_new *wanted, struct sd_node **made)
{
    struct sd_place place;
    int error = walk_to_new(from, path, S_ISDIR(wanted->mode), &place);

    if (error)
        return error;
    error = -ENOENT;
    if (place.directory->ops->make)
        error = place.directory->ops->make(place.directory, place.name, place.length, wanted, made);
    sd_place_put(&place);
    return error;
}

int sd_fs_link(struct sd_node *node, struct sd_node *from, const char *path)
{
    struct sd_place place;
    int error = walk_to_new(from, path, false, &place);

    if (error)
        return error;
    if (place.directory->mount != node->mount)
        error = -EXDEV;
    else if (sd_node_is(node, S_IFDIR) || !place.directory->ops->link)
        error = -EPERM;
    else
        error = place.directory->ops->link(place.directory, place.name, place.length, node);
    sd_place_put(&place);
    return error;
}

static int check_unlink(const struct sd_place *place)
{
    if (place->last != SD_LAST_WORD)
        return -EISDIR;
    if (!place->node)
        return -ENOENT;
    if (sd_node_is(place->node, S_IFDIR) || place->node == place->node->mount->root)
        return -EISDIR;
    if (place->slash)
        return -ENOTDIR;
    return place->directory->ops->unlink ? 0 : -EPERM;
}

static int check_rmdir(const struct sd_place *place)
{
    switch (place->last) {
    case SD_LAST_ROOT:
        return -EBUSY;
    case SD_LAST_DOT:
        return -EINVAL;
    case SD_LAST_DOTS:
        return -ENOTEMPTY;
    case SD_LAST_WORD:
        break;
    }
    if (!place->node)
        return -ENOENT;
    if (!sd_node_is(place->node, S_IFDIR))
        return -ENOTDIR;
    if (place->node == place->node->mount->root)
        return -EBUSY;
    if (!place->directory->ops->unlink)
        return -EPERM;
    return place->node->ops->is_empty(place->node) ? 0 : -ENOTEMPTY;
}

static int remove_from(struct sd_node *from, const char *path, int (*check)(const struct sd_place *place))
{
    struct sd_place place;
    int error = sd_walk(from, path, SD_WALK_KEEP, &place);

    if (error)
        return error;
    error = check(&place);
    if (!error)
        error = place.directory->ops->unlink(place.directory, place.name, place.length);
    sd_place_put(&place);
    return error;
}

int sd_fs_unlink(struct sd_node *from, const char *path)
{
    return remove_from(from, path, check_unlink);
}

int sd_fs_rmdir(struct sd_node *from, const char *path)
{
    return remove_from(from, path, check_rmdir);
}

/* Whether `node` is `directory` or one of those above it, in the same file system. */
static bool is_above(const struct sd_node *node, struct sd_node *directory)
{
    for (;; directory = directory->ops->parent(directory)) {
        if (directory == node)
            return true;
        if (directory == directory->mount->root || directory == directory->ops->parent(directory))
            return false;
    }
}

static int check_replaced(const struct sd_node *node, const struct sd_node *old)
{
    if (!old)
        return 0;
    if (sd_node_is(node, S_IFDIR))
        return !sd_node_is(old, S_IFDIR) ? -ENOTDIR : old->ops->is_empty(old) ? 0 : -ENOTEMPTY;
    return sd_node_is(old, S_IFDIR) ? -EISDIR : 0;
}

static int check_names(const struct sd_place *from, const struct sd_place *to, unsigned flags)
{
    const struct sd_node *node = from->node, *old = to->node;

    if (!node)
        return -ENOENT;
    if (flags & RENAME_NOREPLACE && old)
        return -EEXIST;
    if (flags & RENAME_EXCHANGE) {
        if (!old)
            return -ENOENT;
        if (!sd_node_is(old, S_IFDIR) && to->slash)
            return -ENOTDIR;
    }
    if (!sd_node_is(node, S_IFDIR) && (from->slash || (to->slash && !(flags & RENAME_EXCHANGE))))
        return -ENOTDIR;
    if (sd_node_is(node, S_IFDIR) && is_above(node, to->directory))
        return -EINVAL;
    if (old && sd_node_is(old, S_IFDIR) && is_above(old, from->directory))
        return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    if (node == node->mount->root || (old && old == old->mount->root))
        return -EBUSY;
    return flags & RENAME_EXCHANGE ? 0 : check_replaced(node, old);
}

static int rename_places(struct sd_place *from, struct sd_place *to, unsigned flags)
{
    int error;

    if (from->last != SD_LAST_WORD)
        return -EBUSY;
    if (to->last != SD_LAST_WORD)
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    if (from->directory->mount != to->directory->mount)
        return -EXDEV;
    error = check_names(from, to, flags);
    if (error || from->node == to->node)
        return error;
    if (!from->directory->ops->rename)
        return -EPERM;
    return from->directory->ops->rename(from->directory, from->name, from->length, to->directory, to->name,
                                        to->length, flags);
}

int sd_fs_rename(struct sd_node *from, const char *path, struct sd_node *to, const char *to_path,
                 unsigned flags)
{
    struct sd_place source, target;
    int error;

    if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    error = sd_walk(from, path, SD_WALK_KEEP, &source);
    if (error)
        return error;
    error = sd_walk(to, to_path, SD_WALK_KEEP, &target);
    if (!error) {
        error = rename_places(&source, &target, flags);
        sd_place_put(&target);
    }
    sd_place_put(&source);
    return error;
}

int sd_fs_resize(struct sd_node *node, uint64_t size)
{
    if (sd_node_is(node, S_IFDIR))
        return -EISDIR;
    if (!sd_node_is(node, S_IFREG) || !node->ops->resize)
        return -EINVAL;
    return node->ops->resize(node, size);
}
