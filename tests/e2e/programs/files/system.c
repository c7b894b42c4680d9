#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check.h"

static void descriptors_know_what_can_be_synced(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0644), null = open("/dev/null", O_RDWR);

    CHECK(!fsync(fd) && !fdatasync(fd) && !syncfs(fd) && !posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
    CHECK(posix_fadvise(fd, 0, 0, 99) == EINVAL);
    CHECK_ERRNO(fsync(999), EBADF);
    CHECK_ERRNO(fsync(null), EINVAL);
    CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 100) == 100 && fcntl(100, F_GETFD) == FD_CLOEXEC && !close(100));
    CHECK(!fcntl(fd, F_SETFL, O_APPEND | O_RDONLY) &&
          (fcntl(fd, F_GETFL) & (O_APPEND | 3)) == (O_APPEND | O_RDWR));
    CHECK(!close(fd) && !close(null) && !unlink("f"));
}

static void devices_are_there(void)
{
    static const struct {
        const char *path;
        unsigned major, minor;
    } devices[] = {{"/dev/null", 1, 3},
                   {"/dev/zero", 1, 5},
                   {"/dev/full", 1, 7},
                   {"/dev/random", 1, 8},
                   {"/dev/urandom", 1, 9}};
    unsigned char bytes[1000] = {0};
    struct stat status;
    int fd;

    for (int i = 0; i < 5; i++)
        CHECK(!stat(devices[i].path, &status) && S_ISCHR(status.st_mode) &&
              status.st_rdev == makedev(devices[i].major, devices[i].minor));
    fd = open("/dev/null", O_RDWR);
    CHECK(write(fd, bytes, 1000) == 1000 && !read(fd, bytes, 1000) && !close(fd));
    fd = open("/dev/full", O_RDWR);
    CHECK_ERRNO(write(fd, bytes, 1), ENOSPC);
    CHECK(!close(fd));
    fd = open("/dev/urandom", O_RDONLY);
    CHECK(read(fd, bytes, 1000) == 1000 && !close(fd));
    fd = 0;
    for (int i = 0; i < 1000; i++)
        fd += bytes[i] != 0;
    CHECK(fd > 900);
    fd = open("/dev/zero", O_RDONLY);
    CHECK(read(fd, bytes, 1000) == 1000 && !bytes[0] && !memcmp(bytes, bytes + 1, 999));
    CHECK_ERRNO(read(fd, (char *)8, 5), EFAULT);
    CHECK(!close(fd) && !mkdir("/dev/shm/x", 0700) && !rmdir("/dev/shm/x"));
}

static void open_files_are_below_dev_fd(void)
{
    char path[64], text[256];
    struct dirent *entry;
    struct stat one, other;
    int fd, again, found = 0;
    DIR *directory;
    ssize_t length;

    put("f", "abc");
    fd = open("f", O_RDONLY);
    CHECK(read(fd, text, 2) == 2);
    snprintf(path, sizeof(path), "/dev/fd/%d", fd);
    again = open(path, O_RDONLY);
    CHECK(again > fd && read(again, text, 3) == 3 && !memcmp(text, "abc", 3));
    CHECK(!stat(path, &one) && !fstat(fd, &other) && one.st_ino == other.st_ino && !lstat(path, &one));
    length = readlink(path, text, sizeof(text));
    CHECK(length > 2 && !memcmp(text + length - 2, "/f", 2) && !close(again));
    directory = opendir("/proc/self/fd");
    while (directory && (entry = readdir(directory)))
        found += atoi(entry->d_name) == fd;
    CHECK(found == 1 && !closedir(directory) && !close(fd) && !unlink("f"));
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
    CHECK(!stat("/dev/stdout", &one) && !fstat(1, &other) && one.st_mode == other.st_mode);
}

/* Whether a file has the word in it. */
static bool has(const char *path, const char *word)
{
    static char text[16384];
    int fd = open(path, O_RDONLY);
    ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    if (bytes < 0)
        return false;
    text[bytes] = '\0';
    return strstr(text, word) != NULL;
}

