/*
 * Runs the suites of mbed TLS that are linked in: all, or those with a name that one of the arguments matches
 * as the shell's patterns do, or all but those if the first argument is `!`. Each runs as if it had been
 * started as the program that it is, in `/`, where its data are, on the day of mbed TLS's release. A TAP line
 * for each; what it prints otherwise goes to a file, and the lines of failed cases from there to the console.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG      "/suite.log"
#define RELEASED 1679961600 /* 2.28.3: 28 March 2023 */

#define SUITE(entry, name) int entry(int argc, const char *argv[]);
#include "list.h"
#undef SUITE

static const struct suite {
    int (*entry)(int argc, const char *argv[]);
    const char *name;
} suites[] = {
#define SUITE(entry, name) {entry, name},
#include "list.h"
};
#define COUNT (sizeof(suites) / sizeof(*suites))

/* Seconds by which the suites' clock is behind. */
static time_t behind;

/* In place of the C library's, for mbed TLS: the certificates of its tests have expired since. */
time_t time(time_t *result)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec -= behind;
    if (result)
        *result = now.tv_sec;
    return now.tv_sec;
}

/* Its status; -1 where its output cannot be kept. */
static int run(const struct suite *suite)
{
    const char *argv[] = {suite->name, NULL};
    int console = dup(1), file = open(LOG, O_WRONLY | O_CREAT | O_TRUNC, 0600), status;

    if (console < 0 || file < 0 || dup2(file, 1) < 0)
        return -1;
    close(file);
    status = suite->entry(1, argv);
    fflush(stdout);
    dup2(console, 1);
    close(console);
    return status;
}

/* From what it has printed: failed cases with what follows them, up to the next case. Its verdict comes to
 * `verdict`. */
static void tell_failures(char *verdict, size_t size)
{
    char line[1024];
    int telling = 0;
    FILE *log = fopen(LOG, "r");

    snprintf(verdict, size, "no verdict");
    while (log && fgets(line, sizeof(line), log)) {
        line[strcspn(line, "\n")] = 0;
        if (strstr(line, " tests (") && (!strncmp(line, "PASSED (", 8) || !strncmp(line, "FAILED (", 8)))
            snprintf(verdict, size, "%.*s", (int)size - 1, line);
        else if (strstr(line, ". FAILED"))
            telling = 1;
        else if (strstr(line, ". PASS") || strstr(line, ". ----") || !line[0])
            telling = 0;
        if (telling)
            printf("# %s\n", line);
    }
    if (log)
        fclose(log);
}

static int is_wanted(const char *name, int argc, char **argv)
{
    int except = argc > 1 && !strcmp(argv[1], "!");

    for (int i = 1 + except; i < argc; i++)
        if (!fnmatch(argv[i], name, 0))
            return !except;
    return except || argc == 1;
}

int main(int argc, char **argv)
{
    size_t done = 0, failed = 0;

    behind = time(NULL) - RELEASED;
    for (size_t i = 0; i < COUNT; i++) {
        char verdict[128];
        int status;

        if (!is_wanted(suites[i].name, argc, argv))
            continue;
        printf("# start %s\n", suites[i].name);
        fflush(stdout);
        status = run(&suites[i]);
        tell_failures(verdict, sizeof(verdict));
        done++;
        failed += status != 0 || strncmp(verdict, "PASSED", 6);
        printf("%sok %zu - %s: %s\n", status != 0 || strncmp(verdict, "PASSED", 6) ? "not " : "", done,
               suites[i].name, verdict);
    }
    printf("1..%zu\n", done);
    return failed || !done;
}
