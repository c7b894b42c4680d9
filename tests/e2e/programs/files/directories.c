#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define MANY 3000

static char seen[MANY];

static void make_many(const char *directory)
{
    char path[64];

    CHECK(!mkdir(directory, 0755));
    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "%s/%d", directory, i);
        CHECK(!close(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644)));
    }
    memset(seen, 0, sizeof(seen));
}

static void each_entry_is_given_once_while_others_are_removed(void)
{
    struct dirent *entry;
    char path[300];
    int others = 0;
    DIR *directory;

    make_many("many");
    directory = opendir("many");
    CHECK(directory != NULL);
    for (int i = 0; directory && (entry = readdir(directory)); i++) {
        if (entry->d_name[0] == '.') {
            others++;
            CHECK(entry->d_type == DT_DIR);
            continue;
        }
        CHECK(entry->d_type == DT_REG && !seen[atoi(entry->d_name)]++);
        snprintf(path, sizeof(path), "many/%s", entry->d_name);
        CHECK(!unlink(path));
    }
    for (int i = 0; i < MANY; i++)
        CHECK(seen[i] == 1);
    CHECK(others == 2 && !closedir(directory) && !rmdir("many"));
}

static void renaming_all_that_is_read_comes_to_an_end(void)
{
    struct dirent *entry;
    char from[300], to[300];
    int count = 0;
    DIR *directory;

    make_many("many");
    directory = opendir("many");
    while ((entry = readdir(directory)) && count < 3 * MANY) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(from, sizeof(from), "many/%s", entry->d_name);
        snprintf(to, sizeof(to), "many/x%s", entry->d_name);
        CHECK(!rename(from, to));
        count++;
    }
    CHECK(count == MANY && !closedir(directory));
    for (int i = 0; i < MANY; i++) {
        snprintf(to, sizeof(to), "many/x%d", i);
        CHECK(!unlink(to));
    }
    CHECK(!rmdir("many"));
}

static void a_place_in_a_directory_can_be_gone_back_to(void)
{
    struct dirent *entry;
    char name[256];
    DIR *directory;
    long place = 0;

    CHECK(!mkdir("d", 0755) && !mkdir("d/a", 0755) && !mkdir("d/b", 0755) && !mkdir("d/c", 0755));
    directory = opendir("d");
    for (int i = 0; i < 3; i++)
        CHECK(readdir(directory) != NULL);
    place = telldir(directory);
    entry = readdir(directory);
    CHECK(entry && place > 0);
    strcpy(name, entry->d_name);
    while (readdir(directory))
        ;
    seekdir(directory, place);
    entry = readdir(directory);
    CHECK(entry && !strcmp(entry->d_name, name));
    rewinddir(directory);
    for (int i = 0; i < 5; i++)
        CHECK(readdir(directory) != NULL);
    CHECK(!readdir(directory) && !closedir(directory));
    CHECK(!rmdir("d/a") && !rmdir("d/b") && !rmdir("d/c") && !rmdir("d"));
}

static void reading_a_directory_has_its_errors(void)
{
    int fd = open(".", O_RDONLY);
    char text[300];

    CHECK_ERRNO(read(fd, text, 10), EISDIR);
    CHECK_ERRNO(syscall(SYS_getdents64, fd, text, 5), EINVAL);
    CHECK_ERRNO(syscall(SYS_getdents64, fd, (char *)8, 300), EFAULT);
    CHECK(!close(fd));
    put("f", "");
    fd = open("f", O_RDONLY);
    CHECK_ERRNO(syscall(SYS_getdents64, fd, text, sizeof(text)), ENOTDIR);
    CHECK(!close(fd) && !unlink("f") && !mkdir("d", 0755));
    fd = open("d", O_RDONLY);
    CHECK(!rmdir("d"));
    CHECK_ERRNO(syscall(SYS_getdents64, fd, text, sizeof(text)), ENOENT);
    CHECK_ERRNO(openat(fd, "x", O_CREAT | O_RDWR, 0666), ENOENT);
    CHECK(!close(fd));
}

static void directories_may_be_deep(void)
{
    char here[4096];

    CHECK(getcwd(here, sizeof(here)) != NULL);
    for (int i = 0; i < 1000; i++)
        CHECK(!mkdir("deep", 0755) && !chdir("deep"));
    put("bottom", "b");
    CHECK(says("bottom", "b") && !unlink("bottom"));
    for (int i = 0; i < 1000; i++)
        CHECK(!chdir("..") && !rmdir("deep"));
    CHECK(!chdir(here));
}

const struct claim directory_claims[] = {
    CLAIM(each_entry_is_given_once_while_others_are_removed),
    CLAIM(renaming_all_that_is_read_comes_to_an_end),
    CLAIM(a_place_in_a_directory_can_be_gone_back_to),
    CLAIM(reading_a_directory_has_its_errors),
    CLAIM(directories_may_be_deep),
    {NULL, NULL},
};
