/*
 * Files with names: nodes, the file systems that they are part of, and how a path leads to one.
 *
 * A node is a file, a directory, a link, a device: what a name stands for. Whoever keeps a node over a wait,
 * or gives it to somebody else, holds a reference. Thread context, within a service; nothing here waits,
 * except for opening a FIFO and what an open file's operations say of themselves.
 */
#ifndef STARDUST_FS_FS_H
#define STARDUST_FS_FS_H

#include <limits.h>
#include <time.h>

#include <xenlib/list.h>
#include <xenlib/types.h>

struct sd_file;
struct sd_file_lock;
struct sd_mount;
struct sd_node;
struct sd_pipe;
struct stat;
struct statfs;

/* As Linux has them; limits.h of a freestanding compiler may not. */
#define SD_NAME_MAX 255
#define SD_PATH_MAX 4096 /* with the end */
#define SD_LINK_MAX 40   /* symbolic links on the way */

/* A directory's new entry. */
struct sd_new {
    unsigned mode; /* type and permissions */
    unsigned long device;
    const char *target; /* of a symbolic link, terminated; copied */
};

/*
 * What a kind of node does; 0 or a negative errno. The caller has checked what holds for all file systems:
 * types, names of 1 to SD_NAME_MAX bytes that are neither "." nor "..", the same file system, whether there
 * is one of that name. What is NULL gives the errno in brackets.
 */
struct sd_node_ops {
    void (*free)(struct sd_node *node);
    /* An open file of it, which holds a reference to the node: flags as open's. [ENXIO] */
    int (*open)(struct sd_node *node, int flags, struct sd_file **file);
    uint64_t (*blocks)(const struct sd_node *node);                                   /* of 512 bytes [0] */
    int (*resize)(struct sd_node *node, uint64_t size);                               /* [EINVAL] */
    int (*allocate)(struct sd_node *node, int mode, uint64_t offset, uint64_t bytes); /* [EOPNOTSUPP] */
    /* Symbolic links: what it says; or the very file that it stands for, as /proc/self/fd/3: a node or, if
     * that has none, an open file, with a reference. Exactly one of the two is there. */
    const char *(*target)(const struct sd_node *link);
    int (*jump)(const struct sd_node *link, struct sd_node **node, struct sd_file **file);
    /* Directories. What is found or made comes with a reference. */
    int (*lookup)(struct sd_node *directory, const char *name, size_t length, struct sd_node **found);
    struct sd_node *(*parent)(struct sd_node *directory);     /* no reference; of the root, itself */
    int (*name)(const struct sd_node *directory, char *name); /* SD_NAME_MAX + 1; -ENOENT */
    int (*make)(struct sd_node *directory, const char *name, size_t length, const struct sd_new *wanted,
                struct sd_node **made); /* [ENOENT, as in /proc]; without a name: O_TMPFILE */
    int (*link)(struct sd_node *directory, const char *name, size_t length,
                struct sd_node *node);                                         /* [EPERM] */
    int (*unlink)(struct sd_node *directory, const char *name, size_t length); /* [EPERM] */
    int (*rename)(struct sd_node *from, const char *from_name, size_t from_length, struct sd_node *to,
                  const char *to_name, size_t to_length, unsigned flags); /* [EPERM] */
    bool (*is_empty)(const struct sd_node *directory);
};

struct sd_node {
    const struct sd_node_ops *ops;
    struct sd_mount *mount;   /* the file system that it is part of */
    struct sd_mount *covered; /* the one that is mounted here; NULL for none */
    struct sd_file_lock *locks;
    struct sd_pipe *pipe; /* of a FIFO that somebody has open; NULL otherwise */
    unsigned references;
    unsigned mode, user, group, links;
    uint64_t inode, size;
    unsigned long device;
    struct timespec accessed, modified, changed, born;
};

/* A kind of file system. */
struct sd_fs {
    const char *name;
    long magic;                          /* statfs */
    int (*make)(struct sd_mount *mount); /* sets mount->root. 0 or -ENOMEM */
    void (*end)(struct sd_mount *mount); /* gives everything back; nobody has anything of it open */
};

struct sd_mount {
    struct xen_list link; /* in the order of mounting */
    const struct sd_fs *type;
    struct sd_node *root;
    struct sd_node *place; /* the directory that it hides, with a reference; NULL for / */
    unsigned long device;
    uint64_t inodes; /* made so far */
    unsigned users;  /* open files and current directories in it, and 1 while it is mounted */
};

/* ---- nodes: node.c ---- */

static inline struct sd_node *sd_node_get(struct sd_node *node)
{
    node->references++;
    return node;
}
/* NULL is ignored. */
void sd_node_put(struct sd_node *node);

/* A node with one reference and the time of now; the rest as given. `node` is zeroed memory of the file
 * system's. */
void sd_node_init(struct sd_node *node, struct sd_mount *mount, const struct sd_node_ops *ops, unsigned mode);

void sd_node_stat(const struct sd_node *node, struct stat *status);
void sd_node_statfs(const struct sd_node *node, struct statfs *status);

struct timespec sd_fs_now(void);
/* The node was read, its contents changed, its attributes did. */
void sd_node_accessed(struct sd_node *node);
void sd_node_modified(struct sd_node *node);
void sd_node_changed(struct sd_node *node);

static inline bool sd_node_is(const struct sd_node *node, unsigned type)
{
    return (node->mode & 0170000) == type;
}

