/* AF_UNIX with names. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "claims.h"

#define HEAD offsetof(struct sockaddr_un, sun_path)

struct where {
    struct sockaddr_un address;
    socklen_t bytes;
};

/* A path, or an abstract name where it begins with @. */
static struct where at(const char *text)
{
    struct where where = {.address = {.sun_family = AF_UNIX},
                          .bytes = (socklen_t)(HEAD + strlen(text) + (*text != '@'))};

    strcpy(where.address.sun_path, text);
    if (*text == '@')
        where.address.sun_path[0] = 0;
    return where;
}

static int bind_at(int fd, const char *text)
{
    struct where where = at(text);

    return bind(fd, (struct sockaddr *)&where.address, where.bytes);
}

static int connect_at(int fd, const char *text)
{
    struct where where = at(text);

    return connect(fd, (struct sockaddr *)&where.address, where.bytes);
}

static int new_one(int type)
{
    int fd = socket(AF_UNIX, type, 0);

    CHECK(fd >= 0);
    return fd;
}

static int listen_at(int type, const char *text, int backlog)
{
    int fd = new_one(type);

    if (*text != '@')
        unlink(text);
    CHECK(!bind_at(fd, text) && !listen(fd, backlog));
    return fd;
}

static bool is_at(int fd, bool peer, const char *text)
{
    struct where where = {.bytes = sizeof(where.address)}, wanted = at(text);

    if ((peer ? getpeername : getsockname)(fd, (struct sockaddr *)&where.address, &where.bytes))
        return false;
    if (!*text)
        wanted.bytes = HEAD;
    return where.bytes == wanted.bytes && !memcmp(&where.address, &wanted.address, where.bytes);
}

static void a_path_leads_to_a_socket_as_long_as_that_lives(void)
{
    int listener = listen_at(SOCK_STREAM, "/tmp/s", 5), fd = new_one(SOCK_STREAM),
        other = new_one(SOCK_STREAM);
    struct stat status;

    CHECK(!stat("/tmp/s", &status) && S_ISSOCK(status.st_mode));
    CHECK_ERRNO(open("/tmp/s", O_RDWR), ENXIO);
    CHECK_ERRNO(bind_at(other, "/tmp/s"), EADDRINUSE);
    CHECK(!connect_at(fd, "/tmp/s") && !close(fd));
    CHECK(!rename("/tmp/s", "/tmp/t"));
    CHECK_ERRNO(connect_at(other, "/tmp/s"), ENOENT);
    CHECK(!connect_at(other, "/tmp/t") && !close(other));
    CHECK(!close(listener));
    other = new_one(SOCK_STREAM);
    CHECK_ERRNO(connect_at(other, "/tmp/t"), ECONNREFUSED);
    CHECK_ERRNO(bind_at(other, "/tmp/t"), EADDRINUSE);
    CHECK(!unlink("/tmp/t") && !bind_at(other, "/tmp/t") && !unlink("/tmp/t"));
    CHECK_ERRNO(bind_at(other, "/tmp/t"), EINVAL);
    close(other);
}

static void an_abstract_name_goes_with_its_socket(void)
{
    int first = listen_at(SOCK_STREAM, "@name", 5), fd = new_one(SOCK_STREAM), other = new_one(SOCK_STREAM);
    struct where where = {.bytes = sizeof(where.address)};
    const sa_family_t family = AF_UNIX;

    CHECK_ERRNO(bind_at(other, "@name"), EADDRINUSE);
    CHECK_ERRNO(connect_at(other, "@nam"), ECONNREFUSED);
    CHECK(!connect_at(fd, "@name") && is_at(fd, true, "@name"));
    CHECK(!close(first) && !bind_at(other, "@name") && is_at(other, false, "@name"));
    close(fd);
    close(other);
    fd = new_one(SOCK_DGRAM);
    CHECK(!bind(fd, (const struct sockaddr *)&family, sizeof(family)));
    CHECK(!getsockname(fd, (struct sockaddr *)&where.address, &where.bytes) && where.bytes == HEAD + 6);
    close(fd);
}

static void both_ends_know_the_names(void)
{
    int listener = listen_at(SOCK_STREAM, "/tmp/s", 5), fd = new_one(SOCK_STREAM), peer;
    struct where where = {.bytes = sizeof(where.address)};

    CHECK(is_at(fd, false, "") && !connect_at(fd, "/tmp/s"));
    peer = accept(listener, (struct sockaddr *)&where.address, &where.bytes);
    CHECK(peer >= 0 && where.bytes == HEAD && where.address.sun_family == AF_UNIX);
    CHECK(is_at(peer, false, "/tmp/s") && is_at(peer, true, "") && is_at(fd, true, "/tmp/s"));
    close(fd);
    close(peer);
    fd = new_one(SOCK_STREAM);
    CHECK(!bind_at(fd, "@client") && !connect_at(fd, "/tmp/s"));
    peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    CHECK(is_at(peer, true, "@client") && fcntl(peer, F_GETFL) & O_NONBLOCK);
    close(fd);
    CHECK(read(peer, back, 1) == 0 && is_at(peer, true, "@client"));
    close(peer);
    close(listener);
    unlink("/tmp/s");
}

