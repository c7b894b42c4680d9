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
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "HTTP/1.1 %s\r\nContent-Type: text/%s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n"

/* Whether there may be another request, as the next two tell, too. Without `body` this one is HEAD. */
static bool send_text(int client, const char *status, const char *text, bool body, bool stays)
{
    dprintf(client, HEAD "%s", status, "plain", strlen(text), stays ? "keep-alive" : "close",
            body ? text : "");
    return stays;
}

static bool send_file(int client, const char *name, bool body, bool stays)
{
    char path[1100];
    struct stat found;
    off_t sent = 0;
    int file;

    snprintf(path, sizeof(path), "/www%s", name[1] ? name : "/index.html");
    file = strstr(path, "/..") ? -1 : open(path, O_RDONLY);
    if (fstat(file, &found) || !S_ISREG(found.st_mode)) {
        close(file);
        return send_text(client, "404 Not Found", "There is no such page.\n", body, stays);
    }
    dprintf(client, HEAD, "200 OK", strstr(path, ".css") ? "css" : "html", (size_t)found.st_size,
            stays ? "keep-alive" : "close");
    while (body && sent < found.st_size && sendfile(client, file, &sent, (size_t)found.st_size) > 0)
        ;
    close(file);
    return (!body || sent == found.st_size) && stays;
}

static bool serve(FILE *in)
{
    int client = fileno(in);
    char line[1024], method[8], name[1000], minor;
    bool stays, body;

    if (!fgets(line, sizeof(line), in))
        return false;
    if (sscanf(line, "%7s %999s HTTP/1.%c", method, name, &minor) != 3 || name[0] != '/')
        return send_text(client, "400 Bad Request", "That is no request.\n", true, false);
    stays = minor != '0';
    body = strcmp(method, "HEAD");
    do {
        if (!fgets(line, sizeof(line), in) || !strchr(line, '\n'))
            return false;
        stays = stays && strncasecmp(line, "Connection: close", 17);
    } while (strcmp(line, "\r\n"));
    if (body && strcmp(method, "GET"))
        return send_text(client, "501 Not Implemented", "GET and HEAD are there.\n", true, false);
    name[strcspn(name, "?")] = 0;
    if (!strcmp(name, "/hello"))
        return send_text(client, "200 OK", "Hello from Stardust\n", body, stays);
    return send_file(client, name, body, stays);
}

static void *talk(void *in)
{
    while (serve(in))
        ;
    fclose(in);
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
        FILE *in = client < 0 ? NULL : fdopen(client, "r");

        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (in && !pthread_create(&thread, &attributes, talk, in))
            continue;
        in ? fclose(in) : close(client);
        usleep(10000); /* until there is memory, or a descriptor, again */
    }
}
