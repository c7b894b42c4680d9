/*
 * Checks itself: what files do, as Linux does it; built by any C compiler it checks Linux. It works in a new
 * directory below its argument, /tmp without one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd));
}

bool says(const char *path, const char *text)
{
    char found[256] = "";
    int fd = open(path, O_RDONLY);
    ssize_t bytes = fd < 0 ? -1 : read(fd, found, sizeof(found) - 1);

    if (fd >= 0)
        close(fd);
    return bytes >= 0 && !strcmp(found, text);
}

bool there(const char *path)
{
    struct stat status;

    return !lstat(path, &status);
}

int main(int argc, char **argv)
{
    char place[100];

    snprintf(place, sizeof(place), "%s/files.%d", argc > 1 ? argv[1] : "/tmp", getpid());
    umask(022);
    if (mkdir(place, 0755) || chdir(place)) {
        perror(place);
        return 1;
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    run_claims(open_claims, NULL);
    run_claims(name_claims, NULL);
    run_claims(directory_claims, NULL);
    run_claims(data_claims, NULL);
    run_claims(attribute_claims, NULL);
    run_claims(descriptor_claims, NULL);
    run_claims(system_claims, NULL);
    return end_claims();
}
