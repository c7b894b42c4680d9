/*
 * An HTTP server to begin from: the files below /www, and /hello. A thread for each connection; where there
 * is no memory for one more, that one is closed and the others live. Names have no %xx, requests no body.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void head(int client, const char *status, const char *type, size_t bytes, bool stays)
{
    dprintf(client, "HTTP/1.1 %s\r\nContent-Type: text/%s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n",
            status, type, bytes, stays ? "keep-alive" : "close");
}

static void send_text(int client, const char *status, const char *text, bool body, bool stays)
{
    head(client, status, "plain", strlen(text), stays);
    dprintf(client, "%s", body ? text : "");
}

static bool send_file(int client, const char *name, bool body, bool stays)
{
    char path[1100];
    struct stat found = {0};
    ssize_t bytes = 0;
    int file;

    snprintf(path, sizeof(path), "/www%s%s", name, name[1] ? "" : "index.html");
    file = strstr(path, "/..") ? -1 : open(path, O_RDONLY);
    if (file < 0 || fstat(file, &found) || !S_ISREG(found.st_mode)) {
        send_text(client, "404 Not Found", "There is no such page.\n", body, stays);
    } else {
        char piece[16384];

        head(client, "200 OK", strstr(path, ".css") ? "css" : "html", (size_t)found.st_size, stays);
        while (body && (bytes = read(file, piece, sizeof(piece))) > 0 &&
               write(client, piece, (size_t)bytes) == bytes)
            ;
    }
    close(file);
    return bytes == 0;
}

/* A request and its answer; whether there may be another. */
static bool serve(FILE *in, int client)
{
    char line[1024], method[8], name[1000], version[16];
    bool stays, body;

    if (!fgets(line, sizeof(line), in))
        return false;
    if (sscanf(line, "%7s %999s %15s", method, name, version) != 3 || strncmp(version, "HTTP/1.", 7) ||
        name[0] != '/') {
        send_text(client, "400 Bad Request", "That is no request.\n", true, false);
        return false;
    }
    name[strcspn(name, "?")] = 0;
    stays = strcmp(version, "HTTP/1.0");
    body = strcmp(method, "HEAD");
    do {
        if (!fgets(line, sizeof(line), in) || !strchr(line, '\n'))
            return false;
        stays = stays && strncasecmp(line, "Connection: close", 17);
    } while (strcmp(line, "\r\n"));
    if (body && strcmp(method, "GET"))
        send_text(client, "501 Not Implemented", "GET and HEAD are there.\n", body, stays = false);
    else if (!strcmp(name, "/hello"))
        send_text(client, "200 OK", "Hello from Stardust\n", body, stays);
    else
        stays = send_file(client, name, body, stays) && stays;
    return stays;
}

static void *talk(void *client)
{
    FILE *in = fdopen((int)(intptr_t)client, "r");

    while (in && serve(in, fileno(in)))
        ;
    if (in ? fclose(in) : close((int)(intptr_t)client))
        perror("close");
    return NULL;
}

int main(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    int server = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
    pthread_attr_t attributes;
    pthread_t thread;

    signal(SIGPIPE, SIG_IGN);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 65536);
    if (bind(server, (struct sockaddr *)&any, sizeof(any)) || listen(server, 128))
        return perror("port 80"), 1;
    for (;;) {
        int client = accept(server, NULL, NULL);

        if (client < 0) {
            usleep(10000); /* until there are descriptors again */
            continue;
        }
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (pthread_create(&thread, &attributes, talk, (void *)(intptr_t)client))
            close(client);
    }
}
