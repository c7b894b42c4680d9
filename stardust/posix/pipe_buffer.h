/*
 * The bytes in a pipe: a ring of pages that are there only while something is in them. No locks; thread
 * context.
 */
#ifndef STARDUST_POSIX_PIPE_BUFFER_H
#define STARDUST_POSIX_PIPE_BUFFER_H

#include <xenlib/types.h>

struct sd_pipe_buffer {
    char **pages; /* `slots` of them; NULL where nothing is */
    size_t slots;
    size_t start, count; /* bytes; start is below the capacity */
};

/* An empty one for `bytes`, a multiple of the page size above 0. 0 or -ENOMEM. */
int sd_pipe_buffer_init(struct sd_pipe_buffer *buffer, size_t bytes) xen_must_check;
void sd_pipe_buffer_free(struct sd_pipe_buffer *buffer);

/* Another capacity with the same contents. 0, -EBUSY when they do not fit, -ENOMEM. */
int sd_pipe_buffer_resize(struct sd_pipe_buffer *buffer, size_t bytes) xen_must_check;

static inline size_t sd_pipe_buffer_capacity(const struct sd_pipe_buffer *buffer)
{
    return buffer->slots * XEN_PAGE_SIZE;
}

/*
 * Where the next bytes go, and where the oldest are: *bytes in one piece, cut to what is there. NULL when
 * full or out of memory, or empty. Then `filled` and `emptied` say how many were used.
 */
char *sd_pipe_buffer_room(struct sd_pipe_buffer *buffer, size_t *bytes);
void sd_pipe_buffer_filled(struct sd_pipe_buffer *buffer, size_t bytes);
const char *sd_pipe_buffer_data(const struct sd_pipe_buffer *buffer, size_t *bytes);
void sd_pipe_buffer_emptied(struct sd_pipe_buffer *buffer, size_t bytes);

#endif
