/* Writes where nobody reads, and knows of no signal: to a pipe, or with the argument `socket` to a pair. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int ends[2];

    if (argc > 1 && !strcmp(argv[1], "socket") ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends))
        return 1;
    close(ends[0]);
    puts("about to write");
    fflush(stdout);
    write(ends[1], "x", 1);
    puts("went on");
    return 2;
}
