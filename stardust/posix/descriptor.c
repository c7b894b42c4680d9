/*
 * The table of descriptors. The first few are in the image, so that a program that opens nothing has no more.
 */
#include "file.h"

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>

#include "epoll.h"

#define FIRST 8

/* No lock: nothing here waits, and the kernel is not preempted. */
static char *first[FIRST] = {(char *)&sd_console_file, (char *)&sd_console_file, (char *)&sd_console_file};
char **sd_fd_slots = first; /* a pointer each: so a full table is 512 KiB, which the heap has in one piece */
unsigned sd_fd_room = FIRST;
static int searched; /* all below are in use */
static int limit = 1024;

#define RESERVED ((char *)SD_FD_CLOEXEC) /* no file, but in use */

static char *slot_with(struct sd_file *file, bool cloexec)
{
    /* By number: it may be NULL, to which nothing can be added. */
    return (char *)((uintptr_t)file + (cloexec ? SD_FD_CLOEXEC : 0));
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
    unsigned size = sd_fd_room;
    char **larger;

    if ((unsigned)fd < size)
        return 0;
    while (size <= (unsigned)fd)
        size *= 2;
    larger = sd_calloc(size, sizeof(*larger));
    if (!larger)
        return -ENOMEM;
    memcpy(larger, sd_fd_slots, sd_fd_room * sizeof(*larger));
    if (sd_fd_slots != first)
        sd_free(sd_fd_slots);
    sd_fd_slots = larger;
    sd_fd_room = size;
    return 0;
}

struct sd_file *sd_fd_get(int fd)
{
    struct sd_file *file = sd_fd_find(fd);

    if (file)
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

    /* Who asks for any has not asked for an impossible one, though the limit be 0. */
    if (lowest < 0 || lowest >= limit)
        return lowest ? -EINVAL : -EMFILE;
    while ((unsigned)fd < sd_fd_room && sd_fd_slots[fd])
        fd++;
    if (lowest <= searched)
        searched = fd;
    if (fd >= limit)
        return -EMFILE;
    if (grow(fd))
        return -ENOMEM;
    sd_fd_slots[fd] = slot_with(file, cloexec);
    return fd;
}

int sd_fd_reserve(void)
{
    return sd_fd_install(NULL, 0, true); /* RESERVED */
}

void sd_fd_fill(int fd, struct sd_file *file, bool cloexec)
{
    sd_fd_slots[fd] = file ? slot_with(file, cloexec) : NULL;
    if (!file && fd < searched)
        searched = fd;
}

int sd_fd_replace(int fd, struct sd_file *file, bool cloexec)
{
    struct sd_file *old;

    if (fd < 0 || fd >= limit)
        return -EBADF;
    if (grow(fd))
        return -ENOMEM;
    if (sd_fd_slots[fd] == RESERVED)
        return -EBUSY;
    old = sd_fd_find(fd);
    sd_fd_slots[fd] = slot_with(file, cloexec);
    if (old)
        sd_file_put(old);
    return fd;
}

int sd_fd_next(int fd)
{
    while ((unsigned)fd < sd_fd_room && !sd_fd_find(fd))
        fd++;
    return (unsigned)fd < sd_fd_room ? fd : -1;
}

int sd_fd_close(int fd)
{
    struct sd_file *file = sd_fd_find(fd);

    if (!file)
        return -EBADF;
    sd_fd_slots[fd] = NULL;
    if (fd < searched)
        searched = fd;
    sd_file_put(file);
    return 0;
}

int sd_fd_cloexec(int fd)
{
    return sd_fd_find(fd) ? (int)((uintptr_t)sd_fd_slots[fd] & SD_FD_CLOEXEC) : -EBADF;
}

int sd_fd_set_cloexec(int fd, bool cloexec)
{
    struct sd_file *file = sd_fd_find(fd);

    if (!file)
        return -EBADF;
    sd_fd_slots[fd] = slot_with(file, cloexec);
    return 0;
}
