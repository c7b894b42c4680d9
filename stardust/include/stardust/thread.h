/*
 * Threads of the kernel: scheduled in order, never preempted; they run until they wait, yield or end.
 *
 * Stacks are resident and have a guard page below.
 */
#ifndef STARDUST_THREAD_H
#define STARDUST_THREAD_H

#include <xenlib/platform.h>

struct sd_thread;

/*
 * Starts a thread, which runs once the caller waits or yields. `name` is kept, not copied. 0 or -ENOMEM.
 * `started` may be NULL for a thread that nobody joins: it cleans up after itself.
 */
int sd_thread_start(const char *name, void (*run)(void *arg), void *arg,
                    struct sd_thread **started) xen_must_check;

/* Waits until it has ended, and frees it. */
void sd_thread_join(struct sd_thread *thread);

struct sd_thread *sd_thread_self(void);
const char *sd_thread_name(const struct sd_thread *thread);
void sd_thread_yield(void);
/* Sleeps until system time `deadline` (ns). */
void sd_thread_sleep_until(uint64_t deadline);
_Noreturn void sd_thread_exit(void);

/* Wait queues are struct xen_waitq of xenlib/platform.h: xen_platform_wait and _wake. */

/* A lock that may be held while waiting. Zero is not valid: initialise it. Not recursive. */
struct sd_mutex {
    struct xen_lock lock; /* guards the rest */
    struct xen_waitq waiters;
    struct sd_thread *owner;
};
void sd_mutex_init(struct sd_mutex *mutex);
void sd_mutex_lock(struct sd_mutex *mutex);
bool sd_mutex_try(struct sd_mutex *mutex);
void sd_mutex_unlock(struct sd_mutex *mutex);

#endif
