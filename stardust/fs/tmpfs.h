/*
 * The in-memory file system's nodes. /dev and /proc are built of the same directories. Private to
 * stardust/fs.
 */
#ifndef STARDUST_FS_TMPFS_H
#define STARDUST_FS_TMPFS_H

#include "../posix/file.h"
#include "fs.h"
#include "pages.h"

/* A place in the order of a directory: an entry, or where somebody who reads it stands. */
struct tmp_place {
    struct xen_list link;
    uint64_t number; /* of an entry, from 1; the newest comes first. 0: a reader */
};

struct tmp_entry {
    struct tmp_place place;
    struct tmp_entry *next; /* in the bucket */
    struct sd_node *node;   /* with a reference */
    uint32_t hash;
    uint8_t length;
    char name[];
};

struct tmp_directory {
    struct sd_node node;
    struct sd_node *parent;   /* with a reference; NULL for the root */
    struct tmp_entry *self;   /* what names it; NULL for the root, and when it is removed */
    struct xen_list order;    /* of struct tmp_place */
    struct tmp_entry **table; /* of 2^bits buckets; NULL while there are no entries */
    unsigned bits;
    size_t count;
    uint64_t number; /* of the newest entry so far */
};

/*
 * A regular file. What has no page of its own is what lies at `below`, as far as that goes: the file's
 * contents in the ramdisk, which are never copied nor changed; and zeros.
 */
struct tmp_file {
    struct sd_node node;
    struct sd_pages pages;
    const char *below;
    uint64_t below_bytes;
};

struct tmp_link {
    struct sd_node node;
    char target[];
};

/* An open file or directory. */
struct tmp_open {
    struct sd_file file;
    uint64_t offset;         /* of a directory: 0 before ".", 1 before "..", 2 and more behind */
    struct tmp_place reader; /* of a directory, behind ".." */
};

/* Of a fixed directory the program changes no entry. */
extern const struct sd_node_ops sd_tmp_directory_ops, sd_tmp_fixed_ops, sd_tmp_file_ops, sd_tmp_special_ops;

static inline struct tmp_directory *tmp_directory(const struct sd_node *node)
{
    return (struct tmp_directory *)(uintptr_t)node; /* its first part */
}

static inline struct tmp_file *tmp_file(const struct sd_node *node)
{
    return (struct tmp_file *)(uintptr_t)node;
}

/* A node without a name, of `bytes`, whose first part it is: NULL when there is no room. */
struct sd_node *sd_tmp_node(struct sd_mount *mount, size_t bytes, const struct sd_node_ops *ops,
                            unsigned mode);
struct sd_node *sd_tmp_directory(struct sd_mount *mount, unsigned mode);

/* Enters a node that has no name in its file system yet: 0 or -ENOSPC. The entry has a reference of its own.
 */
int sd_tmp_enter(struct sd_node *directory, const char *name, size_t length,
                 struct sd_node *node) xen_must_check;

/* An open file of these operations that refers to the node: NULL when there is no memory. */
struct tmp_open *sd_tmp_open(struct sd_node *node, int flags, const struct sd_file_ops *ops);
void sd_tmp_close(struct sd_file *file);
void sd_tmp_stat(struct sd_file *file, struct stat *status);
/* The offset that lseek means: negative errno. */
long sd_tmp_place(uint64_t now, uint64_t size, long offset, int whence) xen_must_check;

/* What getdents64 gives: records, as far as there is room. */
struct sd_dirents {
    char *to;
    size_t room, done;
    long error; /* -EFAULT */
};
/* False when it does not fit, or cannot be written. `offset` is the place behind it. */
bool sd_dirent_put(struct sd_dirents *to, const struct sd_node *node, uint64_t inode, const char *name,
                   size_t length, uint64_t offset);

/* A path that leads to the node, found by looking through its file system: the length, -ENOENT, -ERANGE. */
long sd_tmp_path_of(struct sd_node *node, char *buffer, size_t bytes) xen_must_check;

int sd_tmp_open_directory(struct sd_node *node, int flags, struct sd_file **file);

/* A file's contents are at `below`, for ever. */
void sd_tmp_file_below(struct sd_node *node, const void *below, size_t bytes);

/* For sd_fs.end: takes the whole tree apart. */
void sd_tmp_end(struct sd_mount *mount);

#endif
