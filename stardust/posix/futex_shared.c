/*
 * futex between threads: who waits stands in a list with others whose addresses hash alike, in the order in
 * which they came.
 */
#include "futex.h"

#include <errno.h>

#include "copy.h"
#include "wait.h"

#define BUCKETS_LOG 6
#define BUCKETS     (1 << BUCKETS_LOG)

static struct xen_list buckets[BUCKETS];

struct xen_list *sd_futex_bucket(const int *address)
{
    /* By the golden ratio, whose product has an address's differences in its upper bits. */
    struct xen_list *bucket = &buckets[(uintptr_t)address * 0x9e3779b97f4a7c15u >> (64 - BUCKETS_LOG)];

    if (!bucket->next)
        xen_list_init(bucket);
    return bucket;
}

void sd_futex_each_bucket(void (*each)(struct xen_list *bucket, int id), int id)
{
    for (int i = 0; i < BUCKETS; i++)
        if (buckets[i].next)
            each(&buckets[i], id);
}

void sd_futex_rouse(struct sd_futex_waiter *waiter)
{
    waiter->woken = true;
    xen_list_remove(&waiter->link);
    xen_platform_wake(&waiter->queue);
}

static long wait(const struct sd_futex_call *call)
{
    struct sd_futex_waiter self = {.address = call->address, .bits = call->bits};
    int value = 0;

    if (sd_copy_in(&value, call->address, sizeof(value)))
        return -EFAULT;
    if (value != call->value)
        return -EAGAIN;
    xen_list_insert(sd_futex_bucket(call->address), &self.link);
    return sd_futex_sleep(&self, call->deadline);
}

/* Wakes up to `count` and lets up to `moved` wait at `other` instead. */
static long wake(const int *address, uint32_t bits, int count, const int *other, int moved)
{
    struct xen_list *bucket = sd_futex_bucket(address);
    long done = 0;

    xen_list_each(item, bucket)
    {
        struct sd_futex_waiter *waiter = xen_container_of(item, struct sd_futex_waiter, link);

        if (waiter->address != address || !(waiter->bits & bits))
            continue;
        if (waiter->id)
            return -EINVAL;
        if (count > 0) {
            count--;
            sd_futex_rouse(waiter);
        } else if (moved > 0) {
            moved--;
            waiter->address = other;
            xen_list_remove(&waiter->link);
            xen_list_insert(sd_futex_bucket(other), &waiter->link);
        } else {
            break;
        }
        done++;
    }
    return done;
}

static long requeue(const struct sd_futex_call *call)
{
    int value = call->extra;

    if (call->value < 0 || call->moved < 0 || (uintptr_t)call->other % sizeof(int))
        return -EINVAL;
    if (call->command == FUTEX_CMP_REQUEUE && sd_copy_in(&value, call->address, sizeof(value)))
        return -EFAULT;
    if (value != call->extra)
        return -EAGAIN;
    return wake(call->address, FUTEX_ALL_BITS, call->value, call->other,
                call->other == call->address ? 0 : call->moved);
}

/* What WAKE_OP does to the other word, and what it asks of it before: op, comparison and two numbers of 12
 * bits. */
static int operate(unsigned op, int number, int *word)
{
    if (op & 8)
        number = (int)(1u << (number & 31));
    switch (op & 7) {
    case 0:
        *word = number;
        return 0;
    case 1:
        *word = (int)((unsigned)*word + (unsigned)number);
        return 0;
    case 2:
        *word |= number;
        return 0;
    case 3:
        *word &= ~number;
        return 0;
    case 4:
        *word ^= number;
        return 0;
    default:
        return -ENOSYS;
    }
}

static int compare(unsigned comparison, int word, int number)
{
    switch (comparison) {
    case 0:
        return word == number;
    case 1:
        return word != number;
    case 2:
        return word < number;
    case 3:
        return word <= number;
    case 4:
        return word > number;
    case 5:
        return word >= number;
    default:
        return -ENOSYS;
    }
}

static long wake_op(const struct sd_futex_call *call)
{
    unsigned code = (unsigned)call->extra;
    int word = 0, before, error, holds;
    long done;

    if ((uintptr_t)call->other % sizeof(int))
        return -EINVAL;
    if (sd_copy_in(&word, call->other, sizeof(word)))
        return -EFAULT;
    before = word;
    error = operate(code >> 28, (int)(code << 8) >> 20, &word);
    holds = compare(code >> 24 & 15, before, (int)(code << 20) >> 20);
    if (error || holds < 0)
        return -ENOSYS;
    if (sd_copy_out(call->other, &word, sizeof(word)))
        return -EFAULT;
    done = wake(call->address, FUTEX_ALL_BITS, call->value > 0 ? call->value : 1, NULL, 0);
    if (done >= 0 && holds)
        done += wake(call->other, FUTEX_ALL_BITS, call->moved > 0 ? call->moved : 1, NULL, 0);
    return done;
}

long sd_futex_shared(const struct sd_futex_call *call)
{
    switch (call->command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return wait(call);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return wake(call->address, call->bits, call->value > 0 ? call->value : 1, NULL, 0);
    case FUTEX_WAKE_OP:
        return wake_op(call);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        return requeue(call);
    default:
        return sd_futex_pi(call);
    }
}

long sd_futex_wake(int *address, int count)
{
    long done;

    xen_platform_lock(&sd_futex_lock);
    done = wake(address, FUTEX_ALL_BITS, count, NULL, 0);
    xen_platform_unlock(&sd_futex_lock);
    return done;
}
