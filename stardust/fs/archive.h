/*
 * Archives: cpio ("newc", 070701, and 070702 with checksums; several one after the other, padding between)
 * and tar (POSIX ustar, with pax's and GNU's long names). Pure functions over memory that may hold anything:
 * nothing outside of it is read, whatever it says.
 *
 * cpio: the Linux kernel's Documentation/driver-api/early-userspace/buffer-format.rst; tar: POSIX.1-2017,
 * pax, "ustar Interchange Format", and the GNU tar manual, "Basic Tar Format".
 */
#ifndef STARDUST_FS_ARCHIVE_H
#define STARDUST_FS_ARCHIVE_H

#include <xenlib/types.h>

#define SD_ARCHIVE_PATH 4096 /* longest path and link target, with the end */

struct sd_archive_entry {
    const char *path;   /* terminated; no leading "/", no "." nor ".." in it; empty for the root itself */
    const char *target; /* of symbolic links, terminated; NULL otherwise */
    const char *same;   /* tar: the path of an entry before, that this is another name of; NULL otherwise */
    const char *data;   /* regular files: the contents, in the archive's memory */
    size_t bytes;
    uint32_t mode, user, group; /* mode: with the type */
    uint32_t links; /* cpio: above 1, entries with the same inode, device and volume are one file */
    uint64_t inode, device;
    unsigned volume;       /* which of the archives that stand one behind the other */
    uint32_t major, minor; /* of device nodes */
    int64_t modified;      /* seconds since 1970 */
};

/* What is wrong, and where. */
struct sd_archive_error {
    const char *what; /* a part of a sentence, as in "is cut off"; NULL when all is well */
    size_t offset;    /* of the entry */
    char entry[80];   /* its name as far as it fits, printable; empty when it has none */
};

/* Called for each entry in turn; not NULL: what is wrong with it, and the end. What `entry` points to lives
 * for the call; `data` as long as the archive. */
typedef const char *sd_archive_each(void *arg, const struct sd_archive_entry *entry);

/* True when all went well. Thread context. */
bool sd_cpio_read(const void *archive, size_t bytes, sd_archive_each *each, void *arg,
                  struct sd_archive_error *error) xen_must_check;
bool sd_tar_read(const void *archive, size_t bytes, sd_archive_each *each, void *arg,
                 struct sd_archive_error *error) xen_must_check;

/* Which of them it is; otherwise a NULL, and a sentence's part in *what. */
typedef bool sd_archive_read(const void *archive, size_t bytes, sd_archive_each *each, void *arg,
                             struct sd_archive_error *error);
sd_archive_read *sd_archive_kind(const void *archive, size_t bytes, const char **what) xen_must_check;

/* ---- for the two readers ---- */

/* Puts `length` bytes as a path into `path`: without leading slashes, "." and double slashes. NULL, or what
 * is wrong. */
const char *sd_archive_path(const char *name, size_t length, char path[SD_ARCHIVE_PATH]) xen_must_check;
/* Notes what is wrong; false. */
bool sd_archive_fail(struct sd_archive_error *error, const char *what, size_t offset, const char *name,
                     size_t length);

#endif
