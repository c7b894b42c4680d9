/*
 * select and pselect6. Sets are bit maps of longs, of which `count` bits count; they are read while entries
 * are made, and written from the entries, which are in the order of the bits.
 */
#include <errno.h>
#include <poll.h>
#include <sys/time.h>
#include <time.h>

#include <stardust/timer.h>
#include <xenlib/time.h>

#include "copy.h"
#include "file.h"
#include "poll_set.h"
#include "sys.h"
#include "timespec.h"
#include "wait_mask.h"

#define BITS 64

/* What each of the three asks for, and what answers it, as on Linux. */
static const struct {
    unsigned asks, answers;
} kinds[] = {
    {POLLIN, POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR},
    {POLLOUT, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR},
    {POLLPRI, POLLPRI},
};
#define KINDS 3

/* The words of the three sets that hold bit `fd`; 0 for one that is not given. */
static int read_words(uint64_t *const *sets, int fd, uint64_t *words)
{
    for (int kind = 0; kind < KINDS; kind++) {
        words[kind] = 0;
        if (sets[kind] && sd_copy_in(&words[kind], sets[kind] + fd / BITS, sizeof(*words)))
            return -EFAULT;
    }
    return 0;
}

static int add_all(struct sd_poll_set *set, int count, uint64_t *const *sets)
{
    uint64_t words[KINDS] = {0};

    for (int fd = 0; fd < count; fd++) {
        unsigned events = 0;
        int error;

        if (fd % BITS == 0 && read_words(sets, fd, words))
            return -EFAULT;
        for (int kind = 0; kind < KINDS; kind++)
            if (words[kind] >> (fd % BITS) & 1)
                events |= kinds[kind].asks;
        if (!events)
            continue;
        error = sd_poll_add(set, fd, events);
        if (error)
            return error;
        if (set->last->entries[set->last->count - 1].ready & POLLNVAL)
            return -EBADF;
    }
    return 0;
}

static bool answers(const struct sd_poll_entry *entry, int kind)
{
    return entry->events & kinds[kind].asks && entry->ready & kinds[kind].answers;
}

/* Writes the sets anew. The number of bits that are set, -EFAULT. */
static long give_results(struct sd_poll_set *set, int count, uint64_t *const *sets)
{
    long found = 0;

    for (int kind = 0; kind < KINDS; kind++) {
        uint64_t word = 0;
        int at = 0; /* the word's first bit */

        if (!sets[kind])
            continue;
        sd_poll_each(entry, set)
        {
            if (!answers(entry, kind))
                continue;
            for (; at + BITS <= entry->fd; at += BITS, word = 0)
                if (sd_copy_out(sets[kind] + at / BITS, &word, sizeof(word)))
                    return -EFAULT;
            word |= 1ull << (entry->fd % BITS);
            found++;
        }
        for (; at < count; at += BITS, word = 0)
            if (sd_copy_out(sets[kind] + at / BITS, &word, sizeof(word)))
                return -EFAULT;
    }
    return found;
}

static long wait(int count, uint64_t *const *sets, uint64_t deadline)
{
    struct sd_poll_set set;
    long result;

    if (count < 0)
        return -EINVAL;
    if (count > SD_FD_MAX)
        count = SD_FD_MAX;
    sd_poll_begin(&set);
    result = add_all(&set, count, sets);
    if (!result)
        result = sd_poll_wait(&set, deadline);
    if (result >= 0)
        result = give_results(&set, count, sets);
    sd_poll_end(&set);
    return result;
}

/* What is left of the time, as Linux gives it back; a program whose timeval is a constant does not care. */
static void give_left(struct timeval *timeout, uint64_t deadline)
{
    uint64_t now = xen_time_now(), left = deadline > now ? deadline - now : 0;
    struct timeval rest = {.tv_sec = (time_t)(left / SD_SECOND),
                           .tv_usec = (suseconds_t)(left % SD_SECOND / 1000)};

    if (deadline != XEN_FOREVER && sd_copy_out(timeout, &rest, sizeof(rest))) {
        /* So be it. */
    }
}

long sd_sys_select(int count, void *in, void *out, void *except, struct timeval *timeout)
{
    uint64_t *const sets[] = {in, out, except};
    uint64_t deadline = XEN_FOREVER;
    struct timeval time = {0};
    long result;

    if (timeout) {
        if (sd_copy_in(&time, timeout, sizeof(time)))
            return -EFAULT;
        if (time.tv_sec < 0 || time.tv_usec < 0)
            return -EINVAL;
        /* A million seconds' worth of microseconds and more is carried, as on Linux. */
        time.tv_sec += time.tv_usec / 1000000;
        if (time.tv_sec < (time_t)(INT64_MAX / SD_SECOND))
            deadline = (uint64_t)time.tv_sec * SD_SECOND + (uint64_t)(time.tv_usec % 1000000) * 1000;
        if (deadline && deadline != XEN_FOREVER)
            deadline += xen_time_now();
    }
    result = wait(count, sets, deadline);
    if (timeout)
        give_left(timeout, deadline);
    return result;
}

long sd_sys_pselect6(int count, void *in, void *out, void *except, const struct timespec *timeout,
                     const void *mask)
{
    uint64_t *const sets[] = {in, out, except};
    uint64_t deadline = XEN_FOREVER;
    struct {
        const void *set;
        size_t bytes;
    } given = {NULL, 0};
    long result = timeout ? sd_timespec_deadline(timeout, false, false, &deadline) : 0;

    if (!result && mask)
        result = sd_copy_in(&given, mask, sizeof(given));
    if (!result)
        result = sd_mask_enter(given.set, given.bytes);
    if (result)
        return result;
    result = wait(count, sets, deadline);
    sd_mask_leave(given.set, result == -EINTR);
    return result;
}
