#include "archive.h"

#include <string.h>

#define BLOCK   512
#define PAX_MAX (1u << 20) /* longest header of pax or GNU that is taken */

/* Where a header's fields are, and how long. */
enum {
    NAME = 0,
    MODE = 100,
    USER = 108,
    GROUP = 116,
    SIZE = 124,
    MODIFIED = 136,
    SUM = 148,
    TYPE = 156,
    TARGET = 157,
    MAGIC = 257,
    MAJOR = 329,
    MINOR = 337,
    PREFIX = 345
};

#define NAME_BYTES   100
#define PREFIX_BYTES 155

struct reader {
    const unsigned char *archive;
    size_t bytes;
    sd_archive_each *each;
    void *arg;
    /* What headers before an entry say of it. */
    const char *long_name, *long_target;
    size_t long_name_bytes, long_target_bytes;
    bool has_size;
    uint64_t size;
    char path[SD_ARCHIVE_PATH], target[SD_ARCHIVE_PATH];
};

static size_t length_of(const unsigned char *field, size_t most)
{
    const unsigned char *end = memchr(field, 0, most);

    return end ? (size_t)(end - field) : most;
}

/* Octal, or GNU's binary with the highest bit set. False when it is neither. */
static bool parse_number(const unsigned char *field, size_t digits, uint64_t *value)
{
    size_t i = 0;

    *value = 0;
    if (field[0] & 0x80) {
        for (i = 1; i < digits; i++) {
            if (*value >> 54)
                return false;
            *value = *value << 8 | field[i];
        }
        return field[0] == 0x80;
    }
    while (i < digits && field[i] == ' ')
        i++;
    for (; i < digits && field[i] >= '0' && field[i] <= '7'; i++)
        *value = *value << 3 | (field[i] - '0');
    return i == digits || field[i] == ' ' || !field[i];
}

static bool sum_is_right(const unsigned char *header)
{
    uint64_t wanted, sum = 0;

    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= SUM && i < SUM + 8 ? ' ' : header[i];
    return parse_number(header + SUM, 8, &wanted) && sum == wanted;
}

