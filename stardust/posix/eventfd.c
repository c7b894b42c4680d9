/*
 * eventfd: a counter that is written up and read down.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <stardust/memory.h>

#include "anonymous.h"
#include "copy.h"
#include "file.h"
#include "readiness.h"
#include "sys.h"
#include "wait.h"

/* The highest value; one more would be 2^64 - 1, which is never held. */
#define LIMIT (UINT64_MAX - 1)

struct counter {
    struct sd_file file;
    struct xen_lock lock; /* guards the rest */
    struct xen_waitq changed;
    struct sd_readiness readiness;
    uint64_t value;
    bool one_by_one;
};

static struct counter *counter_of(struct sd_file *file)
{
    return xen_container_of(file, struct counter, file);
}

/* The lock is held. */
static void tell(struct counter *counter, unsigned events)
{
    xen_platform_wake(&counter->changed);
    sd_readiness_events(&counter->readiness, events);
}

static long wait(struct counter *counter)
{
    return counter->file.flags & O_NONBLOCK ? -EAGAIN
                                            : sd_wait(&counter->changed, &counter->lock, XEN_FOREVER);
}

static long counter_read(struct sd_file *file, void *buffer, size_t bytes)
{
    struct counter *counter = counter_of(file);
    uint64_t value = 0;
    long error = 0;

    if (bytes < sizeof(value))
        return -EINVAL;
    xen_platform_lock(&counter->lock);
    while (!counter->value && !error)
        error = wait(counter);
    if (!error) {
        value = counter->one_by_one ? 1 : counter->value;
        counter->value -= value;
        tell(counter, POLLOUT);
    }
    xen_platform_unlock(&counter->lock);
    if (!error)
        error = sd_copy_out(buffer, &value, sizeof(value));
    return error ? error : (long)sizeof(value);
}

static long counter_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    struct counter *counter = counter_of(file);
    uint64_t value = 0;
    long error = 0;

    if (bytes < sizeof(value))
        return -EINVAL;
    if (sd_copy_in(&value, buffer, sizeof(value)))
        return -EFAULT;
    if (value > LIMIT)
        return -EINVAL;
    xen_platform_lock(&counter->lock);
    while (value > LIMIT - counter->value && !error)
        error = wait(counter);
    if (!error) {
        counter->value += value;
        tell(counter, POLLIN);
    }
    xen_platform_unlock(&counter->lock);
    return error ? error : (long)sizeof(value);
}

static unsigned counter_ready(struct sd_file *file)
{
    uint64_t value = READ_ONCE(counter_of(file)->value);

    return (value ? POLLIN : 0u) | (value < LIMIT ? POLLOUT : 0u);
}

static struct sd_readiness *counter_readiness(struct sd_file *file)
{
    return &counter_of(file)->readiness;
}

static void counter_close(struct sd_file *file)
{
    sd_free(counter_of(file));
}

static const struct sd_file_ops ops = {
    .read = counter_read,
    .write = counter_write,
    .stat = sd_anonymous_stat,
    .ready = counter_ready,
    .readiness = counter_readiness,
    .close = counter_close,
};

long sd_sys_eventfd2(unsigned value, int flags)
{
    struct counter *counter;

    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    counter = sd_calloc(1, sizeof(*counter));
    if (!counter)
        return -ENOMEM;
    counter->file = (struct sd_file){.ops = &ops, .references = 1, .flags = O_RDWR | (flags & EFD_NONBLOCK)};
    xen_waitq_init(&counter->changed);
    sd_readiness_init(&counter->readiness);
    counter->value = value;
    counter->one_by_one = flags & EFD_SEMAPHORE;
    return sd_file_offer(&counter->file, flags);
}

long sd_sys_eventfd(unsigned value)
{
    return sd_sys_eventfd2(value, 0);
}
