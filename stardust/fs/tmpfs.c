/*
 * The in-memory file system: its nodes, and directories as hash tables.
 */
#include "tmpfs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <stardust/memory.h>

#define MAGIC 0x01021994 /* TMPFS_MAGIC */

/* Buckets: 2^4 at first, and as many as a block of 512 KiB holds. */
#define BITS_FIRST 4
#define BITS_MAX   16

/* A directory's size, as Linux's tmpfs counts it. */
#define ENTRY_SIZE 20ull

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

static const struct sd_node_ops link_ops;

struct sd_node *sd_tmp_node(struct sd_mount *mount, size_t bytes, const struct sd_node_ops *ops,
                            unsigned mode)
{
    struct sd_node *node = sd_fs_has_room(1) ? sd_calloc(1, bytes) : NULL;

    if (node)
        sd_node_init(node, mount, ops, mode);
    return node;
}

struct sd_node *sd_tmp_directory(struct sd_mount *mount, unsigned mode)
{
    struct sd_node *node =
        sd_tmp_node(mount, sizeof(struct tmp_directory), &sd_tmp_directory_ops, S_IFDIR | mode);

    if (!node)
        return NULL;
    xen_list_init(&tmp_directory(node)->order);
    node->links = 2;
    node->size = 2 * ENTRY_SIZE;
    return node;
}

static void free_plain(struct sd_node *node)
{
    sd_free(node);
}

/* With it may go those above it, if they are removed, too: however many. */
static void free_directory(struct sd_node *node)
{
    while (node) {
        struct sd_node *above = tmp_directory(node)->parent;

        sd_free(tmp_directory(node)->table);
        sd_free(node);
        node = above && !--above->references ? above : NULL;
    }
}

static const char *target(const struct sd_node *link)
{
    return ((const struct tmp_link *)(const void *)link)->target;
}

/* ---- entries ---- */

/* FNV-1a */
static uint32_t hash_of(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash ^ hash >> 16;
}

static struct tmp_entry **bucket_of(const struct tmp_directory *directory, uint32_t hash)
{
    return &directory->table[hash & ((1u << directory->bits) - 1)];
}

static struct tmp_entry *find(const struct tmp_directory *directory, const char *name, size_t length)
{
    uint32_t hash = hash_of(name, length);
    struct tmp_entry *entry = directory->table ? *bucket_of(directory, hash) : NULL;

    while (entry &&
           (entry->hash != hash || entry->length != length || memcmp(entry->name, name, length) != 0))
        entry = entry->next;
    return entry;
}

/* Makes the table larger, if there are many entries and memory; it works without. */
static int grow(struct tmp_directory *directory)
{
    unsigned bits = directory->table ? directory->bits + 1 : BITS_FIRST;
    struct tmp_entry **old = directory->table, **table;

    if (old && (directory->count < 1u << directory->bits || bits > BITS_MAX))
        return 0;
    table = sd_calloc((size_t)1 << bits, sizeof(struct tmp_entry *));
    if (!table)
        return old ? 0 : -ENOSPC;
    directory->table = table;
    directory->bits = bits;
    for (struct xen_list *at = directory->order.next; at != &directory->order; at = at->next) {
        struct tmp_entry *entry = xen_container_of(at, struct tmp_entry, place.link);
        struct tmp_entry **bucket;

        if (!entry->place.number)
            continue;
        bucket = bucket_of(directory, entry->hash);
        entry->next = *bucket;
        *bucket = entry;
    }
    sd_free(old);
    return 0;
}

/* Takes over the reference. A directory has no other entry now. */
static void set_entry(struct tmp_directory *directory, struct tmp_entry *entry, struct sd_node *node)
{
    struct tmp_directory *below = tmp_directory(node);

    entry->node = node;
    if (!sd_node_is(node, S_IFDIR))
        return;
    if (below->parent != &directory->node) {
        if (below->parent) {
            below->parent->links--;
            sd_node_put(below->parent);
        }
        below->parent = sd_node_get(&directory->node);
        directory->node.links++;
    }
    below->self = entry;
}

