/*
 * futex(2), its parts. Private to stardust/posix.
 *
 * A word is read and changed by the kernel only with the lock held, and the program is not preempted there,
 * so that this is atomic to the program as well.
 */
#ifndef STARDUST_POSIX_FUTEX_H
#define STARDUST_POSIX_FUTEX_H

#include <xenlib/list.h>
#include <xenlib/platform.h>

/* Operations and bits, as Linux's uapi/linux/futex.h numbers them. */
enum {
    FUTEX_WAIT = 0,
    FUTEX_WAKE = 1,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE = 4,
    FUTEX_WAKE_OP = 5,
    FUTEX_LOCK_PI = 6,
    FUTEX_UNLOCK_PI = 7,
    FUTEX_TRYLOCK_PI = 8,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET = 10,
    FUTEX_LOCK_PI2 = 13,
};
/* One bit for each. */
#define SD_FUTEX_COMMANDS    0x27fbu
#define FUTEX_PRIVATE        128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_ALL_BITS       UINT32_MAX
#define FUTEX_WAITERS        0x80000000u
#define FUTEX_OWNER_DIED     0x40000000u
#define FUTEX_ID             0x3fffffffu

struct sd_futex_waiter {
    struct xen_list link;
    const int *address;
    uint32_t bits;
    int id, owner; /* for a lock (PI): who waits, and for whom; 0 else */
    bool woken;
    struct xen_waitq queue;
};

/* Guards the lists of waiters and what is in them. */
extern struct xen_lock sd_futex_lock;

/* One operation. `other` and `moved` are those of a requeue, `extra` the bits or what it compares. */
struct sd_futex_call {
    int *address;
    int command, value;
    uint64_t deadline;
    int *other;
    int moved, extra;
    uint32_t bits;
};

/* What the operation gives when there may be other threads. Weak: in the image with clone.c. */
long sd_futex_shared(const struct sd_futex_call *call) __attribute__((weak));

/* Takes the lock in the word, if nobody has it: 0, -EDEADLK when the caller has it, -EBUSY, -EFAULT. The
 * word's value in *value. With sd_futex_lock held. */
int sd_futex_pi_take(int *address, uint32_t bits, uint32_t *value) xen_must_check;

/* 0 when the word names the caller as its owner; -EPERM, -EFAULT. With sd_futex_lock held. */
int sd_futex_pi_is_own(const int *address) xen_must_check;

/* Waits, with sd_futex_lock held, until it is woken: 0, -ETIMEDOUT, -EINTR or -SD_RESTART. */
int sd_futex_sleep(struct sd_futex_waiter *self, uint64_t deadline) xen_must_check;

/* Those that wait at addresses like this one. With sd_futex_lock held. */
struct xen_list *sd_futex_bucket(const int *address);
void sd_futex_each_bucket(void (*each)(struct xen_list *bucket, int id), int id);

/* Lets it go on, with what its word says now. With sd_futex_lock held. */
void sd_futex_rouse(struct sd_futex_waiter *waiter);

long sd_futex_pi(const struct sd_futex_call *call);

/* Wakes up to `count`. */
long sd_futex_wake(int *address, int count);

/* The thread ends: locks that it holds, and others wait for, go to these, as from an owner that died. */
void sd_futex_pi_exit(int id);

#endif
