/*
 * A program for the C library and nothing else: prints its arguments, its environment and the time. The
 * argument `status=N` makes N the exit status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern char **environ;

int main(int argc, char **argv)
{
    int status = 0;
    char *copy = strdup("Hello from printf");
    time_t now = time(NULL);

    if (!copy)
        return 1;
    printf("%s\n", copy);
    free(copy);
    for (int i = 1; i < argc; i++) {
        printf("argument %d: %s\n", i, argv[i]);
        if (!strncmp(argv[i], "status=", 7))
            status = (int)strtol(argv[i] + 7, NULL, 10);
    }
    for (char **e = environ; *e; e++)
        printf("environment: %s\n", *e);
    printf("the year is %d, pi is about %.5f\n", gmtime(&now)->tm_year + 1900, 3.14159265);
    return status;
}
