/*
 * Names as programs give them. Private to stardust/posix.
 */
#ifndef STARDUST_POSIX_PATH_H
#define STARDUST_POSIX_PATH_H

#include "../fs/fs.h"

/* A path out of the program's memory, and where it begins. */
struct sd_path {
    char *text;
    struct sd_node *from; /* with a reference; NULL when the path does not need it */
    struct sd_file *file; /* what `directory` is, with a reference; NULL for AT_FDCWD, and as above */
};

/*
 * Takes a path that is relative to a descriptor or AT_FDCWD. 0; -EFAULT, -ENAMETOOLONG, -ENOENT for an empty
 * one, -EBADF, -ENOTDIR, -ENOMEM. Given back with sd_path_put.
 */
int sd_path_take(int directory, const char *path, struct sd_path *taken) xen_must_check;
void sd_path_put(struct sd_path *path);

/*
 * What a path leads to, as sd_walk_to: `flags` of AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH (then an empty path is
 * the descriptor itself). Given back with sd_place_put.
 */
int sd_path_find(int directory, const char *path, int flags, struct sd_place *place) xen_must_check;

/* As sd_path_find for what works on names and on descriptors: what an open file was opened as; place->file is
 * what has no node. */
int sd_path_of_file(int fd, bool allow_path, struct sd_place *place) xen_must_check;

/* Makes what is wanted: 0 or as sd_path_take and sd_fs_make: names.c. */
long sd_path_make(int directory, const char *path, const struct sd_new *wanted);

extern unsigned sd_umask;

#endif
