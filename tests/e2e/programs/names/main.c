/* Prints /etc/resolv.conf, and what each argument is found to be: a name, or an address of which the name is
 * looked for. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

static void show_file(const char *path)
{
    FILE *file = fopen(path, "r");
    int c;

    while (file && (c = getc(file)) != EOF)
        putchar(c);
    if (file)
        fclose(file);
}

static void show(const struct addrinfo *found)
{
    char host[200], name[NI_MAXHOST];

    if (getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST))
        return;
    printf(" %s", host);
    if (!getnameinfo(found->ai_addr, found->ai_addrlen, name, sizeof(name), NULL, 0, NI_NAMEREQD))
        printf("=%s", name);
}

int main(int argc, char **argv)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    show_file("/etc/resolv.conf");
    for (int i = 1; i < argc; i++) {
        struct addrinfo *all = NULL;
        int error = getaddrinfo(argv[i], NULL, &hints, &all);

        printf("%s:%s%s", argv[i], error ? " " : "", error ? gai_strerror(error) : "");
        for (const struct addrinfo *one = all; one; one = one->ai_next)
            show(one);
        printf("\n");
        fflush(stdout);
        if (all)
            freeaddrinfo(all);
    }
    return 0;
}