/* A new entry; takes over the reference to the node, except on -ENOSPC. */
static int enter(struct tmp_directory *directory, const char *name, size_t length, struct sd_node *node)
{
    struct tmp_entry *entry = grow(directory) ? NULL : sd_alloc(sizeof(*entry) + length), **bucket;

    if (!entry)
        return -ENOSPC;
    entry->place.number = ++directory->number;
    entry->hash = hash_of(name, length);
    entry->length = (uint8_t)length;
    memcpy(entry->name, name, length);
    bucket = bucket_of(directory, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    xen_list_insert(directory->order.next, &entry->place.link);
    directory->count++;
    directory->node.size += ENTRY_SIZE;
    set_entry(directory, entry, node);
    sd_node_modified(&directory->node);
    return 0;
}

int sd_tmp_enter(struct sd_node *directory, const char *name, size_t length, struct sd_node *node)
{
    int error = enter(tmp_directory(directory), name, length, node);

    if (error)
        return error;
    sd_node_get(node);
    node->links += sd_node_is(node, S_IFDIR) ? 0 : 1;
    return 0;
}

/* Takes the entry away, and leaves its reference to the caller. */
static void leave(struct tmp_directory *directory, struct tmp_entry *entry)
{
    struct tmp_entry **at = bucket_of(directory, entry->hash);

    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    xen_list_remove(&entry->place.link);
    directory->count--;
    directory->node.size -= ENTRY_SIZE;
    sd_node_modified(&directory->node);
    sd_free(entry);
}

/* A node has lost its entry in the directory, and with it the reference. */
static void forget(struct tmp_directory *directory, struct sd_node *node)
{
    if (sd_node_is(node, S_IFDIR)) {
        tmp_directory(node)->self = NULL;
        node->links = 0;
        directory->node.links--;
    } else {
        node->links--;
    }
    sd_node_changed(node);
    sd_node_put(node);
}

/* ---- operations ---- */

static bool is_removed(const struct tmp_directory *directory)
{
    return !directory->self && &directory->node != directory->node.mount->root;
}

static int lookup(struct sd_node *node, const char *name, size_t length, struct sd_node **found)
{
    struct tmp_entry *entry = find(tmp_directory(node), name, length);

    if (!entry)
        return -ENOENT;
    *found = sd_node_get(entry->node);
    return 0;
}

static struct sd_node *parent(struct sd_node *node)
{
    return tmp_directory(node)->parent ? tmp_directory(node)->parent : node;
}

static int name_of(const struct sd_node *node, char *name)
{
    const struct tmp_entry *self = tmp_directory(node)->self;

    if (!self)
        return -ENOENT;
    memcpy(name, self->name, self->length);
    name[self->length] = '\0';
    return 0;
}

static bool is_empty(const struct sd_node *node)
{
    return !tmp_directory(node)->count;
}

static struct sd_node *new_link(struct sd_mount *mount, const char *text)
{
    size_t length = strlen(text);
    struct sd_node *node =
        sd_tmp_node(mount, sizeof(struct tmp_link) + length + 1, &link_ops, S_IFLNK | 0777);

    if (!node)
        return NULL;
    memcpy(((struct tmp_link *)(void *)node)->target, text, length + 1);
    node->size = length;
    return node;
}

static struct sd_node *new_node(struct sd_mount *mount, const struct sd_new *wanted)
{
    struct sd_node *node;

    switch (wanted->mode & S_IFMT) {
    case S_IFDIR:
        return sd_tmp_directory(mount, wanted->mode & 07777);
    case S_IFLNK:
        return new_link(mount, wanted->target);
    case S_IFREG:
        return sd_tmp_node(mount, sizeof(struct tmp_file), &sd_tmp_file_ops, wanted->mode);
    default:
        node = sd_tmp_node(mount, sizeof(*node), &sd_tmp_special_ops, wanted->mode);
        if (node)
            node->device = wanted->device;
        return node;
    }
}

static int make(struct sd_node *directory, const char *name, size_t length, const struct sd_new *wanted,
                struct sd_node **made)
{
    struct sd_node *node;

    if (is_removed(tmp_directory(directory)))
        return -ENOENT;
    node = new_node(directory->mount, wanted);
    if (!node)
        return -ENOSPC;
    if (directory->mode & S_ISGID) {
        node->group = directory->group;
        node->mode |= sd_node_is(node, S_IFDIR) ? S_ISGID : 0;
    }
    if (name && sd_tmp_enter(directory, name, length, node)) {
        sd_node_put(node);
        return -ENOSPC;
    }
    *made = node;
    return 0;
}

static int link_node(struct sd_node *directory, const char *name, size_t length, struct sd_node *node)
{
    if (is_removed(tmp_directory(directory)))
        return -ENOENT;
    if (node->links == UINT_MAX)
        return -EMLINK;
    sd_node_changed(node);
    return sd_tmp_enter(directory, name, length, node);
}

static int unlink_node(struct sd_node *node, const char *name, size_t length)
{
    struct tmp_directory *directory = tmp_directory(node);
    struct tmp_entry *entry = find(directory, name, length);
    struct sd_node *gone = entry->node;

    leave(directory, entry);
    forget(directory, gone);
    return 0;
}

static void exchange(struct tmp_directory *from, struct tmp_entry *one, struct tmp_directory *to,
                     struct tmp_entry *other)
{
    struct sd_node *node = one->node;

    set_entry(from, one, other->node);
    set_entry(to, other, node);
    sd_node_modified(&from->node);
    sd_node_modified(&to->node);
    sd_node_changed(one->node);
    sd_node_changed(other->node);
}

static int rename_node(struct sd_node *from_node, const char *from_name, size_t from_length,
                       struct sd_node *to_node, const char *to_name, size_t to_length, unsigned flags)
{
    struct tmp_directory *from = tmp_directory(from_node), *to = tmp_directory(to_node);
    struct tmp_entry *entry = find(from, from_name, from_length), *old = find(to, to_name, to_length);
    struct sd_node *node = entry->node;

    if (is_removed(to))
        return -ENOENT;
    if (flags & RENAME_EXCHANGE) {
        exchange(from, entry, to, old);
        return 0;
    }
    if (old) {
        struct sd_node *gone = old->node;

        set_entry(to, old, node);
        forget(to, gone);
        sd_node_modified(to_node);
    } else if (enter(to, to_name, to_length, node)) {
        return -ENOSPC;
    }
    leave(from, entry);
    sd_node_changed(node);
    return 0;
}

const struct sd_node_ops sd_tmp_directory_ops = {
    .free = free_directory,
    .open = sd_tmp_open_directory,
    .lookup = lookup,
    .parent = parent,
    .name = name_of,
    .make = make,
    .link = link_node,
    .unlink = unlink_node,
    .rename = rename_node,
    .is_empty = is_empty,
};

const struct sd_node_ops sd_tmp_fixed_ops = {
    .free = free_directory,
    .open = sd_tmp_open_directory,
    .lookup = lookup,
    .parent = parent,
    .name = name_of,
    .is_empty = is_empty,
};

static const struct sd_node_ops link_ops = {.free = free_plain, .target = target};
const struct sd_node_ops sd_tmp_special_ops = {.free = free_plain};

static int make_root(struct sd_mount *mount)
{
    mount->root = sd_tmp_directory(mount, 0755);
    return mount->root ? 0 : -ENOMEM;
}

/* The entry that is in the way of removing the directory; NULL when it is empty. */
static struct tmp_entry *first_entry(struct tmp_directory *directory)
{
    return directory->count ? xen_container_of(directory->order.next, struct tmp_entry, place.link) : NULL;
}

void sd_tmp_end(struct sd_mount *mount)
{
    struct tmp_directory *at = tmp_directory(mount->root);

    for (;;) {
        struct tmp_entry *entry = first_entry(at);

        if (entry) {
            struct sd_node *node = entry->node;

            if (node->ops->free == free_directory && tmp_directory(node)->count) {
                at = tmp_directory(node);
                continue;
            }
            leave(at, entry);
            forget(at, node);
        } else if (&at->node == mount->root) {
            break;
        } else {
            at = tmp_directory(at->parent);
        }
    }
    sd_node_put(mount->root);
}

const struct sd_fs sd_tmpfs = {"tmpfs", MAGIC, make_root, sd_tmp_end};