static void proc_tells_of_the_machine_and_the_process(void)
{
    char text[64];

    CHECK(has("/proc/meminfo", "MemTotal:") && has("/proc/cpuinfo", "model name\t:") &&
          has("/proc/uptime", "."));
    CHECK(has("/proc/stat", "btime ") && has("/proc/version", " version ") && has("/proc/loadavg", "/"));
    CHECK(has("/proc/mounts", " /proc proc ") && has("/proc/filesystems", "nodev\ttmpfs\n"));
    CHECK(has("/proc/self/status", "Pid:") && has("/proc/self/stat", ") R ") &&
          has("/proc/self/maps", "r-xp"));
    CHECK(has("/proc/self/statm", " ") && has("/proc/self/cmdline", "") &&
          has("/proc/self/limits", "Max open files"));
    CHECK(has("/proc/sys/kernel/random/uuid", "-4") && has("/proc/sys/net/core/somaxconn", "\n"));
    CHECK(has("/proc/sys/kernel/pid_max", "\n") && has("/proc/sys/vm/overcommit_memory", "\n"));
    CHECK(readlink("/proc/self", text, sizeof(text)) > 0 && atoi(text) == getpid());
    CHECK(there("/proc/self/exe") && access("/proc/nothing", F_OK) < 0);
    CHECK(!close(open("/proc/self/cwd", O_RDONLY | O_DIRECTORY)) && there("/proc/self/cwd/../."));
    CHECK_ERRNO(mkdir("/proc/x", 0755), ENOENT);
}

static void expected_places_are_there(void)
{
    static const char *const paths[] = {"/tmp",     "/root",       "/var/tmp",   "/run",
                                        "/dev/shm", "/etc/passwd", "/etc/group", "/etc/hosts"};
    struct stat status;

    for (int i = 0; i < 8; i++)
        CHECK(there(paths[i]));
    CHECK(!stat("/tmp", &status) && (status.st_mode & 07777) == 01777 && has("/etc/passwd", "root:x:0:0:"));
}

static void file_systems_can_be_mounted(void)
{
    int fd;

    CHECK(!mkdir("m", 0755));
    if (mount("x", "m", "tmpfs", 0, NULL) && errno == EPERM) { /* Linux, where not all may */
        CHECK(!rmdir("m"));
        return;
    }
    put("m/f", "mounted");
    CHECK_ERRNO(rename("m/f", "f"), EXDEV);
    CHECK_ERRNO(rmdir("m"), EBUSY);
    CHECK_ERRNO(umount("m/f"), EINVAL);
    fd = open("m/f", O_RDONLY);
    CHECK_ERRNO(umount("m"), EBUSY);
    CHECK(!close(fd) && !chdir("m/..") && !umount("m") && !there("m/f"));
    CHECK_ERRNO(mount("x", "m", "nothing", 0, NULL), ENODEV);
    CHECK_ERRNO(mount("x", "n", "tmpfs", 0, NULL), ENOENT);
    CHECK_ERRNO(umount("m"), EINVAL);
    CHECK(!mount("x", "m", "tmpfs", 0, NULL));
    fd = open("m/g", O_RDWR | O_CREAT, 0600);
    CHECK(!umount2("m", MNT_DETACH) && write(fd, "g", 1) == 1 && !close(fd) && !rmdir("m"));
}

static void users_and_groups_are_those_of_etc(void)
{
    const struct passwd *user = getpwuid(0);

    CHECK(user && !strcmp(user->pw_name, "root") && *user->pw_dir == '/');
    CHECK(!getpwnam("nobody-of-this-name") && !getpwuid(54321));
    CHECK(!getgrnam("nobody-of-this-name"));
}

const struct claim descriptor_claims[] = {
    CLAIM(descriptors_know_what_can_be_synced),
    CLAIM(open_files_are_below_dev_fd),
    {NULL, NULL},
};

const struct claim system_claims[] = {
    CLAIM(devices_are_there),
    CLAIM(proc_tells_of_the_machine_and_the_process),
    CLAIM(expected_places_are_there),
    CLAIM(file_systems_can_be_mounted),
    CLAIM(users_and_groups_are_those_of_etc),
    {NULL, NULL},
};