static void *connect_later(void *arg)
{
    int fd = new_one(SOCK_STREAM);

    (void)arg;
    CHECK(!connect_at(fd, "@busy"));
    return (void *)(intptr_t)fd;
}

static void who_finds_no_place_waits_or_is_told_so(void)
{
    int listener = listen_at(SOCK_STREAM, "@busy", 1), first = new_one(SOCK_STREAM),
        second = new_one(SOCK_STREAM), third = new_one(SOCK_STREAM | SOCK_NONBLOCK), peer;
    pthread_t thread;
    void *late;

    CHECK(!ready(listener, POLLIN) && !connect_at(first, "@busy") &&
          ready(listener, POLLIN | POLLOUT) == POLLIN);
    CHECK(!connect_at(second, "@busy"));
    CHECK_ERRNO(connect_at(third, "@busy"), EAGAIN);
    CHECK(!pthread_create(&thread, NULL, connect_later, NULL));
    peer = accept(listener, NULL, NULL);
    CHECK(peer >= 0 && !pthread_join(thread, &late) && !close(peer));
    CHECK(write(second, "x", 1) == 1 && !close(listener));
    CHECK(ready(second, POLLIN) & POLLIN && read(second, back, 1) == -1 && errno == ECONNRESET);
    CHECK_ERRNO(send(second, "x", 1, MSG_NOSIGNAL), EPIPE);
    close(first);
    close(second);
    close(third);
    close((int)(intptr_t)late);
}

static void packets_keep_their_bounds(void)
{
    int listener = listen_at(SOCK_SEQPACKET, "@packets", 5), fd = new_one(SOCK_SEQPACKET), peer = -1;

    CHECK_ERRNO(send(fd, data, 1, 0), ENOTCONN);
    CHECK(!connect_at(fd, "@packets") && (peer = accept(listener, NULL, NULL)) >= 0);
    CHECK(send(fd, data, 5, 0) == 5 && send(fd, data, 7, 0) == 7);
    CHECK(recv(peer, back, 3, 0) == 3 && recv(peer, back, 9, 0) == 7);
    CHECK(!close(fd) && recv(peer, back, 9, 0) == 0);
    close(peer);
    close(listener);
}

static void datagrams_say_from_whom_and_can_be_answered(void)
{
    int server = new_one(SOCK_DGRAM), client = new_one(SOCK_DGRAM), nobody = new_one(SOCK_DGRAM);
    struct where where = {.bytes = sizeof(where.address)}, to = at("@server");

    CHECK(!bind_at(server, "@server") && !bind_at(client, "@client"));
    CHECK_ERRNO(send(client, data, 1, 0), ENOTCONN);
    CHECK(sendto(client, data, 3, 0, (struct sockaddr *)&to.address, to.bytes) == 3);
    CHECK(recvfrom(server, back, 9, 0, (struct sockaddr *)&where.address, &where.bytes) == 3);
    CHECK(where.bytes == at("@client").bytes);
    CHECK(sendto(server, data, 4, 0, (struct sockaddr *)&where.address, where.bytes) == 4 &&
          recv(client, back, 9, 0) == 4);
    where.bytes = sizeof(where.address);
    CHECK(sendto(nobody, data, 2, 0, (struct sockaddr *)&to.address, to.bytes) == 2);
    CHECK(recvfrom(server, back, 9, 0, (struct sockaddr *)&where.address, &where.bytes) == 2 &&
          where.bytes == 0);
    /* Who is connected hears that one alone. */
    CHECK(!connect_at(server, "@client") && is_at(server, true, "@client"));
    CHECK_ERRNO(sendto(nobody, data, 2, 0, (struct sockaddr *)&to.address, to.bytes), EPERM);
    CHECK(send(server, data, 6, 0) == 6 && recv(client, back, 9, 0) == 6);
    close(client);
    CHECK_ERRNO(send(server, data, 6, 0), ECONNREFUSED);
    CHECK_ERRNO(send(server, data, 6, 0), ENOTCONN);
    close(server);
    close(nobody);
}

static int sent;

static void *read_those(void *arg)
{
    for (int i = 0; i < sent; i++)
        CHECK(recv(*(int *)arg, back, sizeof(back), 0) == 60000);
    return NULL;
}

static void a_full_receiver_holds_its_senders_back(void)
{
    int server = new_one(SOCK_DGRAM), client = new_one(SOCK_DGRAM);
    struct where to = at("@full");
    pthread_t thread;

    sent = 0;
    CHECK(!bind_at(server, "@full"));
    while (sent < 1000 &&
           sendto(client, data, 60000, MSG_DONTWAIT, (struct sockaddr *)&to.address, to.bytes) == 60000)
        sent++;
    CHECK(sent > 1 && sent < 1000 && errno == EAGAIN);
    CHECK(!pthread_create(&thread, NULL, read_those, &server));
    CHECK(sendto(client, data, 60000, 0, (struct sockaddr *)&to.address, to.bytes) == 60000 &&
          !pthread_join(thread, NULL));
    CHECK(recv(server, back, sizeof(back), MSG_DONTWAIT) == 60000);
    CHECK_ERRNO(recv(server, back, 1, MSG_DONTWAIT), EAGAIN);
    close(server);
    close(client);
}

