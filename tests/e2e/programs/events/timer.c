#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "claims.h"

#define MS 1000000

static uint64_t ticks;

static struct itimerspec in(int64_t first, int64_t then)
{
    return (struct itimerspec){{then / 1000000000, then % 1000000000},
                               {first / 1000000000, first % 1000000000}};
}

static void timer_fires_once_at_its_time(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec wanted = in(1000000000ll * 100, 0), left;
    int64_t before;

    CHECK(fd >= 0 && !timerfd_settime(fd, 0, &wanted, NULL));
    CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);
    CHECK(!timerfd_gettime(fd, &left) && left.it_value.tv_sec >= 40 && left.it_value.tv_sec <= 100);
    wanted = in(20 * MS, 0);
    before = now();
    CHECK(!timerfd_settime(fd, 0, &wanted, NULL));
    CHECK(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 60000) == 1 && now() - before >= 20 * MS);
    CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
    CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);
    CHECK(!timerfd_gettime(fd, &left) && !left.it_value.tv_sec && !left.it_value.tv_nsec);
    close(fd);
}

static void periodic_timer_counts_what_nobody_read(void)
{
    int fd = timerfd_create(CLOCK_BOOTTIME, 0);
    struct itimerspec wanted = in(10 * MS, 10 * MS), old;
    struct timespec pause = {0, 55 * MS};
    int64_t before = now();

    CHECK(!timerfd_settime(fd, 0, &wanted, NULL));
    nanosleep(&pause, NULL);
    CHECK(read(fd, &ticks, 8) == 8 && ticks >= 5 && (int64_t)ticks <= (now() - before) / (10 * MS));
    CHECK(read(fd, &ticks, 8) == 8 && ticks >= 1);
    wanted = in(0, 0);
    CHECK(!timerfd_settime(fd, 0, &wanted, &old) && old.it_interval.tv_nsec == 10 * MS &&
          old.it_value.tv_nsec);
    CHECK(ready(fd, POLLIN) == 0);
    close(fd);
}

static void absolute_times_are_by_their_clock(void)
{
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
    struct itimerspec wanted;
    struct timespec time;

    for (int i = 0; i < 3; i++) {
        int fd = timerfd_create(clocks[i], 0);

        clock_gettime(clocks[i], &time);
        wanted = in(time.tv_sec * 1000000000 + time.tv_nsec + 15 * MS, 0);
        CHECK(!timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &wanted, NULL));
        CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
        clock_gettime(clocks[i], &time);
        CHECK(time.tv_sec * 1000000000 + time.tv_nsec >=
              wanted.it_value.tv_sec * 1000000000 + wanted.it_value.tv_nsec - MS);
        wanted = in(1, 0);
        CHECK(!timerfd_settime(fd, TFD_TIMER_ABSTIME, &wanted, NULL) && read(fd, &ticks, 8) == 8 &&
              ticks == 1);
        close(fd);
    }
}

static void wrong_times_clocks_and_descriptors_are_refused(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec wanted = {{0, 0}, {0, 1000000000}};

    CHECK_ERRNO(timerfd_create(77, 0), EINVAL);
    CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    CHECK_ERRNO(timerfd_settime(fd, 0, &wanted, NULL), EINVAL);
    CHECK_ERRNO(timerfd_settime(fd, 8, &wanted, NULL), EINVAL);
    CHECK_ERRNO(timerfd_settime(fd, 0, (struct itimerspec *)(void *)bad, NULL), EFAULT);
    CHECK_ERRNO(timerfd_gettime(-1, &wanted), EBADF);
    CHECK_ERRNO(timerfd_gettime(epoll_create1(0), &wanted), EINVAL);
    CHECK_ERRNO(read(fd, &ticks, 7), EINVAL);
    close(fd + 1);
    close(fd);
}

static void epoll_sees_timers_in_their_order(void)
{
    int set = epoll_create1(0), fds[3];
    static const int after[] = {600, 200, 400}, order[] = {1, 2, 0};
    struct epoll_event event = {.events = EPOLLIN}, got;

    for (int i = 0; i < 3; i++) {
        struct itimerspec wanted = in(after[i] * MS, 0);

        fds[i] = timerfd_create(CLOCK_MONOTONIC, 0);
        event.data.u32 = (unsigned)i;
        CHECK(!timerfd_settime(fds[i], 0, &wanted, NULL) && !epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event));
    }
    for (int i = 0; i < 3; i++) {
        CHECK(epoll_wait(set, &got, 1, 60000) == 1 && got.data.u32 == (unsigned)order[i]);
        CHECK(read(fds[order[i]], &ticks, 8) == 8);
    }
    CHECK(!epoll_wait(set, &got, 1, 0));
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(set);
}

const struct claim timer_claims[] = {
    CLAIM(timer_fires_once_at_its_time),      CLAIM(periodic_timer_counts_what_nobody_read),
    CLAIM(absolute_times_are_by_their_clock), CLAIM(wrong_times_clocks_and_descriptors_are_refused),
    CLAIM(epoll_sees_timers_in_their_order),  {NULL, NULL},
};
