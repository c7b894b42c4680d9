/* Files that are sent. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "claims.h"

enum { HOLE = 5000, SENT = HOLE + sizeof(data), OVERLAID = 100000, LARGE = 8 << 20, CUT = 200000 };

static char received[SENT + 1], expected[SENT];
static int fds[2];
static ssize_t count;

static int new_file(void)
{
    int file = open("/tmp/sent", O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK(file >= 0 && !unlink("/tmp/sent"));
    return file;
}

static void *receive(void *arg)
{
    (void)arg;
    count = read_all(fds[1], received, sizeof(received));
    return NULL;
}

/* All of it, however often it has to be asked for. */
static void send_whole(int to, int file, off_t *offset)
{
    struct pollfd one = {.fd = to, .events = POLLOUT};
    ssize_t now;

    while ((now = sendfile(to, file, offset, 1 << 20))) {
        CHECK(now > 0 || errno == EAGAIN);
        if (failed || (now < 0 && poll(&one, 1, 60000) != 1))
            break;
    }
}

static void a_file_goes_out_byte_exact_whether_its_sender_waits_or_not(void)
{
    int file = new_file();

    CHECK(pwrite(file, data, sizeof(data), HOLE) == sizeof(data) &&
          pwrite(file, "overlaid", 8, OVERLAID) == 8);
    memcpy(expected + HOLE, data, sizeof(data));
    memcpy(expected + OVERLAID, "overlaid", 8);
    for (int i = 0; i < 3; i++) {
        off_t offset = 0;
        pthread_t thread;

        if (i == 2)
            CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
        else
            connect_pair(AF_INET, fds);
        CHECK(!i || !fcntl(fds[0], F_SETFL, O_NONBLOCK));
        CHECK(!pthread_create(&thread, NULL, receive, NULL));
        send_whole(fds[0], file, &offset);
        CHECK(offset == SENT && lseek(file, 0, SEEK_CUR) == 0);
        CHECK(!shutdown(fds[0], SHUT_WR) && !pthread_join(thread, NULL));
        CHECK(count == SENT && !memcmp(received, expected, SENT));
        close(fds[0]);
        close(fds[1]);
    }
    close(file);
}

struct sending {
    int to, file;
    ssize_t sent;
};

static void *send_large(void *arg)
{
    struct sending *sending = arg;
    ssize_t now;

    while ((now = sendfile(sending->to, sending->file, NULL, LARGE)) > 0)
        sending->sent += now;
    CHECK(!now && !shutdown(sending->to, SHUT_WR));
    return NULL;
}

static void a_file_that_is_cut_while_it_is_sent_gives_nothing_of_what_is_there_next(void)
{
    struct sending sending = {.file = new_file()};
    ssize_t got = 0, now, strange = 0;
    pthread_t thread;
    char *other;

    memset(back, 'a', sizeof(back));
    for (int i = 0; i < 7; i++)
        CHECK(write(sending.file, back, sizeof(back)) == sizeof(back));
    CHECK(!ftruncate(sending.file, LARGE));
    connect_pair(AF_INET, fds);
    sending.to = fds[0];
    CHECK(!pthread_create(&thread, NULL, send_large, &sending));
    CHECK(await(fds[1], POLLIN) & POLLIN && !ftruncate(sending.file, CUT));
    other = malloc(1 << 20);
    CHECK(other && memset(other, 'x', 1 << 20));
    while ((now = read(fds[1], back, sizeof(back))) > 0) {
        for (ssize_t i = 0; i < now; i++)
            strange += back[i] != 'a' && back[i];
        got += now;
    }
    CHECK(!now && !pthread_join(thread, NULL));
    CHECK(got == sending.sent && got < LARGE && !strange);
    free(other);
    close(fds[0]);
    close(fds[1]);
    close(sending.file);
}

static void what_cannot_be_sent_says_so(void)
{
    int file = new_file();
    off_t offset = -1;

    connect_pair(AF_INET, fds);
    CHECK(write(file, data, 9) == 9);
    CHECK_ERRNO(sendfile(fds[0], file, &offset, 1), EINVAL);
    CHECK_ERRNO(sendfile(fds[0], file, (off_t *)(uintptr_t)bad, 1), EFAULT);
    CHECK_ERRNO(sendfile(fds[0], -1, NULL, 1), EBADF);
    offset = 9;
    CHECK(!sendfile(fds[0], file, &offset, 1) && !sendfile(fds[0], file, &offset, 0));
    offset = 0;
    CHECK(sendfile(fds[0], file, &offset, 100) == 9 && offset == 9);
    CHECK(read_all(fds[1], back, 9) == 9 && !memcmp(back, data, 9));
    close(fds[1]);
    CHECK(await(fds[0], POLLIN) & POLLIN);
    close(fds[0]);
    close(file);
}

const struct claim sendfile_claims[] = {
    CLAIM(a_file_goes_out_byte_exact_whether_its_sender_waits_or_not),
    CLAIM(a_file_that_is_cut_while_it_is_sent_gives_nothing_of_what_is_there_next),
    CLAIM(what_cannot_be_sent_says_so),
    {0},
};
