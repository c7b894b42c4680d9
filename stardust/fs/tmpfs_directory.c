/*
 * Open directories. A reader has a place of its own in the directory's order, so that nothing is missed or
 * given twice, whatever is removed meanwhile; what is new comes before all readers, so that a program that
 * renames what it reads comes to an end.
 */
#define _GNU_SOURCE
#include "tmpfs.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stardust/memory.h>

#include "../posix/copy.h"

#define DOT_ONLY 1
#define DOTS     2 /* and the number of an entry: behind that one */

/* As the system call has it; a program's struct dirent is larger. */
struct record {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[SD_NAME_MAX + 1];
};
#define HEAD offsetof(struct record, name)

bool sd_dirent_put(struct sd_dirents *to, const struct sd_node *node, uint64_t inode, const char *name,
                   size_t length, uint64_t offset)
{
    struct record record;
    size_t bytes = (HEAD + length + 1 + 7) & ~(size_t)7;

    if (bytes > to->room - to->done)
        return false;
    memset(&record, 0, bytes);
    record.inode = inode;
    record.offset = (int64_t)offset;
    record.length = (uint16_t)bytes;
    record.type = (uint8_t)(node->mode >> 12 & 15);
    memcpy(record.name, name, length);
    if (sd_copy_out(to->to + to->done, &record, bytes)) {
        to->error = -EFAULT;
        return false;
    }
    to->done += bytes;
    return true;
}

/* What a directory's name stands for may be covered; Linux tells the number of what is beneath. */
static bool put_entry(struct sd_dirents *to, const struct tmp_entry *entry)
{
    return sd_dirent_put(to, entry->node, entry->node->inode, entry->name, entry->length,
                         DOTS + entry->place.number);
}

static void stand_behind(struct tmp_open *open, struct xen_list *place)
{
    xen_list_remove(&open->reader.link);
    xen_list_insert(place->next, &open->reader.link);
}

static struct sd_node *above(struct sd_node *directory)
{
    while (directory == directory->mount->root && directory->mount->place)
        directory = directory->mount->place;
    return directory->ops->parent(directory);
}

static long directory_read(struct sd_file *file, void *buffer, size_t bytes)
{
    struct tmp_open *open = xen_container_of(file, struct tmp_open, file);
    struct tmp_directory *directory = tmp_directory(file->node);
    struct sd_dirents out = {buffer, bytes, 0, 0};
    struct sd_node *dots = above(file->node);
    bool full = false;

    if (!directory->self && file->node != file->node->mount->root)
        return -ENOENT;
    if (!open->offset) {
        full = !sd_dirent_put(&out, file->node, file->node->inode, ".", 1, DOT_ONLY);
        open->offset = full ? 0 : DOT_ONLY;
    }
    if (!full && open->offset == DOT_ONLY) {
        full = !sd_dirent_put(&out, dots, dots->inode, "..", 2, DOTS);
        open->offset = full ? DOT_ONLY : DOTS;
    }
    while (!full && open->reader.link.next != &directory->order) {
        struct xen_list *at = open->reader.link.next;
        const struct tmp_entry *entry = xen_container_of(at, struct tmp_entry, place.link);

        if (entry->place.number) {
            full = !put_entry(&out, entry);
            if (full)
                break;
            open->offset = DOTS + entry->place.number;
        }
        stand_behind(open, at);
    }
    sd_node_accessed(file->node);
    if (out.done || out.error)
        return out.done ? (long)out.done : out.error;
    return full ? -EINVAL : 0;
}

static long directory_seek(struct sd_file *file, long offset, int whence)
{
    struct tmp_open *open = xen_container_of(file, struct tmp_open, file);
    struct tmp_directory *directory = tmp_directory(file->node);
    struct xen_list *at = &directory->order;
    long to;

    if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    to = sd_tmp_place(open->offset, 0, offset, whence);
    if (to < 0)
        return to;
    /* Behind the last entry that is as new as that, or newer. */
    for (struct xen_list *i = at->next; to > DOTS && i != &directory->order; i = i->next) {
        uint64_t number = xen_container_of(i, struct tmp_place, link)->number;

        if (number && number < (uint64_t)to - DOTS)
            break;
        if (number)
            at = i;
    }
    open->offset = (uint64_t)to;
    stand_behind(open, at);
    return to;
}

static long directory_io(struct sd_file *file, void *buffer, size_t bytes)
{
    (void)file;
    (void)buffer;
    (void)bytes;
    return -EISDIR;
}

static long directory_pread(struct sd_file *file, void *buffer, size_t bytes, long offset)
{
    (void)offset;
    return directory_io(file, buffer, bytes);
}

static void directory_close(struct sd_file *file)
{
    xen_list_remove(&xen_container_of(file, struct tmp_open, file)->reader.link);
    sd_tmp_close(file);
}

static const struct sd_file_ops ops = {
    .read = directory_io,
    .pread = directory_pread,
    .lseek = directory_seek,
    .getdents = directory_read,
    .stat = sd_tmp_stat,
    .close = directory_close,
};

int sd_tmp_open_directory(struct sd_node *node, int flags, struct sd_file **file)
{
    struct tmp_open *open = sd_tmp_open(node, flags, &ops);

    if (!open)
        return -ENOMEM;
    xen_list_init(&open->reader.link);
    stand_behind(open, &tmp_directory(node)->order);
    *file = &open->file;
    return 0;
}

/* The next entry of the tree in an order that visits all; NULL at its end. *directory is where it is. */
static struct tmp_entry *next_entry(struct tmp_directory **directory, struct tmp_entry *entry)
{
    struct xen_list *at;

    if (!entry)
        at = (*directory)->order.next;
    else if (entry->node->ops->lookup == (*directory)->node.ops->lookup) {
        *directory = tmp_directory(entry->node);
        at = (*directory)->order.next;
    } else {
        at = entry->place.link.next;
    }
    for (;;) {
        while (at != &(*directory)->order && !xen_container_of(at, struct tmp_place, link)->number)
            at = at->next;
        if (at != &(*directory)->order)
            return xen_container_of(at, struct tmp_entry, place.link);
        if (!(*directory)->self)
            return NULL;
        at = (*directory)->self->place.link.next;
        *directory = tmp_directory((*directory)->parent);
    }
}

long sd_tmp_path_of(struct sd_node *node, char *buffer, size_t bytes)
{
    struct tmp_directory *directory = tmp_directory(node->mount->root);
    struct tmp_entry *entry = NULL;
    long length;

    if (sd_node_is(node, S_IFDIR))
        return sd_fs_path_of(node, buffer, bytes);
    do
        entry = next_entry(&directory, entry);
    while (entry && entry->node != node);
    if (!entry)
        return -ENOENT;
    length = sd_fs_path_of(&directory->node, buffer, bytes);
    if (length < 0)
        return length;
    length -= length == 2 ? 2 : 1; /* the end, and the root's slash */
    if ((size_t)length + 1 + entry->length + 1 > bytes)
        return -ERANGE;
    buffer[length++] = '/';
    memcpy(buffer + length, entry->name, entry->length);
    buffer[length + entry->length] = '\0';
    return length + entry->length + 1;
}
