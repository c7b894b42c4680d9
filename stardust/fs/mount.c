/*
 * Which file systems there are, and where. The first is made with the first need of a file.
 */
#include "fs.h"

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>

#include "ramdisk.h"

static struct xen_list mounts = {&mounts, &mounts};
static struct sd_mount root_mount;
static struct sd_node *current; /* with a reference */
static unsigned long devices = 1;

static const struct sd_fs *const types[] = {&sd_tmpfs, &sd_devtmpfs, &sd_procfs};

static int begin(struct sd_mount *mount, const struct sd_fs *type)
{
    int error;

    mount->type = type;
    mount->device = ++devices;
    mount->users = 1;
    error = type->make(mount);
    if (!error)
        xen_list_insert(&mounts, &mount->link);
    return error;
}

const struct sd_fs_sockets *sd_fs_sockets;

struct sd_node *sd_fs_root(void)
{
    if (root_mount.root)
        return root_mount.root;
    if (begin(&root_mount, &sd_tmpfs))
        return NULL;
    current = sd_node_get(root_mount.root);
    sd_mount_use(&root_mount);
    sd_fs_sockets = &sd_fs_sockets_by_path;
    sd_ramdisk_unpack();
    return root_mount.root;
}

struct sd_node *sd_fs_current(void)
{
    return sd_fs_root() ? current : NULL;
}

void sd_fs_set_current(struct sd_node *directory)
{
    struct sd_mount *before = current->mount;

    sd_mount_use(directory->mount);
    sd_node_get(directory);
    sd_node_put(current);
    current = directory;
    sd_mount_unuse(before);
}

int sd_fs_mount(const char *type, struct sd_node *directory)
{
    struct sd_mount *mount;
    size_t i = 0;
    int error;

    while (i < sizeof(types) / sizeof(types[0]) && strcmp(types[i]->name, type) != 0)
        i++;
    if (i == sizeof(types) / sizeof(types[0]))
        return -ENODEV;
    mount = sd_calloc(1, sizeof(*mount));
    if (!mount)
        return -ENOMEM;
    error = begin(mount, types[i]);
    if (error) {
        sd_free(mount);
        return error;
    }
    mount->place = sd_node_get(directory);
    sd_mount_use(directory->mount);
    directory->covered = mount;
    return 0;
}

int sd_fs_unmount(struct sd_node *root, bool lazily)
{
    struct sd_mount *mount = root->mount;
    struct sd_node *place = mount->place;
    struct sd_mount *below;

    if (root != mount->root)
        return -EINVAL;
    /* Nothing is to be left without a root; and while others are mounted in it, they count as users. */
    if (!place || (mount->users > 1 && !lazily))
        return -EBUSY;
    place->covered = NULL;
    mount->place = NULL;
    xen_list_remove(&mount->link);
    below = place->mount;
    sd_node_put(place);
    sd_mount_unuse(below);
    sd_mount_unuse(mount);
    return 0;
}

void sd_mount_use(struct sd_mount *mount)
{
    mount->users++;
}

void sd_mount_unuse(struct sd_mount *mount)
{
    if (--mount->users)
        return;
    mount->type->end(mount);
    sd_free(mount);
}

struct xen_list *sd_fs_mounts(void)
{
    return sd_fs_root() ? &mounts : NULL;
}

/* Puts a name and a slash before what stands at *at. */
static int put_before(const char *name, char *buffer, char **at)
{
    size_t length = strlen(name);

    if ((size_t)(*at - buffer) < length + 1)
        return -ERANGE;
    *at -= length;
    memcpy(*at, name, length);
    *--*at = '/';
    return 0;
}

long sd_fs_path_of(struct sd_node *directory, char *buffer, size_t bytes)
{
    char *end = buffer + bytes, *at = end;
    char name[SD_NAME_MAX + 1];
    size_t length;

    if (!bytes)
        return -ERANGE;
    *--at = '\0';
    for (;;) {
        while (directory == directory->mount->root && directory->mount->place)
            directory = directory->mount->place;
        if (directory == directory->mount->root)
            break;
        if (directory->ops->name(directory, name))
            return -ENOENT;
        if (put_before(name, buffer, &at))
            return -ERANGE;
        directory = directory->ops->parent(directory);
    }
    if (!*at && put_before("", buffer, &at))
        return -ERANGE;
    length = (size_t)(end - at);
    memmove(buffer, at, length);
    return (long)length;
}
