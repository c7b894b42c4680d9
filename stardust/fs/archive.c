#include "archive.h"

#include <string.h>

#define WORD_MAX 255

bool sd_archive_fail(struct sd_archive_error *error, const char *what, size_t offset, const char *name,
                     size_t length)
{
    size_t i;

    error->what = what;
    error->offset = offset;
    for (i = 0; i < length && i < sizeof(error->entry) - 1 && name[i]; i++)
        error->entry[i] = name[i] >= ' ' && name[i] < 127 ? name[i] : '?';
    error->entry[i] = '\0';
    return false;
}

const char *sd_archive_path(const char *name, size_t length, char path[SD_ARCHIVE_PATH])
{
    size_t to = 0, at = 0;

    while (at < length) {
        const char *slash = memchr(name + at, '/', length - at);
        size_t word = slash ? (size_t)(slash - (name + at)) : length - at;
        const char *from = name + at;

        at += word + 1;
        if (!word || (word == 1 && from[0] == '.'))
            continue;
        if (word == 2 && from[0] == '.' && from[1] == '.')
            return "has \"..\" in its name";
        if (word > WORD_MAX || to + word + 2 > SD_ARCHIVE_PATH)
            return "has a name that is too long";
        if (memchr(from, 0, word))
            return "has a zero byte in its name";
        if (to)
            path[to++] = '/';
        memcpy(path + to, from, word);
        to += word;
    }
    path[to] = '\0';
    return NULL;
}

static bool begins(const unsigned char *archive, size_t bytes, size_t offset, const char *with)
{
    size_t length = strlen(with);

    return bytes >= offset + length && !memcmp(archive + offset, with, length);
}

sd_archive_read *sd_archive_kind(const void *archive, size_t bytes, const char **what)
{
    static const struct {
        const char *magic, *what;
    } others[] = {
        {"\x1f\x8b", "is compressed with gzip, which is not taken: gunzip it first"},
        {"\xfd"
         "7zXZ",
         "is compressed with xz, which is not taken: unxz it first"},
        {"\x28\xb5\x2f\xfd", "is compressed with zstd, which is not taken: unzstd it first"},
        {"BZh", "is compressed with bzip2, which is not taken: bunzip2 it first"},
        {"070707", "is a cpio archive of the old format: make it with cpio -H newc"},
        {"\xc7\x71", "is a cpio archive of the binary format: make it with cpio -H newc"},
    };

    if (begins(archive, bytes, 0, "070701") || begins(archive, bytes, 0, "070702"))
        return sd_cpio_read;
    if (begins(archive, bytes, 257, "ustar"))
        return sd_tar_read;
    *what = "is neither a cpio archive (-H newc) nor a tar archive";
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (begins(archive, bytes, 0, others[i].magic))
            *what = others[i].what;
    return NULL;
}
