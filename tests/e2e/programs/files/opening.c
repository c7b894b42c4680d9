#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static void flags_of_open_do_what_they_say(void)
{
    char text[8];
    int fd;

    CHECK_ERRNO(open("new", O_RDWR), ENOENT);
    fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(fd >= 0 && write(fd, "abc", 3) == 3 && !lseek(fd, 0, SEEK_CUR) == 0);
    CHECK_ERRNO(open("new", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
    close(fd);
    fd = open("new", O_WRONLY | O_APPEND);
    CHECK(write(fd, "d", 1) == 1 && lseek(fd, 0, SEEK_CUR) == 4 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(write(fd, "e", 1) == 1 && pwrite(fd, "f", 1, 0) == 1 && says("new", "abcdef"));
    CHECK_ERRNO(read(fd, text, 1), EBADF);
    CHECK((fcntl(fd, F_GETFL) & (O_APPEND | O_CREAT | 3)) == (O_APPEND | O_WRONLY));
    close(fd);
    fd = open("new", O_RDONLY);
    CHECK_ERRNO(write(fd, text, 1), EBADF);
    CHECK_ERRNO(pwrite(fd, text, 1, 0), EBADF);
    CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
    close(fd);
    fd = open("new", O_RDWR | O_TRUNC | O_CLOEXEC);
    CHECK(says("new", "") && fcntl(fd, F_GETFD) == FD_CLOEXEC && !close(fd));
    CHECK_ERRNO(open("new", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open("new/", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("new/x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("other/", O_RDWR | O_CREAT, 0666), EISDIR);
    CHECK_ERRNO(open(".", O_RDWR), EISDIR);
    CHECK_ERRNO(open(".", O_RDONLY | O_CREAT, 0666), EISDIR);
    CHECK_ERRNO(open("", O_RDONLY), ENOENT);
    CHECK_ERRNO(open((char *)8, O_RDONLY), EFAULT);
    CHECK(!unlink("new"));
}

static void paths_too_long_are_refused(void)
{
    static char path[PATH_MAX + 10];

    memset(path, 'a', 256);
    CHECK_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);
    path[255] = '\0';
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
    CHECK(close(open(path, O_RDWR | O_CREAT, 0666)) == 0 && !unlink(path));
    memset(path, '/', sizeof(path) - 1);
    CHECK_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);
    path[PATH_MAX - 1] = '\0';
    CHECK(!close(open(path, O_RDONLY)));
}

static void symbolic_links_are_followed_forty_deep(void)
{
    char name[8] = "l0", before[8] = "file", text[16];

    put("file", "x");
    for (int i = 0; i < 41; i++) {
        snprintf(name, sizeof(name), "l%d", i);
        CHECK(!symlink(before, name));
        strcpy(before, name);
    }
    CHECK(says("l39", "x"));
    CHECK_ERRNO(open("l40", O_RDONLY), ELOOP);
    CHECK_ERRNO(open("l0", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK(readlink("l1", text, sizeof(text)) == 2 && !memcmp(text, "l0", 2) && readlink("l1", text, 1) == 1);
    CHECK_ERRNO(readlink("file", text, sizeof(text)), EINVAL);
    CHECK_ERRNO(syscall(SYS_readlink, "l1", text, 0), EINVAL);
    CHECK(!symlink("circle", "circle"));
    CHECK_ERRNO(open("circle", O_RDONLY), ELOOP);
    CHECK_ERRNO(symlink("", "nothing"), ENOENT);
    CHECK_ERRNO(symlink("x", "file"), EEXIST);
    CHECK(!mkdir("d", 0755) && !symlink("../d/./../d", "d/again"));
    put("d/f", "y");
    CHECK(says("d/again/again/again/f", "y") && says("./d//again/../d/f", "y"));
    for (int i = 0; i < 41; i++) {
        snprintf(name, sizeof(name), "l%d", i);
        CHECK(!unlink(name));
    }
    CHECK(!unlink("circle") && !unlink("d/f") && !unlink("d/again") && !rmdir("d") && !unlink("file"));
}

static void open_through_a_dangling_link_creates_what_it_names(void)
{
    CHECK(!symlink("target", "dangling"));
    CHECK_ERRNO(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
    put("dangling", "made");
    CHECK(says("target", "made") && !unlink("target") && !unlink("dangling"));
}

static void names_may_end_in_slashes_where_they_are_directories(void)
{
    struct stat status;

    CHECK(!mkdir("d/", 0755) && !stat("d//", &status) && S_ISDIR(status.st_mode));
    CHECK(!symlink("d", "l") && !lstat("l", &status) && S_ISLNK(status.st_mode));
    CHECK(!lstat("l/", &status) && S_ISDIR(status.st_mode));
    CHECK_ERRNO(unlink("l/"), ENOTDIR);
    CHECK_ERRNO(rmdir("l"), ENOTDIR);
    CHECK_ERRNO(rmdir("l/"), ENOTDIR);
    CHECK_ERRNO(symlink("x", "new/"), ENOENT);
    CHECK_ERRNO(mknod("new/", S_IFREG | 0644, 0), ENOENT);
    CHECK(!unlink("l") && !rmdir("d/"));
}

static void descriptors_of_directories_are_places_to_begin(void)
{
    char here[PATH_MAX], text[PATH_MAX];
    int dir, fd;

    CHECK(!mkdir("d", 0755) && getcwd(here, sizeof(here)));
    dir = open("d", O_RDONLY | O_DIRECTORY);
    fd = openat(dir, "f", O_RDWR | O_CREAT, 0600);
    CHECK(dir >= 0 && fd >= 0 && write(fd, "z", 1) == 1 && says("d/f", "z"));
    CHECK_ERRNO(openat(fd, "x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(openat(999, "x", O_RDONLY), EBADF);
    CHECK(!close(openat(999, "/", O_RDONLY)));
    CHECK(!mkdirat(dir, "sub", 0700) && !fchdir(dir) && there("sub") && getcwd(text, sizeof(text)));
    CHECK(!strncmp(text, here, strlen(here)) && !strcmp(text + strlen(here), "/d"));
    CHECK(!getcwd(text, 3) && errno == ERANGE);
    CHECK_ERRNO(fchdir(fd), ENOTDIR);
    CHECK(!chdir("sub") && !rmdir("../sub"));
    CHECK_ERRNO(open("x", O_RDWR | O_CREAT, 0666), ENOENT);
    CHECK_ERRNO(mkdir("x", 0755), ENOENT);
    CHECK(getcwd(text, sizeof(text)) == NULL && errno == ENOENT);
    CHECK(!chdir("..") && there("f") && !chdir(here));
    CHECK_ERRNO(chdir("d/f"), ENOTDIR);
    CHECK_ERRNO(unlinkat(dir, "f", AT_REMOVEDIR), ENOTDIR);
    CHECK(!unlinkat(dir, "f", 0) && !unlinkat(AT_FDCWD, "d", AT_REMOVEDIR) && !close(dir) && !close(fd));
}

static void path_descriptors_name_and_do_not_open(void)
{
    struct stat status;
    char byte;
    int fd, link;

    put("file", "x");
    CHECK(!symlink("file", "l"));
    fd = open("file", O_PATH);
    link = open("l", O_PATH | O_NOFOLLOW);
    CHECK(fd >= 0 && link >= 0 && !fstat(fd, &status) && status.st_size == 1);
    CHECK(!fstat(link, &status) && S_ISLNK(status.st_mode));
    CHECK(readlinkat(link, "", &byte, 1) == 1 && byte == 'f');
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    CHECK_ERRNO(lseek(fd, 0, SEEK_SET), EBADF);
    CHECK_ERRNO(syscall(SYS_fchmod, fd, 0600), EBADF); /* libraries make up for that */
    CHECK(fstatat(fd, "", &status, AT_EMPTY_PATH) == 0 && S_ISREG(status.st_mode));
    CHECK(!close(fd) && !close(link) && !unlink("l") && !unlink("file"));
}

static void nameless_files_can_be_given_a_name(void)
{
    char path[64];
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);

    CHECK(fd >= 0 && write(fd, "temporary", 9) == 9);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(!linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) && says("named", "temporary"));
    CHECK_ERRNO(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    CHECK(!close(fd) && !unlink("named"));
}

static void what_gets_no_descriptor_is_not_opened(void)
{
    int fd = open("kept", O_RDWR | O_CREAT | O_EXCL, 0666), last = fd, next;

    CHECK(fd >= 0 && write(fd, "abc", 3) == 3);
    while ((next = dup(fd)) >= 0)
        last = next;
    CHECK_ERRNO(open("kept", O_RDWR | O_TRUNC), EMFILE);
    CHECK_ERRNO(open("never", O_RDWR | O_CREAT, 0666), EMFILE);
    while (last >= fd)
        close(last--);
    CHECK(says("kept", "abc") && access("never", F_OK) && errno == ENOENT);
    CHECK(!unlink("kept"));
}

const struct claim open_claims[] = {
    CLAIM(flags_of_open_do_what_they_say),
    CLAIM(what_gets_no_descriptor_is_not_opened),
    CLAIM(paths_too_long_are_refused),
    CLAIM(symbolic_links_are_followed_forty_deep),
    CLAIM(open_through_a_dangling_link_creates_what_it_names),
    CLAIM(names_may_end_in_slashes_where_they_are_directories),
    CLAIM(descriptors_of_directories_are_places_to_begin),
    CLAIM(path_descriptors_name_and_do_not_open),
    CLAIM(nameless_files_can_be_given_a_name),
    {NULL, NULL},
};
