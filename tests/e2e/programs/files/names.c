#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define NOREPLACE 1
#define EXCHANGE  2

static int rename2(const char *from, const char *to, unsigned flags)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static unsigned links(const char *path)
{
    struct stat status;

    return lstat(path, &status) ? 0 : (unsigned)status.st_nlink;
}

static ino_t inode(const char *path)
{
    struct stat status;

    return lstat(path, &status) ? 0 : status.st_ino;
}

static void links_are_names_of_one_file(void)
{
    put("a", "one");
    CHECK(!link("a", "b") && links("a") == 2 && inode("a") == inode("b"));
    put("b", "two");
    CHECK(says("a", "two"));
    CHECK_ERRNO(link("a", "b"), EEXIST);
    CHECK_ERRNO(link("x", "c"), ENOENT);
    CHECK(!mkdir("d", 0755));
    CHECK_ERRNO(link("d", "e"), EPERM);
    CHECK_ERRNO(link("a", "e/"), ENOENT);
    CHECK(!symlink("a", "l") && !link("l", "m") && links("l") == 2 && links("a") == 2);
    CHECK(!linkat(AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW) && links("a") == 3);
    CHECK_ERRNO(link("a", "/dev/x"), EXDEV);
    CHECK(!unlink("a") && links("b") == 2 && says("n", "two"));
    CHECK(!unlink("b") && !unlink("n") && !unlink("l") && !unlink("m") && !rmdir("d"));
}

static void removing_has_its_rules(void)
{
    CHECK(!mkdir("d", 0755) && !mkdir("d/e", 0755));
    put("f", "");
    CHECK_ERRNO(unlink("d"), EISDIR);
    CHECK_ERRNO(unlink("x"), ENOENT);
    CHECK_ERRNO(unlink("f/"), ENOTDIR);
    CHECK_ERRNO(unlink("."), EISDIR);
    CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
    CHECK_ERRNO(rmdir("f"), ENOTDIR);
    CHECK_ERRNO(rmdir("d/."), EINVAL);
    CHECK_ERRNO(rmdir("d/e/.."), ENOTEMPTY);
    CHECK_ERRNO(rmdir("/"), EBUSY);
    CHECK_ERRNO(rmdir("/proc"), EBUSY);
    CHECK_ERRNO(mkdir("d", 0755), EEXIST);
    CHECK_ERRNO(mkdir("f", 0755), EEXIST);
    CHECK_ERRNO(mkdir("/", 0755), EEXIST);
    CHECK_ERRNO(mkdir("x/y", 0755), ENOENT);
    CHECK(links("d") == 3 && !rmdir("d/e") && links("d") == 2 && !rmdir("d") && !unlink("f"));
}

static void removed_files_live_while_they_are_open(void)
{
    struct stat status;
    char text[4];
    int fd = open("f", O_RDWR | O_CREAT, 0644);

    CHECK(fd >= 0 && !unlink("f") && write(fd, "abc", 3) == 3 && !fstat(fd, &status));
    CHECK(status.st_nlink == 0 && status.st_size == 3 && pread(fd, text, 4, 0) == 3 &&
          !memcmp(text, "abc", 3));
    CHECK(!close(fd));
}

