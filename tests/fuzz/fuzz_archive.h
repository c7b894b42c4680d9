/* What the readers of archives have in common: entries are checked against the contract of fs/archive.h. */
#ifndef TESTS_FUZZ_ARCHIVE_H
#define TESTS_FUZZ_ARCHIVE_H

#include <fs/archive.h>

#include <stdlib.h>
#include <string.h>

struct fuzz_whole {
    const uint8_t *data;
    size_t bytes;
};

static inline bool fuzz_path_is_clean(const char *path)
{
    size_t length = strlen(path);

    if (length >= SD_ARCHIVE_PATH || path[0] == '/')
        return false;
    while (*path) {
        size_t word = strcspn(path, "/");

        if (!word || word > 255 || (word == 1 && path[0] == '.') ||
            (word == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += word + (path[word] == '/');
    }
    return true;
}

static inline const char *fuzz_check(void *arg, const struct sd_archive_entry *entry)
{
    const struct fuzz_whole *whole = arg;
    const uint8_t *data = (const uint8_t *)entry->data;

    if (!fuzz_path_is_clean(entry->path) || (entry->same && !fuzz_path_is_clean(entry->same)))
        abort();
    if (entry->target && (!entry->target[0] || strlen(entry->target) >= SD_ARCHIVE_PATH))
        abort();
    if (entry->bytes && (data < whole->data || entry->bytes > whole->bytes ||
                         data + entry->bytes > whole->data + whole->bytes))
        abort();
    return NULL;
}

/* In memory of exactly its size, so that what lies beside it is noticed. */
static inline void fuzz_archive(sd_archive_read *read, const uint8_t *data, size_t bytes)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);
    struct fuzz_whole whole = {copy, bytes};
    struct sd_archive_error error;

    if (!copy)
        abort();
    memcpy(copy, data, bytes);
    if (!read(copy, bytes, fuzz_check, &whole, &error) &&
        (!error.what || error.offset > bytes || strlen(error.entry) >= sizeof(error.entry)))
        abort();
    free(copy);
}

#endif
