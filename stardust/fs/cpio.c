#include "archive.h"

#include <string.h>

#define HEADER 110
#define FIELDS 13
#define TYPE   0170000u
#define LINK   0120000u
#define FILE_  0100000u

enum {
    INODE,
    MODE,
    USER,
    GROUP,
    LINKS,
    MODIFIED,
    BYTES,
    MAJOR,
    MINOR,
    DEVICE_MAJOR,
    DEVICE_MINOR,
    NAME,
    CHECK
};

struct reader {
    const unsigned char *archive;
    size_t bytes;
    sd_archive_each *each;
    void *arg;
    struct sd_archive_error *error;
    bool ended; /* the last entry was the one that says so */
    unsigned volume;
    uint32_t field[FIELDS];
    char path[SD_ARCHIVE_PATH], target[SD_ARCHIVE_PATH];
};

static bool parse_hex(const unsigned char *digits, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        unsigned c = digits[i], digit = c - '0';

        if (digit > 9)
            digit = (c | 32) - 'a' <= 5 ? (c | 32) - 'a' + 10 : 16;
        if (digit > 15)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static size_t padded(size_t bytes)
{
    return (bytes + 3) & ~(size_t)3;
}

static bool sum_is_right(const unsigned char *data, size_t bytes, uint32_t wanted)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < bytes; i++)
        sum += data[i];
    return sum == wanted;
}

/* NULL, or what is wrong. */
static const char *hand_on(struct reader *reader, const char *name, const unsigned char *data)
{
    const uint32_t *field = reader->field;
    uint32_t type = field[MODE] & TYPE;
    struct sd_archive_entry entry = {
        .path = reader->path,
        .mode = field[MODE],
        .user = field[USER],
        .group = field[GROUP],
        .links = field[LINKS],
        .inode = field[INODE],
        .volume = reader->volume,
        .device = (uint64_t)field[MAJOR] << 32 | field[MINOR],
        .major = field[DEVICE_MAJOR],
        .minor = field[DEVICE_MINOR],
        .modified = field[MODIFIED],
    };
    const char *wrong = sd_archive_path(name, field[NAME] - 1, reader->path);

    if (wrong)
        return wrong;
    if (type == LINK) {
        if (!field[BYTES] || field[BYTES] >= SD_ARCHIVE_PATH || memchr(data, 0, field[BYTES]))
            return "is a symbolic link to nothing that could be";
        memcpy(reader->target, data, field[BYTES]);
        reader->target[field[BYTES]] = '\0';
        entry.target = reader->target;
    } else if (type == FILE_) {
        entry.data = (const char *)data;
        entry.bytes = field[BYTES];
    }
    return reader->each(reader->arg, &entry);
}

/* The entry at *at, and on behind it. */
static bool read_entry(struct reader *reader, size_t *at)
{
    const unsigned char *header = reader->archive + *at;
    size_t left = reader->bytes - *at, data;
    const char *name = (const char *)header + HEADER, *wrong = NULL;
    const unsigned char *contents;
    uint32_t *field = reader->field;

    if (left < HEADER)
        return sd_archive_fail(reader->error, "is cut off", *at, "", 0);
    if (memcmp(header, "07070", 5) != 0 || (header[5] != '1' && header[5] != '2'))
        return sd_archive_fail(reader->error, "is no entry of a cpio archive", *at, "", 0);
    for (int i = 0; i < FIELDS; i++)
        if (!parse_hex(header + 6 + 8 * (size_t)i, &field[i]))
            return sd_archive_fail(reader->error, "has a number that is none", *at, "", 0);
    if (!field[NAME] || field[NAME] > left - HEADER)
        return sd_archive_fail(reader->error, "has a name that does not end in the archive", *at, "", 0);
    if (name[field[NAME] - 1])
        return sd_archive_fail(reader->error, "has a name without an end", *at, name, field[NAME]);
    data = padded(HEADER + field[NAME]); /* may lie behind the end for a last entry without data */
    if (field[BYTES] && (data > left || field[BYTES] > left - data))
        return sd_archive_fail(reader->error, "is cut off", *at, name, field[NAME]);
    if (field[NAME] == sizeof("TRAILER!!!") && !memcmp(name, "TRAILER!!!", sizeof("TRAILER!!!"))) {
        *at += data < left ? data : left;
        reader->ended = true;
        reader->volume++;
        return true;
    }
    reader->ended = false;
    contents = field[BYTES] ? header + data : NULL;
    if (header[5] == '2' && (field[MODE] & TYPE) == FILE_ &&
        !sum_is_right(contents, field[BYTES], field[CHECK]))
        wrong = "does not have the checksum that it says";
    if (!wrong)
        wrong = hand_on(reader, name, contents);
    if (wrong)
        return sd_archive_fail(reader->error, wrong, *at, name, field[NAME]);
    data += padded(field[BYTES]);
    *at += data < left ? data : left;
    return true;
}

bool sd_cpio_read(const void *archive, size_t bytes, sd_archive_each *each, void *arg,
                  struct sd_archive_error *error)
{
    static struct reader reader; /* too large for a stack; one at a time */
    size_t at = 0;

    reader.archive = archive;
    reader.bytes = bytes;
    reader.each = each;
    reader.arg = arg;
    reader.error = error;
    reader.ended = false;
    reader.volume = 0;
    error->what = NULL;
    while (at < bytes) {
        /* Zeros fill up between archives, and to a block's end. */
        if (!reader.archive[at])
            at++;
        else if (!read_entry(&reader, &at))
            return false;
    }
    if (!reader.ended)
        return sd_archive_fail(error, "is cut off: its end mark is not there", at, "", 0);
    return true;
}
