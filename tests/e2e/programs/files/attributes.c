#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void modes_and_owners_are_kept(void)
{
    struct stat status;
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0777);

    CHECK(!fstat(fd, &status) && (status.st_mode & 07777) == 0755 && status.st_uid == 0 &&
          status.st_nlink == 1);
    CHECK(!fchmod(fd, 04711) && !stat("f", &status) && (status.st_mode & 07777) == 04711);
    CHECK(!fchown(fd, 12, 34) && !stat("f", &status) && status.st_uid == 12 && status.st_gid == 34);
    CHECK((status.st_mode & 07777) == 0711);
    CHECK(!chown("f", (uid_t)-1, 5) && !stat("f", &status) && status.st_uid == 12 && status.st_gid == 5);
    CHECK(!chmod("f", 0) && !access("f", R_OK | W_OK | F_OK));
    CHECK_ERRNO(access("f", X_OK), EACCES);
    CHECK_ERRNO(access("g", F_OK), ENOENT);
    CHECK_ERRNO(access("f", 8), EINVAL);
    CHECK(umask(077) == 022 && !mkdir("d", 0777) && !stat("d", &status) && (status.st_mode & 0777) == 0700);
    CHECK(umask(022) == 077 && !symlink("f", "l") && !lchown("l", 7, 7) && !lstat("l", &status) &&
          status.st_uid == 7);
    CHECK(!stat("l", &status) && status.st_uid == 12 && !access("d", X_OK));
    CHECK(!close(fd) && !unlink("f") && !unlink("l") && !rmdir("d"));
}

static void times_are_kept(void)
{
    struct timespec times[2] = {{1000, 5}, {2000, 999999999}};
    struct stat status, later;

    put("f", "x");
    CHECK(!utimensat(AT_FDCWD, "f", times, 0) && !stat("f", &status));
    CHECK(status.st_atim.tv_sec == 1000 && status.st_atim.tv_nsec == 5 &&
          status.st_mtim.tv_nsec == 999999999);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    CHECK(!utimensat(AT_FDCWD, "f", times, 0) && !stat("f", &later));
    CHECK(later.st_atim.tv_sec == 1000 && later.st_mtim.tv_sec >= status.st_ctim.tv_sec);
    times[0].tv_nsec = 1000000000;
    CHECK_ERRNO(utimensat(AT_FDCWD, "f", times, 0), EINVAL);
    CHECK_ERRNO(utimensat(AT_FDCWD, "g", NULL, 0), ENOENT);
    times[0] = times[1] = (struct timespec){1, 0};
    CHECK(!utimensat(AT_FDCWD, "f", times, 0));
    put("f", "y");
    CHECK(!stat("f", &later) && later.st_mtim.tv_sec > 1000000 && later.st_atim.tv_sec == 1);
    CHECK(says("f", "y") && !stat("f", &later) && later.st_atim.tv_sec > 1000000 && !unlink("f"));
}

/* The structure of Linux's linux/stat.h, as far as it is looked at: not all C libraries have it. */
struct extended {
    uint32_t mask, block;
    uint64_t attributes;
    uint32_t links, user, group;
    uint16_t mode, unused;
    uint64_t inode, size, blocks, attributes_mask;
    int64_t accessed[2], born[2], changed[2], modified[2];
    char rest[128];
};

static void extended_status_says_the_same(void)
{
    struct extended more;
    struct stat status;

    put("f", "12345");
    CHECK(!stat("f", &status) && !syscall(SYS_statx, AT_FDCWD, "f", 0, 0xfff, &more));
    CHECK(more.size == 5 && more.inode == status.st_ino && more.mode == status.st_mode && more.links == 1);
    CHECK(more.mask & 0x800 && more.born[0] > 1000000 && more.born[0] <= more.modified[0]);
    CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "g", 0, 0xfff, &more), ENOENT);
    CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "f", 0x80000, 0xfff, &more), EINVAL);
    CHECK(!unlink("f"));
}

static void file_systems_tell_their_room(void)
{
    struct statfs room;
    int fd = open("/", O_RDONLY);

    CHECK(!statfs(".", &room) && room.f_bsize == 4096 && room.f_namelen == 255);
    CHECK(room.f_blocks > 0 && room.f_bfree <= room.f_blocks && room.f_bavail > 0);
    CHECK(!fstatfs(fd, &room) && !close(fd) && !statfs("/proc", &room) && room.f_type == 0x9fa0);
    CHECK_ERRNO(statfs("nothing", &room), ENOENT);
}

static void truncate_by_name(void)
{
    struct stat status;

    put("f", "12345");
    CHECK(!truncate("f", 2) && says("f", "12") && !truncate("f", 100) && !stat("f", &status) &&
          status.st_size == 100);
    CHECK_ERRNO(truncate("f", -1), EINVAL);
    CHECK_ERRNO(truncate(".", 1), EISDIR);
    CHECK_ERRNO(truncate("g", 1), ENOENT);
    CHECK(!unlink("f"));
}

static void locks_of_open_files_conflict_and_end_with_them(void)
{
    struct flock all = {.l_type = F_WRLCK}, part = {.l_type = F_RDLCK, .l_start = 10, .l_len = 10}, asked;
    int a = open("f", O_RDWR | O_CREAT, 0644), b = open("f", O_RDWR), reader = open("f", O_RDONLY), c;

    CHECK(!flock(a, LOCK_EX));
    CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
    CHECK(!flock(a, LOCK_SH) && !flock(b, LOCK_SH | LOCK_NB));
    CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EAGAIN);
    CHECK(!flock(b, LOCK_UN));
    CHECK_ERRNO(flock(a, 7), EINVAL);
    CHECK(!fcntl(a, F_OFD_SETLK, &part));
    CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &all), EAGAIN);
    asked = all;
    CHECK(!fcntl(b, F_OFD_GETLK, &asked) && asked.l_type == F_RDLCK && asked.l_start == 10 &&
          asked.l_len == 10);
    part.l_type = F_UNLCK;
    part.l_start = 12;
    part.l_len = 2;
    CHECK(!fcntl(a, F_OFD_SETLK, &part));
    part.l_type = F_WRLCK;
    CHECK(!fcntl(b, F_OFD_SETLK, &part));
    part.l_start = 14;
    CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &part), EAGAIN);
    c = dup(a);
    CHECK(!close(a));
    CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &part), EAGAIN);
    CHECK(!close(c) && !fcntl(b, F_OFD_SETLK, &all));
    CHECK_ERRNO(fcntl(reader, F_SETLK, &all), EBADF);
    all.l_type = F_UNLCK;
    CHECK(!fcntl(b, F_OFD_SETLK, &all));
    CHECK(!fcntl(b, F_SETLK, &part) && !fcntl(b, F_GETLK, &part) && part.l_type == F_UNLCK);
    all.l_type = 77;
    CHECK_ERRNO(fcntl(b, F_SETLK, &all), EINVAL);
    CHECK(!close(b) && !close(reader) && !unlink("f"));
}

const struct claim attribute_claims[] = {
    CLAIM(modes_and_owners_are_kept),
    CLAIM(times_are_kept),
    CLAIM(extended_status_says_the_same),
    CLAIM(file_systems_tell_their_room),
    CLAIM(truncate_by_name),
    CLAIM(locks_of_open_files_conflict_and_end_with_them),
    {NULL, NULL},
};
