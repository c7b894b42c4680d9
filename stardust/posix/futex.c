/*
 * futex: what is asked for, and all there is to it in a program without threads, where nobody else waits.
 */
#include "futex.h"

#include <errno.h>

#include "copy.h"
#include "sys.h"
#include "task.h"
#include "timespec.h"
#include "wait.h"

struct xen_lock sd_futex_lock;

int sd_futex_sleep(struct sd_futex_waiter *self, uint64_t deadline)
{
    int error = 0;

    xen_waitq_init(&self->queue);
    while (!self->woken && !error)
        error = sd_wait(&self->queue, &sd_futex_lock, deadline);
    xen_list_remove(&self->link);
    if (self->woken)
        return 0;
    /* How long it was to wait is known no more when it begins anew. */
    return error == -SD_RESTART && deadline != XEN_FOREVER ? -EINTR : error;
}

int sd_futex_pi_take(int *address, uint32_t bits, uint32_t *value)
{
    uint32_t mine = (uint32_t)sd_task_self()->id;

    if (sd_copy_in(value, address, sizeof(*value)))
        return -EFAULT;
    if (*value & FUTEX_ID)
        return (*value & FUTEX_ID) == mine ? -EDEADLK : -EBUSY;
    mine |= (*value & FUTEX_OWNER_DIED) | bits;
    return sd_copy_out(address, &mine, sizeof(mine));
}

int sd_futex_pi_is_own(const int *address)
{
    uint32_t value = 0;

    if (sd_copy_in(&value, address, sizeof(value)))
        return -EFAULT;
    return (int)(value & FUTEX_ID) == sd_task_self()->id ? 0 : -EPERM;
}

/* With the lock held. Nobody waits but the caller. */
static long alone(const struct sd_futex_call *call)
{
    struct sd_futex_waiter self = {.link = XEN_LIST_INIT(self.link)};
    uint32_t value = 0;
    int error;

    switch (call->command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        if (sd_copy_in(&value, call->address, sizeof(value)))
            return -EFAULT;
        return (int)value == call->value ? sd_futex_sleep(&self, call->deadline) : -EAGAIN;
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_TRYLOCK_PI:
        error = sd_futex_pi_take(call->address, 0, &value);
        return error == -EBUSY ? -ESRCH : error;
    case FUTEX_UNLOCK_PI:
        error = sd_futex_pi_is_own(call->address);
        value = 0;
        return error ? error : sd_copy_out(call->address, &value, sizeof(value));
    case FUTEX_CMP_REQUEUE:
        if (sd_copy_in(&value, call->address, sizeof(value)))
            return -EFAULT;
        return (int)value == call->extra ? 0 : -EAGAIN;
    default:
        return 0;
    }
}

static bool may_wait(int command)
{
    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI ||
           command == FUTEX_LOCK_PI2;
}

long sd_sys_futex(int *address, int operation, int value, const struct timespec *timeout, int *other,
                  int extra)
{
    bool wall = operation & FUTEX_CLOCK_REALTIME;
    struct sd_futex_call call = {
        .address = address,
        .command = operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME),
        .value = value,
        .deadline = XEN_FOREVER,
        .other = other,
        .moved = (int)(uintptr_t)timeout, /* in place of the time-out comes a number */
        .extra = extra,
        .bits = FUTEX_ALL_BITS,
    };
    long result;

    if ((1u << (call.command & 31) & SD_FUTEX_COMMANDS) == 0 || call.command & ~31 ||
        (wall && !may_wait(call.command)))
        return -ENOSYS;
    if (call.command == FUTEX_WAIT_BITSET || call.command == FUTEX_WAKE_BITSET)
        call.bits = (uint32_t)extra;
    if ((uintptr_t)address % sizeof(int) || !call.bits)
        return -EINVAL;
    if (timeout && may_wait(call.command)) {
        result = sd_timespec_deadline(timeout, call.command != FUTEX_WAIT,
                                      wall || call.command == FUTEX_LOCK_PI, &call.deadline);
        if (result)
            return result;
    }
    xen_platform_lock(&sd_futex_lock);
    result = &sd_futex_shared ? sd_futex_shared(&call) : alone(&call);
    xen_platform_unlock(&sd_futex_lock);
    return result;
}
