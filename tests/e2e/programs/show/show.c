/*
 * Shows the files that its arguments name, a line for each: mode, links, size, contents. `fill` fills the
 * file system until there is no room, and sees that all goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORT 100

static int show(const char *path)
{
    unsigned long sum = 0, bytes = 0;
    struct stat status;
    char text[SHORT];
    FILE *file;
    int c;

    if (lstat(path, &status)) {
        printf("%s: %s\n", path, strerror(errno));
        return 1;
    }
    printf("%s %o %lu %ld", path, status.st_mode, (unsigned long)status.st_nlink, (long)status.st_size);
    file = S_ISDIR(status.st_mode) ? NULL : fopen(path, "r");
    while (file && (c = getc(file)) != EOF) {
        if (bytes < SHORT)
            text[bytes] = (char)c;
        bytes++;
        sum += (unsigned char)c;
    }
    if (file)
        fclose(file);
    if (bytes > SHORT)
        printf(" sum %lu", sum);
    else if (file)
        printf(": %.*s", (int)(strcspn(text, "\n") < bytes ? strcspn(text, "\n") : bytes), text);
    printf("\n");
    return 0;
}

/* Until nothing more can be written; the bytes. */
static long fill(int fd)
{
    static char page[10000];
    long total = 0;
    ssize_t done;

    memset(page, 'x', sizeof(page));
    while ((done = write(fd, page, sizeof(page))) > 0)
        total += done;
    return errno == ENOSPC ? total : -1;
}

static int fill_and_work_on(void)
{
    int fd = open("/tmp/all", O_RDWR | O_CREAT, 0600), files = 0;
    long first = fill(fd), again;
    char name[64];
    void *memory;

    for (; files < 100000; files++) {
        snprintf(name, sizeof(name), "/tmp/%d", files);
        int made = open(name, O_RDWR | O_CREAT, 0600);

        if (made < 0)
            break;
        close(made);
    }
    printf("%ld bytes and %d files: %s\n", first, files, strerror(errno));
    if (first < 1 << 20 || errno != ENOSPC)
        return 1;
    memory = malloc(50000);
    printf("malloc gives %s\n", memory ? "memory" : "none");
    free(memory);
    while (files-- > 0) {
        snprintf(name, sizeof(name), "/tmp/%d", files);
        if (unlink(name))
            return 1;
    }
    if (!memory || ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
        return 1;
    again = fill(fd);
    printf("%ld bytes\n", again);
    if (again < first - (64 << 10) || close(fd) || unlink("/tmp/all"))
        return 1;
    printf("works on\n");
    return 0;
}

int main(int argc, char **argv)
{
    int failures = 0;

    if (argc == 2 && !strcmp(argv[1], "fill"))
        return fill_and_work_on();
    for (int i = 1; i < argc; i++)
        failures += show(argv[i]);
    return failures;
}
