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

struct reader {
    char *to;
    size_t room, done;
};

/* False when it does not fit; -EFAULT in *error. */
static bool put(struct reader *reader, const struct sd_node *node, uint64_t inode, const char *name,
                size_t length, uint64_t offset, long *error)
{
    struct record record;
    size_t bytes = (HEAD + length + 1 + 7) & ~(size_t)7;

    if (bytes > reader->room - reader->done)
        return false;
    memset(&record, 0, bytes);
    record.inode = inode;
    record.offset = (int64_t)offset;
    record.length = (uint16_t)bytes;
    record.type = (uint8_t)(node->mode >> 12 & 15);
    memcpy(record.name, name, length);
    if (sd_copy_out(reader->to + reader->done, &record, bytes)) {
        *error = -EFAULT;
        return false;
    }
    reader->done += bytes;
    return true;
}

/* What a directory's name stands for may be covered; Linux tells the number of what is beneath. */
static bool put_entry(struct reader *reader, const struct tmp_entry *entry, long *error)
{
    return put(reader, entry->node, entry->node->inode, entry->name, entry->length,
               DOTS + entry->place.number, error);
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
    struct reader reader = {buffer, bytes, 0};
    struct sd_node *dots = above(file->node);
    bool full = false;
    long error = 0;

    if (!directory->self && file->node != file->node->mount->root)
        return -ENOENT;
    if (!open->offset) {
        full = !put(&reader, file->node, file->node->inode, ".", 1, DOT_ONLY, &error);
        open->offset = full ? 0 : DOT_ONLY;
    }
    if (!full && open->offset == DOT_ONLY) {
        full = !put(&reader, dots, dots->inode, "..", 2, DOTS, &error);
        open->offset = full ? DOT_ONLY : DOTS;
    }
    while (!full && open->reader.link.next != &directory->order) {
        struct xen_list *at = open->reader.link.next;
        const struct tmp_entry *entry = xen_container_of(at, struct tmp_entry, place.link);

        if (entry->place.number) {
            full = !put_entry(&reader, entry, &error);
            if (full)
                break;
            open->offset = DOTS + entry->place.number;
        }
        stand_behind(open, at);
    }
    sd_node_accessed(file->node);
    if (reader.done || error)
        return reader.done ? (long)reader.done : error;
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
