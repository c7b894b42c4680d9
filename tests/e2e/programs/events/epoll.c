#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "claims.h"

static struct epoll_event got[64];

static int add(int set, int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.u64 = 0x100000000u + (unsigned)fd};

    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

static int modify(int set, int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.u64 = (unsigned)fd};

    return epoll_ctl(set, EPOLL_CTL_MOD, fd, &event);
}

static int look(int set)
{
    return epoll_wait(set, got, 64, 0);
}

static void level_is_told_as_long_as_it_holds(void)
{
    int set = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(1, 0);

    CHECK(fcntl(set, F_GETFD) == FD_CLOEXEC);
    CHECK(!add(set, fd, EPOLLIN));
    CHECK(look(set) == 1 && got[0].events == EPOLLIN && got[0].data.u64 == 0x100000000u + (unsigned)fd);
    CHECK(look(set) == 1);
    CHECK(!modify(set, fd, EPOLLIN | EPOLLOUT));
    CHECK(look(set) == 1 && got[0].events == (EPOLLIN | EPOLLOUT) && got[0].data.u64 == (unsigned)fd);
    eventfd_read(fd, &(eventfd_t){0});
    CHECK(look(set) == 1 && got[0].events == EPOLLOUT);
    CHECK(!modify(set, fd, EPOLLIN) && !look(set));
    CHECK(!epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) && !eventfd_write(fd, 1) && !look(set));
    close(fd);
    close(set);
}

static void edge_is_told_once_for_each_change(void)
{
    int set = epoll_create1(0), fds[2];
    char byte[9];

    CHECK(!pipe2(fds, O_NONBLOCK));
    CHECK(!add(set, fds[0], EPOLLIN | EPOLLET) && !look(set));
    CHECK(write(fds[1], "abc", 3) == 3);
    CHECK(look(set) == 1 && !look(set));
    CHECK(read(fds[0], byte, 1) == 1 && !look(set));
    CHECK(write(fds[1], "d", 1) == 1);
    CHECK(look(set) == 1 && !look(set));
    CHECK(!modify(set, fds[0], EPOLLIN | EPOLLET) && look(set) == 1 && !look(set));
    CHECK(!close(fds[1]) && look(set) == 1 && got[0].events == (EPOLLIN | EPOLLHUP) && !look(set));
    close(fds[0]);
    close(set);
}

static void one_shot_is_told_once_until_it_is_armed_again(void)
{
    int set = epoll_create1(0), fd = eventfd(1, 0);

    CHECK(!add(set, fd, EPOLLIN | EPOLLONESHOT));
    CHECK(look(set) == 1 && !look(set));
    CHECK(!eventfd_write(fd, 1) && !look(set));
    CHECK(!modify(set, fd, EPOLLIN | EPOLLONESHOT) && look(set) == 1 && !look(set));
    close(fd);
    close(set);
}

static void closing_the_last_descriptor_of_a_file_takes_it_out(void)
{
    int set = epoll_create1(0), fd = eventfd(1, 0), same = dup(fd);

    CHECK(!add(set, fd, EPOLLIN) && !add(set, same, EPOLLIN));
    CHECK(add(set, fd, EPOLLIN) == -1 && errno == EEXIST);
    CHECK(look(set) == 2);
    CHECK(!close(fd) && look(set) == 2);
    CHECK(!close(same) && !look(set));
    close(set);
}

static void sets_can_be_watched_and_not_in_a_circle(void)
{
    int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(0, 0), chain[8], last = outer;

    CHECK(!add(inner, fd, EPOLLIN) && !add(outer, inner, EPOLLIN));
    CHECK(!look(outer) && ready(outer, POLLIN) == 0);
    eventfd_write(fd, 1);
    CHECK(look(outer) == 1 && got[0].events == EPOLLIN && ready(outer, POLLIN) == POLLIN);
    CHECK(look(inner) == 1 && look(outer) == 1);
    eventfd_read(fd, &(eventfd_t){0});
    CHECK(!look(outer) && ready(outer, POLLIN) == 0);
    CHECK(add(inner, outer, EPOLLIN) == -1 && errno == ELOOP);
    CHECK(add(inner, inner, EPOLLIN) == -1 && errno == EINVAL);
    for (int i = 0; i < 8; i++)
        chain[i] = -1;
    for (int i = 0; i < 8; i++) {
        chain[i] = epoll_create1(0);
        if (add(chain[i], last, EPOLLIN)) {
            CHECK(errno == ELOOP && i == 3);
            break;
        }
        last = chain[i];
    }
    for (int i = 0; i < 8; i++)
        close(chain[i]);
    close(fd);
    close(inner);
    close(outer);
}

