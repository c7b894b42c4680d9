/*
 * The table of descriptors. The first few are in the image, so that a program that opens nothing has no more.
 */
#include "file.h"

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>

struct slot {
    struct sd_file *file;
    bool cloexec;
};

#define FIRST 8

/* No lock: nothing here waits, and the kernel is not preempted. */
static struct slot first[FIRST] = {
    {.file = &sd_console_file}, {.file = &sd_console_file}, {.file = &sd_console_file}};
static struct slot *slots = first;
static int room = FIRST;

static struct slot *slot_of(int fd)
{
    return fd >= 0 && fd < room && slots[fd].file ? &slots[fd] : NULL;
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
    const struct slot *slot = slot_of(fd);

    if (!slot)
        return NULL;
    slot->file->references++;
    return slot->file;
}

void sd_file_put(struct sd_file *file)
{
    if (!--file->references && file->ops->close)
        file->ops->close(file);
}

int sd_fd_install(struct sd_file *file, int lowest, bool cloexec)
{
    int fd = lowest;

    if (lowest < 0 || lowest >= SD_FD_MAX)
        return -EINVAL;
    while (fd < room && slots[fd].file)
        fd++;
    if (fd == SD_FD_MAX)
        return -EMFILE;
    if (grow(fd))
        return -ENOMEM;
    slots[fd] = (struct slot){file, cloexec};
    return fd;
}

int sd_fd_replace(int fd, struct sd_file *file, bool cloexec)
{
    struct sd_file *old;

    if (fd < 0 || fd >= SD_FD_MAX)
        return -EBADF;
    if (grow(fd))
        return -ENOMEM;
    old = slots[fd].file;
    slots[fd] = (struct slot){file, cloexec};
    if (old)
        sd_file_put(old);
    return fd;
}

int sd_fd_close(int fd)
{
    struct slot *slot = slot_of(fd);
    struct sd_file *file;

    if (!slot)
        return -EBADF;
    file = slot->file;
    slot->file = NULL;
    sd_file_put(file);
    return 0;
}

int sd_fd_cloexec(int fd)
{
    const struct slot *slot = slot_of(fd);

    return slot ? slot->cloexec : -EBADF;
}

int sd_fd_set_cloexec(int fd, bool cloexec)
{
    struct slot *slot = slot_of(fd);

    if (!slot)
        return -EBADF;
    slot->cloexec = cloexec;
    return 0;
}
