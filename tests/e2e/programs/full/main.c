/*
 * Takes all the memory that a program can get, of the kind that its client asks for on port 7, says `full`,
 * and gives it back at the next line. Other lines come back as they are. One client at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS 4000

static int first; /* descriptor that filling has opened */
static char data[4096];

/* Pages one by one, each holding where the last one is. */
static void *take_pages(void)
{
    void **last = NULL;

    for (;;) {
        void **page = mmap(NULL, sizeof(data), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

        if (page == MAP_FAILED)
            return last;
        *page = last;
        last = page;
    }
}

static void give_pages(void *last)
{
    while (last) {
        void *page = last;

        last = *(void **)page;
        munmap(page, sizeof(data));
    }
}

static bool is_full(int fd)
{
    while (write(fd, data, sizeof(data)) > 0)
        ;
    return errno != EAGAIN;
}

static void fill(const char *kind)
{
    int ends[2];

    if (!strcmp(kind, "file")) {
        while (!is_full(open("/tmp/full", O_WRONLY | O_CREAT | O_APPEND, 0600)))
            ;
    } else if (!strcmp(kind, "pipes")) {
        while (!pipe2(ends, O_NONBLOCK) && !is_full(ends[1]))
            ;
    } else {
        while (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) && !is_full(ends[0]))
            ;
    }
}

static void empty(void)
{
    for (int fd = first; fd < DESCRIPTORS; fd++)
        close(fd);
    unlink("/tmp/full");
}

static void serve(FILE *client)
{
    void *pages = NULL;
    char line[1000];

    while (fgets(line, sizeof(line), client)) {
        line[strcspn(line, "\n")] = '\0';
        if (!strcmp(line, "memory"))
            pages = take_pages();
        else if (!strncmp(line, "fill ", 5))
            fill(line + 5);
        else {
            fprintf(client, "%s\n", line);
            continue;
        }
        printf("full: %s\n", strerror(errno));
        fprintf(client, "full\n");
        if (fgets(line, sizeof(line), client))
            fprintf(client, "%s", line);
        give_pages(pages);
        pages = NULL;
        empty();
    }
}

int main(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7)};
    struct rlimit limit = {.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};
    int listener = socket(AF_INET, SOCK_STREAM, 0), client;

    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (setrlimit(RLIMIT_NOFILE, &limit) || bind(listener, (struct sockaddr *)&any, sizeof(any)) ||
        listen(listener, 5)) {
        perror("listen");
        return 1;
    }
    while ((client = accept(listener, NULL, NULL)) >= 0) {
        FILE *stream = fdopen(client, "r+");

        if (!stream) {
            perror("fdopen");
            return 1;
        }

        setvbuf(stream, NULL, _IONBF, 0);
        first = client + 1;
        serve(stream);
        fclose(stream);
    }
    perror("accept");
    return 1;
}
