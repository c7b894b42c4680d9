/*
 * /proc, as far as programs look: a fixed tree, whose files are written when they are opened.
 */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <stardust/memory.h>

#include "../posix/copy.h"
#include "tmpfs.h"

struct proc_file {
    struct sd_node node;
    void (*generate)(struct sd_text *text);
};

struct text_open {
    struct tmp_open open;
    char *text;
    size_t bytes;
};

static long text_pread(struct sd_file *file, void *buffer, size_t bytes, long offset)
{
    struct text_open *open = xen_container_of(file, struct text_open, open.file);
    size_t left = (size_t)offset < open->bytes ? open->bytes - (size_t)offset : 0;

    if (bytes > left)
        bytes = left;
    return sd_copy_out(buffer, open->text + (size_t)offset, bytes) ? -EFAULT : (long)bytes;
}

static long text_read(struct sd_file *file, void *buffer, size_t bytes)
{
    struct text_open *open = xen_container_of(file, struct text_open, open.file);
    long done = text_pread(file, buffer, bytes, (long)open->open.offset);

    open->open.offset += done > 0 ? (uint64_t)done : 0;
    return done;
}

static long text_seek(struct sd_file *file, long offset, int whence)
{
    struct text_open *open = xen_container_of(file, struct text_open, open.file);
    long to = sd_tmp_place(open->open.offset, 0, offset, whence);

    if (to >= 0)
        open->open.offset = (uint64_t)to;
    return to;
}

static void text_close(struct sd_file *file)
{
    struct text_open *open = xen_container_of(file, struct text_open, open.file);

    sd_fs_close(file);
    sd_free(open->text);
    sd_free(open);
}

static const struct sd_file_ops ops = {
    .read = text_read,
    .pread = text_pread,
    .lseek = text_seek,
    .stat = sd_tmp_stat,
    .close = text_close,
};

static int open_text(struct sd_node *node, int flags, struct sd_file **file)
{
    const struct proc_file *proc = (const struct proc_file *)(const void *)node;
    struct text_open *open;
    struct sd_text text = {0};

    if ((flags & 3) != O_RDONLY)
        return -EACCES;
    open = sd_calloc(1, sizeof(*open));
    if (!open)
        return -ENOMEM;
    proc->generate(&text);
    if (text.failed) {
        sd_free(text.bytes);
        sd_free(open);
        return -ENOMEM;
    }
    open->open.file =
        (struct sd_file){.ops = &ops, .references = 1, .flags = flags, .node = sd_node_get(node)};
    open->text = text.bytes;
    open->bytes = text.length;
    sd_mount_use(node->mount);
    *file = &open->open.file;
    return 0;
}

static void free_file(struct sd_node *node)
{
    sd_free(node);
}

static const struct sd_node_ops file_ops = {.free = free_file, .open = open_text};

/* Enters the node, whose reference it takes over, at a path below the root. */
static int enter(struct sd_mount *mount, const char *path, struct sd_node *node)
{
    struct sd_node *directory = mount->root, *next;
    const char *slash;
    int error = node ? 0 : -ENOMEM;

    for (; !error && (slash = strchr(path, '/')); path = slash + 1) {
        error = directory->ops->lookup(directory, path, (size_t)(slash - path), &next);
        if (error)
            break;
        directory = next;
        sd_node_put(next); /* its entry stays */
    }
    if (!error)
        error = sd_tmp_enter(directory, path, strlen(path), node);
    sd_node_put(node);
    return error;
}

static int add_entries(struct sd_mount *mount, const struct proc_entry *entry)
{
    int error = 0;

    for (; entry->path && !error; entry++) {
        struct sd_node *node;

        if (entry->generate) {
            node = sd_tmp_node(mount, sizeof(struct proc_file), &file_ops, S_IFREG | 0444);
            if (node)
                ((struct proc_file *)(void *)node)->generate = entry->generate;
        } else {
            node = sd_tmp_directory(mount, 0555);
            if (node)
                node->ops = &sd_tmp_fixed_ops;
        }
        error = enter(mount, entry->path, node);
    }
    return error;
}

static int add_link(struct sd_node *root, const char *name, const char *target)
{
    const struct sd_new link = {.mode = S_IFLNK | 0777, .target = target};
    struct sd_node *made;
    int error = sd_tmp_directory_ops.make(root, name, strlen(name), &link, &made);

    if (!error)
        sd_node_put(made);
    return error;
}

static int fill(struct sd_mount *mount)
{
    struct sd_node *self;
    int error = add_entries(mount, sd_proc_system);

    if (!error)
        error = add_entries(mount, sd_proc_process);
    if (!error)
        error = mount->root->ops->lookup(mount->root, "1", 1, &self);
    if (error)
        return error;
    sd_node_put(self);
    error = enter(mount, "1/fd", sd_proc_fd(mount));
    if (!error)
        error = enter(mount, "1/cwd", sd_proc_link(mount, PROC_CURRENT));
    if (!error)
        error = enter(mount, "1/root", sd_proc_link(mount, PROC_ROOT));
    if (!error)
        error = add_link(self, "exe", "/stardust");
    if (!error)
        error = add_link(mount->root, "self", "1");
    if (!error)
        error = add_link(mount->root, "mounts", "self/mounts");
    return error;
}

static int make_proc(struct sd_mount *mount)
{
    int error;

    mount->root = sd_tmp_directory(mount, 0555);
    if (!mount->root)
        return -ENOMEM;
    mount->root->ops = &sd_tmp_fixed_ops;
    error = fill(mount);
    if (error)
        sd_tmp_end(mount);
    return error;
}

const struct sd_fs sd_procfs = {"proc", 0x9fa0 /* PROC_SUPER_MAGIC */, make_proc, sd_tmp_end};