/* Whether there is memory for so many pages of files, and enough is left for the program and the kernel. */
bool sd_fs_has_room(size_t pages) xen_must_check;

/* ---- file systems: mount.c ---- */

/* The root, without a reference. The first call makes everything: unpacks the ramdisk, ends the guest if that
 * is broken. NULL when there is no memory for it. */
struct sd_node *sd_fs_root(void);

/* Where relative paths begin, without a reference; NULL as above. */
struct sd_node *sd_fs_current(void);
void sd_fs_set_current(struct sd_node *directory);

/* A file system of that name over a directory: 0, -ENODEV, -EBUSY, -ENOMEM. */
int sd_fs_mount(const char *type, struct sd_node *directory) xen_must_check;
/* The one whose root this is: 0, -EINVAL when it is none, -EBUSY. `lazily`: what is in use goes later. */
int sd_fs_unmount(struct sd_node *root, bool lazily) xen_must_check;
/* Somebody has something of it open, and not any more. */
void sd_mount_use(struct sd_mount *mount);
void sd_mount_unuse(struct sd_mount *mount);
/* All, from the root on, in the order of mounting. */
struct xen_list *sd_fs_mounts(void);
/* The path of a directory from the root: its length; -ENOENT when it is not there any more, -ERANGE. */
long sd_fs_path_of(struct sd_node *directory, char *buffer, size_t bytes) xen_must_check;

/* ---- paths: walk.c ---- */

enum sd_last { SD_LAST_WORD, SD_LAST_ROOT, SD_LAST_DOT, SD_LAST_DOTS };

/* Where a path leads. */
struct sd_place {
    struct sd_node *directory; /* of the last word, with a reference; NULL unless that is a word */
    struct sd_node *node; /* with a reference; NULL when there is nothing of that name, or it is `file` */
    struct sd_file *file; /* what a link of /proc/self/fd stands for, with a reference, if it has no node */
    enum sd_last last;
    bool slash; /* slashes behind the last word */
    size_t length;
    char name[SD_NAME_MAX + 1];
};

#define SD_WALK_FOLLOW 1 /* the last word, if it is a symbolic link */
#define SD_WALK_KEEP   2 /* not even if there are slashes behind it: for making, removing, renaming */

/*
 * Follows a path from a directory; an absolute one from the root. 0, also when all is there but the last word
 * (place->node and ->file are NULL); -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -ENOMEM. After success the
 * place is given back with sd_place_put.
 */
int sd_walk(struct sd_node *from, const char *path, int flags, struct sd_place *place) xen_must_check;
/* The same for what must be there: -ENOENT besides, and -ENOTDIR for slashes behind what is no directory. */
int sd_walk_to(struct sd_node *from, const char *path, int flags, struct sd_place *place) xen_must_check;
void sd_place_put(struct sd_place *place);

/* ---- what changes directories: change.c; opening: open.c ---- */

/* New, with a reference: -EEXIST, -ENOENT, -ENOSPC … */
int sd_fs_make(struct sd_node *from, const char *path, const struct sd_new *wanted,
               struct sd_node **made) xen_must_check;
int sd_fs_link(struct sd_node *node, struct sd_node *from, const char *path) xen_must_check;
int sd_fs_unlink(struct sd_node *from, const char *path) xen_must_check;
int sd_fs_rmdir(struct sd_node *from, const char *path) xen_must_check;
int sd_fs_rename(struct sd_node *from, const char *path, struct sd_node *to, const char *to_path,
                 unsigned flags) xen_must_check;
int sd_fs_resize(struct sd_node *node, uint64_t size) xen_must_check;

/* Opens as openat does; `mode` has the umask taken away. */
int sd_fs_open(struct sd_node *from, const char *path, int flags, unsigned mode,
               struct sd_file **file) xen_must_check;

/* For an open file's close: gives back the node, and the locks with it. */
void sd_fs_close(struct sd_file *file);

/* A character device. -ENXIO when there is none of that number: device.c. */
int sd_device_open(struct sd_node *node, int flags, struct sd_file **file) xen_must_check;

/*
 * A FIFO: posix/fifo.c; may wait for the other end. Only what can make one has it in the image. 0; -ENXIO for
 * a writer that does not wait and has no reader, -EINVAL, -ENOMEM, -SD_RESTART.
 */
int sd_fifo_open(struct sd_node *node, int flags, struct sd_file **file) xen_must_check;

/*
 * What a path that names a socket leads to, for posix/unix_named.c: 0 or as sd_walk_to and sd_fs_make,
 * -ECONNREFUSED for what is no socket; the node comes with a reference. NULL until the root is made, so that
 * who uses sockets and no files carries none.
 */
struct sd_fs_sockets {
    int (*make)(const char *path, struct sd_node **node);
    int (*find)(const char *path, struct sd_node **node);
    void (*put)(struct sd_node *node);
};
extern const struct sd_fs_sockets *sd_fs_sockets;
extern const struct sd_fs_sockets sd_fs_sockets_by_path; /* sockets.c */

/* Before pages of a file go, from `first` up to `end`: whatever shows them stops that. Weak: without mmap in
 * the image nothing does. */
void sd_vm_file_cut(const struct sd_node *node, uint64_t first, uint64_t end) __attribute__((weak));

extern const struct sd_fs sd_tmpfs, sd_devtmpfs, sd_procfs;

#endif
