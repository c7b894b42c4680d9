/* links: archive.c cpio.c tar.c */
#include <fs/archive.h>

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static char seen[1000]; /* what was handed on, entry for entry */

static const char *note(void *arg, const struct sd_archive_entry *entry)
{
    size_t at = strlen(seen);

    (void)arg;
    snprintf(seen + at, sizeof(seen) - at, "%s %o %.*s%s%s%s%s;", entry->path, entry->mode, (int)entry->bytes,
             entry->data ? entry->data : "", entry->target ? "->" : "", entry->target ? entry->target : "",
             entry->same ? "=" : "", entry->same ? entry->same : "");
    return NULL;
}

struct cpio {
    const char *name;
    unsigned mode;
    const char *data;
    long size;       /* what it says: -1 for the truth */
    long name_bytes; /* the same */
    const char *magic;
    unsigned check;
};

static size_t put_cpio(char *to, const struct cpio *entry)
{
    size_t bytes = strlen(entry->data), name = strlen(entry->name) + 1, at;

    at = (size_t)sprintf(to, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                         entry->magic ? entry->magic : "070701", 1, entry->mode, 0, 0, 1, 0,
                         (unsigned)(entry->size < 0 ? (long)bytes : entry->size), 0, 0, 0, 0,
                         (unsigned)(entry->name_bytes < 0 ? (long)name : entry->name_bytes), entry->check);
    memcpy(to + at, entry->name, name);
    for (at += name; at % 4; at++)
        to[at] = '\0';
    memcpy(to + at, entry->data, bytes);
    for (at += bytes; at % 4; at++)
        to[at] = '\0';
    return at;
}

static const struct cpio end = {"TRAILER!!!", 0, "", -1, -1, NULL, 0};

/* Reads in memory of exactly that size: what was wrong, NULL for nothing. */
static const char *read_exactly(sd_archive_read *read, const char *archive, size_t bytes,
                                struct sd_archive_error *error)
{
    char *copy = malloc(bytes + !bytes);

    if (!copy)
        exit(2);
    memcpy(copy, archive, bytes);
    seen[0] = '\0';
    if (read(copy, bytes, note, NULL, error))
        error->what = NULL;
    free(copy);
    return error->what;
}

