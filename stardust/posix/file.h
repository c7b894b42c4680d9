/*
 * Open files and the descriptors that name them. Thread context. Private to stardust/posix.
 */
#ifndef STARDUST_POSIX_FILE_H
#define STARDUST_POSIX_FILE_H

#include <xenlib/types.h>

struct iovec;
struct sd_epoll_item;
struct sd_file;
struct sd_readiness;
struct stat;

/*
 * What a kind of file does. Results and errors are those of the system call; `buffer` and `arg` are the
 * program's (copy.h), `status` the kernel's, zeroed. What blocks asks `flags` for O_NONBLOCK and waits by
 * sd_wait (wait.h). What is NULL gives EBADF for read and write, ESPIPE for lseek, pread and pwrite, ENOTTY
 * for ioctl, ENOTDIR for getdents, EINVAL for truncate; a file without `ready` always is.
 */
struct sd_file_ops {
    /* read and write are both there and never wait, so that nobody closes the file meanwhile. */
    bool prompt;
    long (*read)(struct sd_file *file, void *buffer, size_t bytes);
    long (*write)(struct sd_file *file, const void *buffer, size_t bytes);
    /* readv and writev of the program's vectors, which are checked; NULL where that is one read or write
     * after the other. */
    long (*vectored)(struct sd_file *file, bool out, const struct iovec *vectors, int count);
    long (*pread)(struct sd_file *file, void *buffer, size_t bytes, long offset);
    long (*pwrite)(struct sd_file *file, const void *buffer, size_t bytes, long offset);
    long (*lseek)(struct sd_file *file, long offset, int whence);
    long (*ioctl)(struct sd_file *file, unsigned long request, void *arg);
    long (*getdents)(struct sd_file *file, void *buffer, size_t bytes); /* struct linux_dirent64 */
    long (*truncate)(struct sd_file *file, long bytes);
    void (*stat)(struct sd_file *file, struct stat *status);
    /* What poll asks: the bits of POLLIN, POLLOUT, POLLERR, POLLHUP, POLLRDHUP, POLLPRI that hold now. Must
     * not wait. */
    unsigned (*ready)(struct sd_file *file);
    /* Where changes of that are told; it lives as long as the file. With `ready`, never NULL. */
    struct sd_readiness *(*readiness)(struct sd_file *file);
    /* The page of that number, for mappings to show: it stays the file's until sd_vm_file_cut (fs.h) is told
     * otherwise. 0, -ENXIO behind the file's end, -ENOSPC. Must not wait; exception context, too. NULL: it
     * cannot be mapped MAP_SHARED. */
    int (*page)(struct sd_file *file, uint64_t number, void **page);
    /* Where the bytes from `offset` on lie and how many there are in one piece, 0 at the file's end: to be
     * read until the caller waits or changes the file. Must not wait. NULL: they are to be had by pread. */
    size_t (*lend)(struct sd_file *file, long offset, const char **at);
    void (*close)(struct sd_file *file); /* nobody refers to it any more; NULL when there is nothing to do */
};

struct sd_file {
    const struct sd_file_ops *ops;
    unsigned references;
    int flags;            /* O_*, as F_GETFL gives them */
    struct sd_node *node; /* what the name led to when it was opened by one (fs.h), with a reference; NULL for
                           * pipes and their like */
    struct sd_epoll_item *watched; /* by these epoll sets (epoll.h) */
};

/* As many descriptors as there can ever be, and as many as there may be now (RLIMIT_NOFILE's hard and soft
 * limit): 1,024 at first. What is open beyond a limit set later stays open. */
#define SD_FD_MAX 65536
int sd_fd_limit(void);
void sd_fd_set_limit(int wanted);

/* For sd_file_put: nobody has the file any more. */
void sd_file_end(struct sd_file *file);

/* The table of descriptors: a file's address, and in the lowest bit whether exec would close it. */
#define SD_FD_CLOEXEC 1
extern char **sd_fd_slots;
extern unsigned sd_fd_room;

/* The file behind a descriptor, until the caller waits; NULL when there is none. */
static inline struct sd_file *sd_fd_find(int fd)
{
    if ((unsigned)fd >= sd_fd_room)
        return NULL;
    return (struct sd_file *)((uintptr_t)sd_fd_slots[fd] & ~(uintptr_t)SD_FD_CLOEXEC);
}

/* With a reference for the caller. */
struct sd_file *sd_fd_get(int fd) xen_must_check;
/* Gives the reference back; the last one closes the file. */
static inline void sd_file_put(struct sd_file *file)
{
    if (!--file->references)
        sd_file_end(file);
}

/*
 * The lowest free descriptor from `lowest` on, for a file whose reference it takes over. The descriptor;
 * -EINVAL for a `lowest` that no descriptor can be, -EMFILE when all are taken (with a limit of 0, for a
 * `lowest` of 0, too), -ENOMEM.
 */
int sd_fd_install(struct sd_file *file, int lowest, bool cloexec) xen_must_check;

/*
 * Keeps the lowest free descriptor for a file that is still to come, so that nothing is opened, truncated or
 * accepted for which there is none. The descriptor, -EMFILE, -ENOMEM. Until it is filled nobody can use it.
 */
int sd_fd_reserve(void) xen_must_check;
/* The reserved descriptor becomes that file, whose reference is taken over; NULL: it is free again. */
void sd_fd_fill(int fd, struct sd_file *file, bool cloexec);

/* This descriptor, closing what it was; the reference is taken over. `fd`, -EBADF when none can be that
 * number, -EBUSY when it is reserved, -ENOMEM. */
int sd_fd_replace(int fd, struct sd_file *file, bool cloexec) xen_must_check;

/* Another descriptor of the same open file, the lowest free one from `lowest` on; -EBADF, -EINVAL, -EMFILE,
 * -ENOMEM. */
long sd_fd_duplicate(int fd, long lowest, bool cloexec) xen_must_check;

/* The first descriptor from `fd` on that is in use; -1 when there is none. */
int sd_fd_next(int fd);

/* 0 or -EBADF. */
int sd_fd_close(int fd);

/* Whether it would be closed by exec: 0 or 1, -EBADF. */
int sd_fd_cloexec(int fd) xen_must_check;
int sd_fd_set_cloexec(int fd, bool cloexec) xen_must_check;

/* What descriptors 0, 1 and 2 are at the start. */
extern struct sd_file sd_console_file;

#endif
