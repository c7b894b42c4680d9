#include "pipe_buffer.h"

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>

#include "vm_pages.h"

int sd_pipe_buffer_init(struct sd_pipe_buffer *buffer, size_t bytes)
{
    *buffer = (struct sd_pipe_buffer){.slots = bytes / XEN_PAGE_SIZE};
    buffer->pages = sd_calloc(buffer->slots, sizeof(*buffer->pages));
    return buffer->pages ? 0 : -ENOMEM;
}

void sd_pipe_buffer_free(struct sd_pipe_buffer *buffer)
{
    for (size_t i = 0; i < buffer->slots; i++)
        if (buffer->pages[i])
            sd_page_free(buffer->pages[i], 0);
    sd_free(buffer->pages);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

char *sd_pipe_buffer_room(struct sd_pipe_buffer *buffer, size_t *bytes)
{
    size_t capacity = sd_pipe_buffer_capacity(buffer), room = capacity - buffer->count;
    size_t at = (buffer->start + buffer->count) % capacity, in_page = at % XEN_PAGE_SIZE;
    char **page = &buffer->pages[at / XEN_PAGE_SIZE];

    *bytes = least(least(*bytes, room), XEN_PAGE_SIZE - in_page);
    if (!*bytes)
        return NULL;
    if (!*page && sd_vm_has(1))
        *page = sd_page_alloc(0);
    return *page ? *page + in_page : NULL;
}

void sd_pipe_buffer_filled(struct sd_pipe_buffer *buffer, size_t bytes)
{
    buffer->count += bytes;
}

const char *sd_pipe_buffer_data(const struct sd_pipe_buffer *buffer, size_t *bytes)
{
    size_t in_page = buffer->start % XEN_PAGE_SIZE;

    *bytes = least(least(*bytes, buffer->count), XEN_PAGE_SIZE - in_page);
    return *bytes ? buffer->pages[buffer->start / XEN_PAGE_SIZE] + in_page : NULL;
}

void sd_pipe_buffer_emptied(struct sd_pipe_buffer *buffer, size_t bytes)
{
    size_t slot = buffer->start / XEN_PAGE_SIZE;

    if (!bytes)
        return;
    buffer->start += bytes;
    buffer->count -= bytes;
    /* What is written and read in turn stays in one page. */
    if (!buffer->count) {
        buffer->start = slot * XEN_PAGE_SIZE;
        return;
    }
    if (buffer->start % XEN_PAGE_SIZE)
        return;
    buffer->start %= sd_pipe_buffer_capacity(buffer);
    /* A full ring's end is in the page of its start. */
    if (buffer->count <= sd_pipe_buffer_capacity(buffer) - XEN_PAGE_SIZE) {
        sd_page_free(buffer->pages[slot], 0);
        buffer->pages[slot] = NULL;
    }
}

/* Moves all that is in one to another, which has room. On failure, which takes no byte, the other is freed.
 */
static int move(struct sd_pipe_buffer *to, struct sd_pipe_buffer *from)
{
    struct sd_pipe_buffer left = *from;
    size_t capacity = sd_pipe_buffer_capacity(from);

    while (left.count) {
        size_t bytes = left.count, room;
        const char *data = sd_pipe_buffer_data(&left, &bytes);
        char *place;

        room = bytes;
        place = sd_pipe_buffer_room(to, &room);
        if (!place)
            return -ENOMEM;
        memcpy(place, data, room);
        sd_pipe_buffer_filled(to, room);
        left.start = (left.start + room) % capacity;
        left.count -= room;
    }
    return 0;
}

int sd_pipe_buffer_resize(struct sd_pipe_buffer *buffer, size_t bytes)
{
    struct sd_pipe_buffer other;
    int error;

    if (bytes < buffer->count)
        return -EBUSY;
    error = sd_pipe_buffer_init(&other, bytes);
    if (error)
        return error;
    error = move(&other, buffer);
    if (error) {
        sd_pipe_buffer_free(&other);
        return error;
    }
    sd_pipe_buffer_free(buffer);
    *buffer = other;
    return 0;
}
