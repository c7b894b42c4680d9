/*
 * What / holds at the start: the ramdisk's archive, and what every program expects besides. The ramdisk's
 * memory stays: files are read from it in place until they are written.
 */
#include "ramdisk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/memory.h>
#include <xenlib/start.h>

#include "archive.h"
#include "tmpfs.h"

/* Files of cpio with several names, by their numbers. */
struct known {
    struct known *next;
    struct sd_node *node;
    uint64_t inode, device;
    unsigned volume;
};
#define BUCKETS 256

struct unpack {
    struct sd_node *root;
    struct known **known; /* NULL while there is none */
    char path[SD_ARCHIVE_PATH];
};

static struct known **bucket_of(struct unpack *unpack, const struct sd_archive_entry *entry)
{
    return &unpack->known[(entry->inode ^ entry->inode >> 8 ^ entry->device) % BUCKETS];
}

static struct sd_node *recall(struct unpack *unpack, const struct sd_archive_entry *entry)
{
    struct known *known = unpack->known ? *bucket_of(unpack, entry) : NULL;

    while (known &&
           (known->inode != entry->inode || known->device != entry->device || known->volume != entry->volume))
        known = known->next;
    return known ? known->node : NULL;
}

static int remember(struct unpack *unpack, const struct sd_archive_entry *entry, struct sd_node *node)
{
    struct known *known = sd_alloc(sizeof(*known));

    if (!unpack->known)
        unpack->known = sd_calloc(BUCKETS, sizeof(struct known *));
    if (!known || !unpack->known) {
        sd_free(known);
        return -ENOMEM;
    }
    *known = (struct known){*bucket_of(unpack, entry), sd_node_get(node), entry->inode, entry->device,
                            entry->volume};
    *bucket_of(unpack, entry) = known;
    return 0;
}

static void forget_all(struct unpack *unpack)
{
    for (size_t i = 0; unpack->known && i < BUCKETS; i++) {
        while (unpack->known[i]) {
            struct known *known = unpack->known[i];

            unpack->known[i] = known->next;
            sd_node_put(known->node);
            sd_free(known);
        }
    }
    sd_free(unpack->known);
}

/* A directory, unless one is there. */
static int ensure_directory(struct sd_node *root, const char *path, unsigned mode)
{
    const struct sd_new wanted = {.mode = S_IFDIR | mode};
    struct sd_place place;
    struct sd_node *made;
    int error = sd_walk(root, path, SD_WALK_FOLLOW, &place);

    if (error)
        return error;
    if (place.node) {
        error = sd_node_is(place.node, S_IFDIR) ? 0 : -ENOTDIR;
    } else {
        error = place.directory->ops->make(place.directory, place.name, place.length, &wanted, &made);
        if (!error)
            sd_node_put(made);
    }
    sd_place_put(&place);
    return error;
}

/* Those above the entry; archives name them first, but need not. */
static int ensure_parents(struct unpack *unpack)
{
    int error = 0;

    for (char *slash = unpack->path; !error && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        error = ensure_directory(unpack->root, unpack->path, 0755);
        *slash = '/';
    }
    return error;
}

static void set_attributes(struct sd_node *node, const struct sd_archive_entry *entry)
{
    /* A symbolic link's rights say nothing, and Linux has them always so. */
    if (!sd_node_is(node, S_IFLNK))
        node->mode = (node->mode & S_IFMT) | (entry->mode & 07777);
    node->user = entry->user;
    node->group = entry->group;
    node->modified = node->accessed = (struct timespec){.tv_sec = entry->modified};
}

/* Makes what the entry says at a place where nothing is. */
static int make_entry(struct unpack *unpack, const struct sd_archive_entry *entry, struct sd_node **made)
{
    const struct sd_new wanted = {
        .mode = entry->mode, .target = entry->target, .device = makedev(entry->major, entry->minor)};
    struct sd_node *same = entry->links > 1 && S_ISREG(entry->mode) ? recall(unpack, entry) : NULL;
    struct sd_place place;
    int error;

    if (entry->same) {
        error = sd_walk_to(unpack->root, entry->same, 0, &place);
        if (error)
            return error;
        same = sd_node_get(place.node);
        sd_place_put(&place);
        error = sd_fs_link(same, unpack->root, unpack->path);
        *made = same;
        if (error)
            sd_node_put(same);
        return error;
    }
    if (same) {
        *made = sd_node_get(same);
        return sd_fs_link(same, unpack->root, unpack->path);
    }
    error = sd_fs_make(unpack->root, unpack->path, &wanted, made);
    if (!error && entry->links > 1 && S_ISREG(entry->mode) && remember(unpack, entry, *made))
        error = -ENOMEM;
    return error;
}

static const char *sentence(int error)
{
    switch (error) {
    case 0:
        return NULL;
    case -ENOSPC:
    case -ENOMEM:
        return "does not fit into the guest's memory";
    case -EISDIR:
        return "stands where a directory is already";
    case -ENOTDIR:
        return "stands where something is that is no directory";
    case -ELOOP:
        return "stands behind symbolic links that lead in a circle";
    case -ENOENT:
        return "is another name of something that is not there";
    case -EPERM:
        return "is another name of a directory";
    case -EINVAL:
        return "is of no type that there is";
    default:
        return "cannot be made";
    }
}