static bool is_zero(const unsigned char *block)
{
    for (size_t i = 0; i < BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

static bool parse_decimal(const char *text, size_t bytes, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9' || *value > UINT64_MAX / 16)
            return false;
        *value = *value * 10 + (uint64_t)(text[i] - '0');
    }
    return bytes > 0;
}

static bool is_key(const char *text, size_t bytes, const char *key)
{
    return bytes == strlen(key) && !memcmp(text, key, bytes);
}

/* One record of a pax header: KEY=VALUE. */
static const char *take_record(struct reader *reader, const char *key, size_t key_bytes, const char *value,
                               size_t bytes)
{
    if (is_key(key, key_bytes, "path")) {
        reader->long_name = value;
        reader->long_name_bytes = bytes;
    } else if (is_key(key, key_bytes, "linkpath")) {
        reader->long_target = value;
        reader->long_target_bytes = bytes;
    } else if (is_key(key, key_bytes, "size")) {
        reader->has_size = true;
        if (!parse_decimal(value, bytes, &reader->size))
            return "has a size that is none";
    } else if (key_bytes > 11 && !memcmp(key, "GNU.sparse.", 11)) {
        return "is a sparse file of GNU tar, which is not taken: make the archive without --sparse";
    }
    return NULL;
}

/* Records of pax: "LENGTH KEY=VALUE\n", LENGTH counting all of it. */
static const char *take_pax(struct reader *reader, const char *text, size_t bytes)
{
    static const char broken[] = "has a pax header that is broken";

    while (bytes) {
        const char *blank = memchr(text, ' ', bytes < 20 ? bytes : 20), *key, *equals, *wrong;
        uint64_t length;

        if (!blank || !parse_decimal(text, (size_t)(blank - text), &length))
            return broken;
        key = blank + 1;
        if (length > bytes || length < (size_t)(key - text) + 1 || text[length - 1] != '\n')
            return broken;
        equals = memchr(key, '=', (size_t)(text + length - key));
        if (!equals)
            return broken;
        wrong = take_record(reader, key, (size_t)(equals - key), equals + 1,
                            (size_t)(text + length - 1 - (equals + 1)));
        if (wrong)
            return wrong;
        text += length;
        bytes -= length;
    }
    return NULL;
}

static const char *entry_path(struct reader *reader, const unsigned char *header)
{
    char joined[PREFIX_BYTES + 1 + NAME_BYTES];
    size_t prefix = 0, name = length_of(header + NAME, NAME_BYTES);

    if (reader->long_name)
        return sd_archive_path(reader->long_name, reader->long_name_bytes, reader->path);
    /* GNU's own format has other fields there: its magic goes on with a blank. */
    if (header[MAGIC + 5] == '\0')
        prefix = length_of(header + PREFIX, PREFIX_BYTES);
    memcpy(joined, header + PREFIX, prefix);
    if (prefix)
        joined[prefix++] = '/';
    memcpy(joined + prefix, header + NAME, name);
    return sd_archive_path(joined, prefix + name, reader->path);
}

/* The text of a link, as it is. */
static const char *link_text(struct reader *reader, const unsigned char *header, const char **text,
                             size_t *bytes)
{
    *text = reader->long_target ? reader->long_target : (const char *)header + TARGET;
    *bytes = reader->long_target ? reader->long_target_bytes : length_of(header + TARGET, NAME_BYTES);
    return *bytes && *bytes < SD_ARCHIVE_PATH && !memchr(*text, 0, *bytes)
               ? NULL
               : "is a link to nothing that could be";
}

static const char *set_type(struct reader *reader, const unsigned char *header,
                            struct sd_archive_entry *entry)
{
    static const struct {
        char type;
        uint32_t mode;
    } types[] = {{'0', 0100000}, {'\0', 0100000}, {'7', 0100000}, {'1', 0100000}, {'2', 0120000},
                 {'3', 0020000}, {'4', 0060000},  {'5', 0040000}, {'6', 0010000}};
    const char *text, *wrong;
    size_t i = 0, bytes;

    while (i < sizeof(types) / sizeof(types[0]) && types[i].type != (char)header[TYPE])
        i++;
    if (i == sizeof(types) / sizeof(types[0]))
        return "is of a type that is not taken";
    entry->mode |= types[i].mode;
    if (header[TYPE] != '1' && header[TYPE] != '2')
        return NULL;
    wrong = link_text(reader, header, &text, &bytes);
    if (wrong)
        return wrong;
    if (header[TYPE] == '1') {
        entry->same = reader->target;
        return sd_archive_path(text, bytes, reader->target);
    }
    memcpy(reader->target, text, bytes);
    reader->target[bytes] = '\0';
    entry->target = reader->target;
    return NULL;
}

static const char *hand_on(struct reader *reader, const unsigned char *header, const unsigned char *data,
                           uint64_t bytes)
{
    uint64_t mode, user, group, modified, major = 0, minor = 0;
    struct sd_archive_entry entry = {.path = reader->path, .links = 1};
    const char *wrong = entry_path(reader, header);

    if (!wrong &&
        (!parse_number(header + MODE, 8, &mode) || !parse_number(header + USER, 8, &user) ||
         !parse_number(header + GROUP, 8, &group) || !parse_number(header + MODIFIED, 12, &modified)))
        wrong = "has a number that is none";
    if (wrong)
        return wrong;
    if (!parse_number(header + MAJOR, 8, &major) || !parse_number(header + MINOR, 8, &minor))
        major = minor = 0;
    entry.mode = (uint32_t)mode & 07777;
    entry.user = (uint32_t)user;
    entry.group = (uint32_t)group;
    entry.modified = (int64_t)modified;
    entry.major = (uint32_t)major;
    entry.minor = (uint32_t)minor;
    wrong = set_type(reader, header, &entry);
    if (wrong)
        return wrong;
    if ((entry.mode & 0170000) == 0100000 && !entry.same && bytes) {
        entry.data = (const char *)data;
        entry.bytes = (size_t)bytes;
    }
    return reader->each(reader->arg, &entry);
}

static void forget_headers(struct reader *reader)
{
    reader->long_name = reader->long_target = NULL;
    reader->has_size = false;
}

/* A header that speaks of the next entry, or that entry itself. */
static const char *take(struct reader *reader, const unsigned char *header, const unsigned char *data,
                        uint64_t bytes)
{
    const char *text = (const char *)data, *wrong;

    if (strchr("xgLK", header[TYPE] ? header[TYPE] : '0') && bytes > PAX_MAX)
        return "has a header that is too long";
    switch (header[TYPE]) {
    case 'g': /* of all entries that follow; what it may say does not matter here */
        return NULL;
    case 'x':
        return take_pax(reader, text, (size_t)bytes);
    case 'L':
        reader->long_name = text;
        reader->long_name_bytes = bytes ? length_of(data, (size_t)bytes) : 0;
        return NULL;
    case 'K':
        reader->long_target = text;
        reader->long_target_bytes = bytes ? length_of(data, (size_t)bytes) : 0;
        return NULL;
    default:
        wrong = hand_on(reader, header, data, bytes);
        forget_headers(reader);
        return wrong;
    }
}

bool sd_tar_read(const void *archive, size_t bytes, sd_archive_each *each, void *arg,
                 struct sd_archive_error *error)
{
    static struct reader reader; /* too large for a stack; one at a time */
    size_t at = 0;

    reader.archive = archive;
    reader.each = each;
    reader.arg = arg;
    forget_headers(&reader);
    error->what = NULL;
    while (bytes - at >= BLOCK && !is_zero(reader.archive + at)) {
        const unsigned char *header = reader.archive + at;
        const char *name = (const char *)header, *wrong = NULL;
        uint64_t size, blocks;

        if (!sum_is_right(header))
            return sd_archive_fail(error, "does not have the checksum that it says", at, name, NAME_BYTES);
        if (!parse_number(header + SIZE, 12, &size))
            return sd_archive_fail(error, "has a size that is none", at, name, NAME_BYTES);
        if (reader.has_size && !strchr("xgLK", header[TYPE] ? header[TYPE] : '0'))
            size = reader.size;
        /* Of links, directories and devices there is no contents, whatever the size says. */
        if (header[TYPE] >= '1' && header[TYPE] <= '6')
            size = 0;
        if (size > bytes - at - BLOCK)
            return sd_archive_fail(error, "is cut off", at, name, NAME_BYTES);
        wrong = take(&reader, header, header + BLOCK, size);
        if (wrong)
            return sd_archive_fail(error, wrong, at, name, NAME_BYTES);
        blocks = (size + BLOCK - 1) / BLOCK * BLOCK;
        at += BLOCK + (blocks < bytes - at - BLOCK ? (size_t)blocks : bytes - at - BLOCK);
    }
    if (bytes - at < BLOCK)
        return sd_archive_fail(error, "is cut off: its end mark is not there", at, "", 0);
    return true;
}