TEST(cpio_entries_are_handed_on_or_refused)
{
    static const struct {
        struct cpio entry;
        const char *seen, *wrong;
    } cases[] = {
        {{"a", 0100644, "data", -1, -1, NULL, 0}, "a 100644 data;", NULL},
        {{"./a//b/./c", 0100644, "", -1, -1, NULL, 0}, "a/b/c 100644 ;", NULL},
        {{"/abs/", 040755, "", -1, -1, NULL, 0}, "abs 40755 ;", NULL},
        {{".", 040755, "", -1, -1, NULL, 0}, " 40755 ;", NULL},
        {{"l", 0120777, "to", -1, -1, NULL, 0}, "l 120777 ->to;", NULL},
        {{"s", 0100644, "abc", -1, -1, "070702", 294}, "s 100644 abc;", NULL},
        {{"s", 0100644, "abc", -1, -1, "070702", 293}, "", "checksum"},
        {{"a/../b", 0100644, "", -1, -1, NULL, 0}, "", "\"..\""},
        {{"..", 0100644, "", -1, -1, NULL, 0}, "", "\"..\""},
        {{"l", 0120777, "", -1, -1, NULL, 0}, "", "symbolic link"},
        {{"l", 0120777, "ab", 5000, -1, NULL, 0}, "", "cut off"},
        {{"a", 0100644, "data", 0xffffffff, -1, NULL, 0}, "", "cut off"},
        {{"a", 0100644, "data", 1000, -1, NULL, 0}, "", "cut off"},
        {{"a", 0100644, "data", -1, 0, NULL, 0}, "", "does not end"},
        {{"a", 0100644, "data", -1, 0xffffffff, NULL, 0}, "", "does not end"},
        {{"abc", 0100644, "data", -1, 3, NULL, 0}, "", "without an end"},
        {{"a", 0100644, "data", -1, -1, "070703", 0}, "", "no entry"},
        {{"a", 0100644, "data", -1, -1, "07070x", 0}, "", "no entry"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char archive[1000];
        size_t bytes = put_cpio(archive, &cases[i].entry);
        struct sd_archive_error error;
        const char *wrong;

        bytes += put_cpio(archive + bytes, &end);
        wrong = read_exactly(sd_cpio_read, archive, bytes, &error);
        TEST_CHECK(cases[i].wrong ? wrong && strstr(wrong, cases[i].wrong) : !wrong, "%zu: %s", i,
                   wrong ? wrong : "-");
        TEST_CHECK(!strcmp(seen, cases[i].seen), "%zu: %s", i, seen);
    }
}

TEST(cpio_cut_anywhere_is_refused)
{
    static const struct cpio one = {"a", 0100644, "data", -1, -1, NULL, 0},
                             two = {"b/c", 0100644, "x", -1, -1, NULL, 0};
    struct sd_archive_error error;
    char archive[1000];
    size_t bytes = put_cpio(archive, &one);

    bytes += put_cpio(archive + bytes, &two);
    bytes += put_cpio(archive + bytes, &end);
    TEST_CHECK(!read_exactly(sd_cpio_read, archive, bytes, &error) &&
               !strcmp(seen, "a 100644 data;b/c 100644 x;"));
    /* The three bytes of padding behind the end mark may lack. */
    for (size_t cut = 0; cut < bytes - 3; cut++)
        TEST_CHECK(read_exactly(sd_cpio_read, archive, cut, &error) != NULL && error.offset <= cut, "%zu",
                   cut);
    TEST_CHECK(!read_exactly(sd_cpio_read, archive, bytes - 3, &error));
}

static void put_tar(char block[512], const char *name, char type, const char *target, const char *size,
                    const char *magic)
{
    unsigned sum = 0;

    memset(block, 0, 512);
    strcpy(block, name);
    strcpy(block + 100, "0000644");
    strcpy(block + 108, "0000000");
    strcpy(block + 116, "0000000");
    memcpy(block + 124, size, strlen(size));
    strcpy(block + 136, "00000000000");
    memset(block + 148, ' ', 8);
    block[156] = type;
    strcpy(block + 157, target);
    memcpy(block + 257, magic, 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)block[i];
    sprintf(block + 148, "%06o", sum);
}

TEST(tar_entries_are_handed_on_or_refused)
{
    static const char pax_path[] = "20 path=much/longer\n", pax_size[] = "10 size=4\n",
                      pax_bad[] = "99 path=x\n";
    static const struct {
        char type; /* of a header before, 0 for none, and what it holds */
        const char *before, *name;
        char kind;
        const char *target, *size, *data, *seen, *wrong;
    } cases[] = {
        {0, "", "a", '0', "", "00000000004", "data", "a 100644 data;", NULL},
        {0, "", "./d/", '5', "", "00000000000", "", "d 40644 ;", NULL},
        {0, "", "l", '2', "to", "00000000000", "", "l 120644 ->to;", NULL},
        {0, "", "h", '1', "./a", "00000000000", "", "h 100644 =a;", NULL},
        {0, "", "h", '1', "../a", "00000000000", "", "", "\"..\""},
        {0, "", "../a", '0', "", "00000000000", "", "", "\"..\""},
        {0, "", "l", '2', "", "00000000000", "", "", "link to nothing"},
        {0, "", "a", '0', "", "77777777777", "data", "", "cut off"},
        {0, "", "a", '0', "", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "data", "",
         "size that is none"},
        {0, "", "a", '0', "", "0000000x000", "data", "", "size that is none"},
        {0, "", "a", 'S', "", "00000000000", "", "", "type"},
        {'x', pax_path, "a", '0', "", "00000000004", "data", "much/longer 100644 data;", NULL},
        {'x', pax_size, "a", '0', "", "00000000000", "data", "a 100644 data;", NULL},
        {'x', pax_bad, "a", '0', "", "00000000004", "data", "", "pax"},
        {'x', "x", "a", '0', "", "00000000004", "data", "", "pax"},
        {'L', "gnu/name", "a", '0', "", "00000000004", "data", "gnu/name 100644 data;", NULL},
        {'K', "gnu/target", "l", '2', "x", "00000000000", "", "l 120644 ->gnu/target;", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static char archive[512 * 8];
        struct sd_archive_error error;
        char size[16], *at = archive;
        const char *wrong;

        memset(archive, 0, sizeof(archive));
        if (cases[i].type) {
            sprintf(size, "%011zo", strlen(cases[i].before));
            put_tar(at, "header", cases[i].type, "", size,
                    "ustar\0"
                    "00");
            strcpy(at + 512, cases[i].before);
            at += 1024;
        }
        put_tar(at, cases[i].name, cases[i].kind, cases[i].target, cases[i].size,
                "ustar\0"
                "00");
        strcpy(at + 512, cases[i].data);
        wrong = read_exactly(sd_tar_read, archive, sizeof(archive), &error);
        TEST_CHECK(cases[i].wrong ? wrong && strstr(wrong, cases[i].wrong) : !wrong, "%zu: %s", i,
                   wrong ? wrong : "-");
        TEST_CHECK(!strcmp(seen, cases[i].seen), "%zu: %s", i, seen);
    }
}

TEST(tar_with_a_wrong_checksum_or_cut_is_refused)
{
    static char archive[512 * 4];
    struct sd_archive_error error;

    put_tar(archive, "name", '0', "", "00000000004",
            "ustar\0"
            "00");
    strcpy(archive + 512, "data");
    TEST_CHECK(!read_exactly(sd_tar_read, archive, sizeof(archive), &error));
    for (size_t cut = 0; cut < 1024 + 512; cut += 7)
        TEST_CHECK(read_exactly(sd_tar_read, archive, cut, &error) != NULL, "%zu", cut);
    archive[0] = 'N';
    TEST_CHECK(strstr(read_exactly(sd_tar_read, archive, sizeof(archive), &error), "checksum") &&
               !strcmp(error.entry, "Name"));
}

TEST(kind_of_an_archive_is_told_by_its_beginning)
{
    static const char *const others[] = {"\x1f\x8b", "\xfd\067zXZ", "\x28\xb5\x2f\xfd", "BZh9", "070707",
                                         "",         "hello"};
    static char tar[512];
    const char *what;

    put_tar(tar, "a", '0', "", "0", "ustar  ");
    TEST_CHECK(sd_archive_kind("070701", 6, &what) == sd_cpio_read &&
               sd_archive_kind("070702", 6, &what) == sd_cpio_read);
    TEST_CHECK(sd_archive_kind(tar, 512, &what) == sd_tar_read && !sd_archive_kind(tar, 260, &what));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        what = NULL;
        TEST_CHECK(!sd_archive_kind(others[i], strlen(others[i]), &what) && what, "%zu", i);
    }
}

int main(void)
{
    return tap_run();
}