static bool is_type(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return true;
    default:
        return false;
    }
}

/* Makes room for the entry. 1: it is a directory that is there already. */
static int clear_place(struct unpack *unpack, const struct sd_archive_entry *entry)
{
    struct sd_place place;
    int error = sd_walk(unpack->root, unpack->path, SD_WALK_KEEP, &place);

    if (error)
        return error;
    if (!place.node) {
        sd_place_put(&place);
        return 0;
    }
    if (S_ISDIR(entry->mode)) {
        error = sd_node_is(place.node, S_IFDIR) ? 1 : -ENOTDIR;
        if (error > 0)
            set_attributes(place.node, entry);
    } else {
        error = sd_fs_unlink(unpack->root, unpack->path);
    }
    sd_place_put(&place);
    return error;
}

static const char *unpack_entry(void *arg, const struct sd_archive_entry *entry)
{
    struct unpack *unpack = arg;
    struct sd_node *made;
    int error;

    if (!is_type(entry->mode))
        return sentence(-EINVAL);
    if (!*entry->path) {
        if (S_ISDIR(entry->mode))
            set_attributes(unpack->root, entry);
        return S_ISDIR(entry->mode) ? NULL : "has no name";
    }
    strcpy(unpack->path, entry->path);
    error = ensure_parents(unpack);
    if (!error)
        error = clear_place(unpack, entry);
    if (error)
        return error > 0 ? NULL : sentence(error);
    error = make_entry(unpack, entry, &made);
    if (error)
        return sentence(error);
    if (!entry->same)
        set_attributes(made, entry);
    if (entry->bytes)
        sd_tmp_file_below(made, entry->data, entry->bytes);
    sd_node_put(made);
    return NULL;
}

static _Noreturn void refuse(const struct sd_archive_error *error)
{
    if (error->entry[0])
        sd_error("ramdisk: the entry '%s' %s (byte %zu)", error->entry, error->what, error->offset);
    else
        sd_error("ramdisk: what is at byte %zu %s", error->offset, error->what);
    sd_exit(1);
}

static void unpack_ramdisk(struct sd_node *root)
{
    static struct unpack unpack;
    const struct xen_start *start = xen_start();
    struct sd_archive_error error;
    sd_archive_read *read;
    const char *what;

    if (!start->module || !start->module_bytes)
        return;
    read = sd_archive_kind(start->module, start->module_bytes, &what);
    unpack.root = root;
    if (!read) {
        sd_error("ramdisk: it %s", what);
        sd_exit(1);
    } else if (!read(start->module, start->module_bytes, unpack_entry, &unpack, &error))
        refuse(&error);
    forget_all(&unpack);
}

/* What the ramdisk did not bring. */
static int add_file(struct sd_node *root, const char *path, const char *text)
{
    const struct sd_new wanted = {.mode = S_IFREG | 0644};
    struct sd_node *made;
    int error = sd_fs_make(root, path, &wanted, &made);

    if (error)
        return error == -EEXIST ? 0 : error;
    sd_tmp_file_below(made, text, strlen(text));
    sd_node_put(made);
    return 0;
}

static void add_expected(struct sd_node *root)
{
    const struct sd_new resolv_conf = {.mode = S_IFLNK | 0777, .target = "/proc/net/pnp"};
    struct sd_node *made;
    static const struct {
        const char *path;
        unsigned mode;
    } directories[] = {{"dev", 0755},  {"proc", 0555}, {"etc", 0755},      {"tmp", 01777},
                       {"root", 0700}, {"var", 0755},  {"var/tmp", 01777}, {"run", 0755}};
    static const struct {
        const char *path, *text;
    } files[] = {
        {"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
        {"etc/group", "root:x:0:\nnogroup:x:65534:\n"},
        {"etc/hostname", "stardust\n"},
        {"etc/hosts", "127.0.0.1\tlocalhost stardust\n::1\tlocalhost\n"},
        {"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"},
    };

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
        (void)ensure_directory(root, directories[i].path, directories[i].mode);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)add_file(root, files[i].path, files[i].text);
    if (!sd_fs_make(root, "etc/resolv.conf", &resolv_conf, &made))
        sd_node_put(made);
}

static void mount_at(struct sd_node *root, const char *path, const char *type)
{
    struct sd_place place;

    if (sd_walk_to(root, path, SD_WALK_FOLLOW, &place))
        return;
    if (!sd_node_is(place.node, S_IFDIR) || sd_fs_mount(type, place.node))
        sd_warn("%s is not mounted at /%s", type, path);
    sd_place_put(&place);
}

void sd_ramdisk_unpack(void)
{
    struct sd_node *root = sd_fs_root();

    unpack_ramdisk(root);
    add_expected(root);
    mount_at(root, "dev", "devtmpfs");
    mount_at(root, "proc", "proc");
}