static void rename_has_its_rules(void)
{
    put("a", "A");
    put("b", "B");
    CHECK(!mkdir("d", 0755) && !mkdir("d/e", 0755) && !mkdir("empty", 0755));
    CHECK(!rename("a", "b") && says("b", "A") && !there("a"));
    CHECK(!rename("b", "d/a") && says("d/a", "A") && !rename("d/a", "b"));
    CHECK_ERRNO(rename("x", "y"), ENOENT);
    CHECK_ERRNO(rename("b", "d"), EISDIR);
    CHECK_ERRNO(rename("d", "b"), ENOTDIR);
    CHECK_ERRNO(rename("empty", "d"), ENOTEMPTY);
    CHECK_ERRNO(rename("d", "d/e/f"), EINVAL);
    CHECK_ERRNO(rename("d/e", "d"), ENOTEMPTY);
    CHECK_ERRNO(rename("b", "c/"), ENOTDIR);
    CHECK_ERRNO(rename("b/", "c"), ENOTDIR);
    CHECK_ERRNO(rename("b", "x/c"), ENOENT);
    CHECK_ERRNO(rename(".", "c"), EBUSY);
    CHECK_ERRNO(rename("d/..", "c"), EBUSY);
    CHECK_ERRNO(rename("b", "/proc/b"), EXDEV);
    CHECK(!rename("d", "empty/") && there("empty/e") && links("empty") == 3 && !there("d"));
    CHECK(!mkdir("p", 0755) && !rename("empty/e", "p/e") && links("empty") == 2 && links("p") == 3);
    CHECK(inode("p/e/..") == inode("p"));
    CHECK(!link("b", "c") && !rename("b", "c") && there("b") && there("c")); /* names of one file: nothing */
    CHECK(!symlink("nowhere", "l") && !rename("l", "m") && !there("l") && !rename("c", "m") &&
          says("m", "A"));
    CHECK(!unlink("b") && !unlink("m") && !rmdir("p/e") && !rmdir("p") && !rmdir("empty"));
}

static void rename_keeps_or_exchanges_if_asked(void)
{
    put("a", "A");
    put("b", "B");
    CHECK(!mkdir("d", 0755) && !mkdir("d/sub", 0755) && !mkdir("p", 0755));
    CHECK_ERRNO(rename2("a", "b", NOREPLACE), EEXIST);
    CHECK_ERRNO(rename2("a", "x", EXCHANGE), ENOENT);
    CHECK_ERRNO(rename2("a", "b", NOREPLACE | EXCHANGE), EINVAL);
    CHECK_ERRNO(rename2("a", "b", 64), EINVAL);
    CHECK(!rename2("a", "c", NOREPLACE) && says("c", "A"));
    CHECK(!rename2("c", "b", EXCHANGE) && says("b", "A") && says("c", "B"));
    CHECK(!rename2("b", "d", EXCHANGE) && says("d", "A") && there("b/sub"));
    CHECK(!rename2("b", "p/x", NOREPLACE) && links("p") == 3);
    CHECK(!rename2("p/x", "c", EXCHANGE) && links("p") == 2 && says("p/x", "B") &&
          inode("c/..") == inode("."));
    CHECK_ERRNO(rename2("c", "c/sub", EXCHANGE), EINVAL);
    CHECK_ERRNO(rename2("c/sub", "c", EXCHANGE), EINVAL);
    CHECK(!unlink("d") && !rmdir("c/sub") && !rmdir("c") && !unlink("p/x") && !rmdir("p"));
}

static void nodes_of_all_types_can_be_made(void)
{
    struct stat status;

    CHECK(!mknod("r", 0644, 0) && !stat("r", &status) && S_ISREG(status.st_mode));
    CHECK(!mkfifo("p", 0600) && !stat("p", &status) && S_ISFIFO(status.st_mode) &&
          (status.st_mode & 0777) == 0600);
    CHECK(!mknod("s", S_IFSOCK | 0600, 0) && !stat("s", &status) && S_ISSOCK(status.st_mode));
    CHECK_ERRNO(open("s", O_RDONLY), ENXIO);
    CHECK_ERRNO(mknod("x", S_IFDIR | 0600, 0), EPERM);
    CHECK(!unlink("r") && !unlink("p") && !unlink("s"));
}

const struct claim name_claims[] = {
    CLAIM(links_are_names_of_one_file),
    CLAIM(removing_has_its_rules),
    CLAIM(removed_files_live_while_they_are_open),
    CLAIM(rename_has_its_rules),
    CLAIM(rename_keeps_or_exchanges_if_asked),
    CLAIM(nodes_of_all_types_can_be_made),
    {NULL, NULL},
};
