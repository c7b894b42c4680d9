/* Waiting for signals. */
#include "sys.h"

#include <errno.h>
#include <time.h>

#include "copy.h"
#include "signals.h"
#include "task.h"
#include "timespec.h"
#include "wait.h"

long sd_sys_rt_sigpending(void *set, size_t set_bytes)
{
    const struct sd_task *self = sd_task_self();
    uint64_t found = sd_signals_pending(self) & self->blocked;

    return set_bytes > sizeof(found) ? -EINVAL : sd_copy_out(set, &found, set_bytes);
}

/* Until a signal is to be handled, or there is another reason to leave the service; or -ETIMEDOUT. */
static int wait_for_signal(uint64_t deadline)
{
    struct xen_waitq nobody;
    struct xen_lock lock = {0};
    int error = 0;

    xen_waitq_init(&nobody);
    xen_platform_lock(&lock);
    while (!error)
        error = sd_wait(&nobody, &lock, deadline);
    xen_platform_unlock(&lock);
    return error;
}

long sd_sys_pause(void)
{
    (void)wait_for_signal(XEN_FOREVER);
    return -EINTR;
}

long sd_sys_rt_sigsuspend(const void *set, size_t set_bytes)
{
    uint64_t mask;
    int error = sd_signal_set_in(&mask, set, set_bytes);

    if (!error)
        error = sd_signal_wait_mask(set, set_bytes);
    if (error)
        return error;
    (void)wait_for_signal(XEN_FOREVER);
    sd_signal_wait_mask_end(true);
    return -EINTR;
}

/* The signals of the set are this thread's while it waits, blocked or not. */
static int wait_for(uint64_t set, uint64_t deadline, siginfo_t *info)
{
    struct sd_task *self = sd_task_self();
    int number = sd_signal_take(self, set, info), error;

    if (number)
        return number;
    self->waits_for = set;
    error = wait_for_signal(deadline);
    self->waits_for = 0;
    number = sd_signal_take(self, set, info);
    if (number)
        return number;
    return error == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

long sd_sys_rt_sigtimedwait(const void *set, void *info, const struct timespec *timeout, size_t set_bytes)
{
    uint64_t wanted, deadline = XEN_FOREVER;
    siginfo_t found = {0};
    int result = sd_signal_set_in(&wanted, set, set_bytes);

    if (!result && timeout)
        result = sd_timespec_deadline(timeout, false, false, &deadline);
    if (result)
        return result;
    result = wait_for(wanted, deadline, &found);
    if (result > 0 && info && sd_copy_out(info, &found, sizeof(found)))
        return -EFAULT;
    return result;
}
