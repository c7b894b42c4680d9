/*
 * futex: threads that wait at an address of the program's.
 */
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include <stardust/thread.h>
#include <xenlib/platform.h>

#include "copy.h"
#include "timespec.h"

/* Operations, as Linux's uapi/linux/futex.h numbers them. */
enum {
    FUTEX_WAIT = 0,
    FUTEX_WAKE = 1,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE = 4,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET = 10,
};
#define FUTEX_PRIVATE        128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_ALL_BITS       UINT32_MAX

struct waiter {
    struct xen_list link;
    const int *address;
    uint32_t bits;
    bool woken;
    struct xen_waitq queue;
};

/* Guards the list, which is in the order in which they came, and the waiters. */
static struct xen_lock lock;
static struct xen_list waiters = {&waiters, &waiters};

static int wait(const int *address, int expected, uint32_t bits, uint64_t deadline)
{
    struct waiter self = {.address = address, .bits = bits};
    int value = 0, error;

    xen_waitq_init(&self.queue);
    xen_platform_lock(&lock);
    error = sd_copy_in(&value, address, sizeof(value));
    if (!error && value != expected)
        error = -EAGAIN;
    if (!error) {
        xen_list_insert(&waiters, &self.link);
        while (!self.woken && !error)
            error = xen_platform_wait(&self.queue, &lock, deadline);
        if (self.woken)
            error = 0;
        else
            xen_list_remove(&self.link);
    }
    xen_platform_unlock(&lock);
    return error;
}

/* Wakes up to `count` and lets up to `moved` wait at `other` instead. The lock is held. */
static long wake(const int *address, uint32_t bits, int count, const int *other, int moved)
{
    struct xen_list *next;
    long done = 0;

    for (struct xen_list *at = waiters.next; at != &waiters; at = next) {
        struct waiter *waiter = xen_container_of(at, struct waiter, link);

        next = at->next;
        if (waiter->address != address || !(waiter->bits & bits))
            continue;
        if (count > 0) {
            count--;
            waiter->woken = true;
            xen_list_remove(&waiter->link);
            xen_platform_wake(&waiter->queue);
        } else if (moved > 0) {
            moved--;
            waiter->address = other;
        } else {
            break;
        }
        done++;
    }
    return done;
}

static long wake_locked(const int *address, uint32_t bits, int count)
{
    long woken;

    xen_platform_lock(&lock);
    woken = wake(address, bits, count, NULL, 0);
    xen_platform_unlock(&lock);
    return woken;
}

static long requeue(const int *address, int count, int moved, const int *other, const int *expected)
{
    long result = 0;
    int value = 0;

    if (count < 0 || moved < 0 || (uintptr_t)other % sizeof(int))
        return -EINVAL;
    xen_platform_lock(&lock);
    if (expected) {
        result = sd_copy_in(&value, address, sizeof(value));
        if (!result && value != *expected)
            result = -EAGAIN;
    }
    if (!result)
        result = wake(address, FUTEX_ALL_BITS, count, other, moved);
    xen_platform_unlock(&lock);
    return result;
}

long sd_sys_futex(int *address, int operation, int value, const struct timespec *timeout, int *other,
                  int extra)
{
    bool wall = operation & FUTEX_CLOCK_REALTIME;
    int command = operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME), error = 0;
    uint32_t bits =
        command == FUTEX_WAIT_BITSET || command == FUTEX_WAKE_BITSET ? (uint32_t)extra : FUTEX_ALL_BITS;
    uint64_t deadline = XEN_FOREVER;

    if ((uintptr_t)address % sizeof(int) || !bits)
        return -EINVAL;
    switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        if (timeout)
            error = sd_timespec_deadline(timeout, command == FUTEX_WAIT_BITSET, wall, &deadline);
        return error ? error : wait(address, value, bits, deadline);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return wake_locked(address, bits, value > 0 ? value : 1);
    case FUTEX_REQUEUE:
        /* In place of the time-out comes a number. */
        return requeue(address, value, (int)(uintptr_t)timeout, other, NULL);
    case FUTEX_CMP_REQUEUE:
        return requeue(address, value, (int)(uintptr_t)timeout, other, &extra);
    default:
        return -ENOSYS;
    }
}
