/*
 * The table of descriptors. The first few are in the image, so that a program that opens nothing has no more.
 */
#include "file.h"

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>

#include "epoll.h"

/* The lowest bit of `file` says that exec would close it: so a full table is 512 KiB, which the heap has in
 * one piece. */
struct slot {
    char *file;
};
#define CLOEXEC 1

#define FIRST 8

/* No lock: nothing here waits, and the kernel is not preempted. */
static struct slot first[FIRST] = {
    {(char *)&sd_console_file}, {(char *)&sd_console_file}, {(char *)&sd_console_file}};
static struct slot *slots = first;
static int room = FIRST;
static int searched; /* all below are in use */
static int limit = 1024;

static struct sd_file *file_of(struct slot slot)
{
    return (void *)(slot.file - ((uintptr_t)slot.file & CLOEXEC));
}

static struct slot slot_with(struct sd_file *file, bool cloexec)
{
    return (struct slot){(char *)file + (cloexec ? CLOEXEC : 0)};
}

static struct slot *slot_of(int fd)
{
    return fd >= 0 && fd < room && slots[fd].file ? &slots[fd] : NULL;
}

int sd_fd_limit(void)
{
    return limit;
}

void sd_fd_set_limit(int wanted)
{
    limit = wanted;
}

/* Makes the table hold `fd`, which is below SD_FD_MAX. */
static int grow(int fd)
{
    struct slot *larger;
    int size = room;

    if (fd < room)
        return 0;
    while (size <= fd)
        size *= 2;
    larger = sd_calloc((size_t)size, sizeof(*larger));
    if (!larger)
        return -ENOMEM;
    memcpy(larger, slots, (size_t)room * sizeof(*larger));
    if (slots != first)
        sd_free(slots);
    slots = larger;
    room = size;
    return 0;
}

struct sd_file *sd_fd_get(int fd)
{
    struct slot *slot = slot_of(fd);
    struct sd_file *file;

    if (!slot)
        return NULL;
    file = file_of(*slot);
    file->references++;
    return file;
}

void sd_file_end(struct sd_file *file)
{
    if (file->watched && sd_epoll_forget)
        sd_epoll_forget(file);
    if (file->ops->close)
        file->ops->close(file);
}

int sd_fd_install(struct sd_file *file, int lowest, bool cloexec)
{
    int fd = lowest > searched ? lowest : searched;

    if (lowest < 0 || lowest >= limit)
        return -EINVAL;
    while (fd < room && slots[fd].file)
        fd++;
    if (lowest <= searched)
        searched = fd;
    if (fd >= limit)
        return -EMFILE;
    if (grow(fd))
        return -ENOMEM;
    slots[fd] = slot_with(file, cloexec);
    return fd;
}

int sd_fd_replace(int fd, struct sd_file *file, bool cloexec)
{
    struct slot old;

    if (fd < 0 || fd >= limit)
        return -EBADF;
    if (grow(fd))
        return -ENOMEM;
    old = slots[fd];
    slots[fd] = slot_with(file, cloexec);
    if (old.file)
        sd_file_put(file_of(old));
    return fd;
}

int sd_fd_next(int fd)
{
    while (fd < room && !slots[fd].file)
        fd++;
    return fd < room ? fd : -1;
}

int sd_fd_close(int fd)
{
    struct slot *slot = slot_of(fd);
    struct sd_file *file;

    if (!slot)
        return -EBADF;
    file = file_of(*slot);
    slot->file = NULL;
    if (fd < searched)
        searched = fd;
    sd_file_put(file);
    return 0;
}

int sd_fd_cloexec(int fd)
{
    const struct slot *slot = slot_of(fd);

    return slot ? (int)((uintptr_t)slot->file & CLOEXEC) : -EBADF;
}

int sd_fd_set_cloexec(int fd, bool cloexec)
{
    struct slot *slot = slot_of(fd);

    if (!slot)
        return -EBADF;
    *slot = slot_with(file_of(*slot), cloexec);
    return 0;
}