static void what_does_not_go_together_is_refused(void)
{
    int listener = listen_at(SOCK_STREAM, "@stream", 5), fd = new_one(SOCK_DGRAM),
        stream = new_one(SOCK_STREAM), file;
    struct where long_one = at("/tmp/s");

    CHECK_ERRNO(connect_at(fd, "@stream"), ECONNREFUSED); /* abstract names are each type's own */
    CHECK(!bind_at(stream, "/tmp/s"));
    CHECK_ERRNO(connect_at(fd, "/tmp/s"), EPROTOTYPE);
    CHECK(!unlink("/tmp/s") && !close(stream));
    stream = new_one(SOCK_STREAM);
    CHECK_ERRNO(listen(fd, 5), EOPNOTSUPP);
    CHECK_ERRNO(accept(fd, NULL, NULL), EOPNOTSUPP);
    CHECK_ERRNO(listen(stream, 5), EINVAL);
    CHECK_ERRNO(accept(stream, NULL, NULL), EINVAL);
    CHECK_ERRNO(recv(stream, back, 1, 0), EINVAL);
    CHECK_ERRNO(send(stream, data, 1, 0), ENOTCONN);
    CHECK(ready(stream, POLLIN | POLLOUT) == (POLLOUT | POLLHUP));
    CHECK_ERRNO(connect_at(stream, "/nowhere/s"), ENOENT);
    CHECK_ERRNO(bind_at(stream, "/nowhere/s"), ENOENT);
    CHECK_ERRNO(bind(stream, (struct sockaddr *)&long_one.address, sizeof(long_one.address) + 1), EINVAL);
    long_one.address.sun_family = AF_INET;
    CHECK_ERRNO(bind(stream, (struct sockaddr *)&long_one.address, long_one.bytes), EINVAL);
    file = open("/tmp/file", O_CREAT | O_RDWR, 0600);
    CHECK_ERRNO(connect_at(stream, "/tmp/file"), ECONNREFUSED);
    CHECK(!unlink("/tmp/file"));
    CHECK(!connect_at(stream, "@stream"));
    CHECK_ERRNO(connect_at(stream, "@stream"), EISCONN);
    CHECK_ERRNO(sendto(stream, data, 1, 0, (struct sockaddr *)&long_one.address, long_one.bytes), EISCONN);
    CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 6), EPROTONOSUPPORT);
    CHECK(get(listener, SOL_SOCKET, SO_ACCEPTCONN) == 1 && get(stream, SOL_SOCKET, SO_ACCEPTCONN) == 0);
    close(file);
    close(fd);
    close(stream);
    close(listener);
}

static void an_open_file_goes_to_who_accepted(void)
{
    int listener = listen_at(SOCK_STREAM, "/tmp/s", 5), fd = new_one(SOCK_STREAM), peer, file, got = -1;
    char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
    struct iovec vector = {data, 1};
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    struct ucred who = {0};
    socklen_t bytes = sizeof(who);

    file = open("/tmp/file", O_CREAT | O_RDWR, 0600);
    CHECK(write(file, "inside", 6) == 6);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(first), &file, sizeof(int));
    CHECK(!connect_at(fd, "/tmp/s") && sendmsg(fd, &header, 0) == 1 && !close(file));
    peer = accept(listener, NULL, NULL);
    vector.iov_base = back;
    memset(room, 0, sizeof(room));
    CHECK(recvmsg(peer, &header, 0) == 1 && header.msg_controllen == sizeof(room));
    memcpy(&got, CMSG_DATA(first), sizeof(int));
    CHECK(pread(got, back, 9, 0) == 6 && !memcmp(back, "inside", 6));
    CHECK(!getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &bytes) && who.pid == getpid() &&
          who.uid == getuid());
    close(got);
    close(fd);
    close(peer);
    close(listener);
    unlink("/tmp/file");
    unlink("/tmp/s");
}

const struct claim unix_claims[] = {
    CLAIM(a_path_leads_to_a_socket_as_long_as_that_lives),
    CLAIM(an_abstract_name_goes_with_its_socket),
    CLAIM(both_ends_know_the_names),
    CLAIM(who_finds_no_place_waits_or_is_told_so),
    CLAIM(packets_keep_their_bounds),
    CLAIM(datagrams_say_from_whom_and_can_be_answered),
    CLAIM(a_full_receiver_holds_its_senders_back),
    CLAIM(what_does_not_go_together_is_refused),
    CLAIM(an_open_file_goes_to_who_accepted),
    {0},
};
