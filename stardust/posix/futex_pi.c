/*
 * Locks whose owner the word names (FUTEX_LOCK_PI). There are no priorities to inherit here, all threads have
 * the same; what remains is that the kernel hands the lock over, in the order in which they came, and knows
 * when its owner dies.
 */
#include <errno.h>

#include "copy.h"
#include "futex.h"
#include "task.h"
#include "wait.h"

static struct sd_futex_waiter *first_waiter(const int *address)
{
    xen_list_each(item, sd_futex_bucket(address))
    {
        struct sd_futex_waiter *waiter = xen_container_of(item, struct sd_futex_waiter, link);

        if (waiter->address == address)
            return waiter;
    }
    return NULL;
}

/* The word is the waiter's from now on, and all others wait for it. */
static int hand_over(struct sd_futex_waiter *waiter, uint32_t bits)
{
    /* That somebody waits may be true no more when it unlocks; then the kernel finds nobody. */
    uint32_t value = (uint32_t)waiter->id | FUTEX_WAITERS | bits;
    int *address = (int *)(uintptr_t)waiter->address;

    if (sd_copy_out(address, &value, sizeof(value)))
        return -EFAULT;
    xen_list_each(item, sd_futex_bucket(address))
    {
        struct sd_futex_waiter *other = xen_container_of(item, struct sd_futex_waiter, link);

        if (other->address == address)
            other->owner = waiter->id;
    }
    sd_futex_rouse(waiter);
    return 0;
}

static long lock(const struct sd_futex_call *call)
{
    struct sd_futex_waiter self = {
        .address = call->address, .bits = FUTEX_ALL_BITS, .id = sd_task_self()->id};
    const struct sd_futex_waiter *first = first_waiter(call->address);
    uint32_t value = 0;
    int error;

    if (first && !first->id)
        return -EINVAL;
    error = sd_futex_pi_take(call->address, first ? FUTEX_WAITERS : 0, &value);
    if (error != -EBUSY)
        return error;
    self.owner = (int)(value & FUTEX_ID);
    if (!sd_task_find(self.owner))
        return -ESRCH;
    if (call->command == FUTEX_TRYLOCK_PI)
        return -EAGAIN;
    value |= FUTEX_WAITERS;
    if (sd_copy_out(call->address, &value, sizeof(value)))
        return -EFAULT;
    xen_list_insert(sd_futex_bucket(call->address), &self.link);
    return sd_futex_sleep(&self, call->deadline);
}

static long unlock(const struct sd_futex_call *call)
{
    struct sd_futex_waiter *first = first_waiter(call->address);
    uint32_t free = 0;
    int error = sd_futex_pi_is_own(call->address);

    if (error)
        return error;
    if (!first)
        return sd_copy_out(call->address, &free, sizeof(free));
    return first->id ? hand_over(first, 0) : -EINVAL;
}

long sd_futex_pi(const struct sd_futex_call *call)
{
    return call->command == FUTEX_UNLOCK_PI ? unlock(call) : lock(call);
}

static void give_up(struct xen_list *bucket, int id)
{
    bool found;

    do {
        found = false;
        xen_list_each(item, bucket)
        {
            struct sd_futex_waiter *waiter = xen_container_of(item, struct sd_futex_waiter, link);

            found = waiter->owner == id;
            if (!found)
                continue;
            /* The list has changed, or the word is gone: then nobody hands it over any more. */
            if (hand_over(waiter, FUTEX_OWNER_DIED))
                waiter->owner = -1;
            break;
        }
    } while (found);
}

void sd_futex_pi_exit(int id)
{
    xen_platform_lock(&sd_futex_lock);
    sd_futex_each_bucket(give_up, id);
    xen_platform_unlock(&sd_futex_lock);
}