static void what_cannot_be_is_refused(void)
{
    int set = epoll_create1(0), fd = eventfd(1, 0), other = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};

    CHECK_ERRNO(epoll_create1(1), EINVAL);
    CHECK(add(-1, fd, EPOLLIN) == -1 && errno == EBADF);
    CHECK(add(set, -1, EPOLLIN) == -1 && errno == EBADF);
    CHECK(add(fd, set, EPOLLIN) == -1 && errno == EINVAL);
    CHECK(modify(set, fd, EPOLLIN) == -1 && errno == ENOENT);
    CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL), ENOENT);
    CHECK_ERRNO(epoll_ctl(set, 77, fd, &event), EINVAL);
    CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, fd, (struct epoll_event *)(void *)bad), EFAULT);
    CHECK_ERRNO(epoll_wait(set, got, 0, 0), EINVAL);
    CHECK_ERRNO(epoll_wait(fd, got, 1, 0), EINVAL);
    CHECK(!add(set, fd, EPOLLIN));
    CHECK_ERRNO(epoll_wait(set, (struct epoll_event *)(void *)bad, 1, 0), EFAULT);
    CHECK(look(set) == 1);
    CHECK(add(set, other, EPOLLIN | EPOLLEXCLUSIVE) == -1 && errno == EINVAL);
    CHECK(modify(set, fd, EPOLLIN | EPOLLEXCLUSIVE) == -1 && errno == EINVAL);
    CHECK(!add(other, fd, EPOLLIN | EPOLLEXCLUSIVE));
    CHECK(modify(other, fd, EPOLLIN) == -1 && errno == EINVAL);
    close(fd);
    close(set);
    close(other);
}

static void all_that_are_ready_have_their_turn(void)
{
    int set = epoll_create1(0), fds[300], seen[1024] = {0};

    for (int i = 0; i < 300; i++) {
        fds[i] = eventfd(1, 0);
        CHECK(fds[i] >= 0 && !add(set, fds[i], EPOLLIN));
    }
    for (int turn = 0; turn < 30; turn++) {
        CHECK(epoll_wait(set, got, 10, -1) == 10);
        for (int i = 0; i < 10; i++)
            seen[got[i].data.u32]++;
    }
    for (int i = 0; i < 300; i++) {
        CHECK(seen[fds[i]] == 1);
        close(fds[i]);
    }
    close(set);
}

static void epoll_waits_as_long_as_it_was_told(void)
{
    int set = epoll_create1(0), fd = eventfd(0, 0);
    int64_t before = now();

    CHECK(!add(set, fd, EPOLLIN));
    CHECK(!epoll_wait(set, got, 1, 20) && now() - before >= 20000000 && now() - before < 60000000000);
    before = now();
    CHECK(!epoll_pwait(set, got, 1, 0, NULL) && now() - before < 1000000000);
    close(set);
    close(fd);
}

const struct claim epoll_claims[] = {
    CLAIM(level_is_told_as_long_as_it_holds),
    CLAIM(edge_is_told_once_for_each_change),
    CLAIM(one_shot_is_told_once_until_it_is_armed_again),
    CLAIM(closing_the_last_descriptor_of_a_file_takes_it_out),
    CLAIM(sets_can_be_watched_and_not_in_a_circle),
    CLAIM(what_cannot_be_is_refused),
    CLAIM(all_that_are_ready_have_their_turn),
    CLAIM(epoll_waits_as_long_as_it_was_told),
    {NULL, NULL},
};
