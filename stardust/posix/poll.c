/*
 * poll and ppoll.
 */
#include <poll.h>

#include <errno.h>
#include <stddef.h>

#include "copy.h"
#include "file.h"
#include "poll_set.h"
#include "sys.h"
#include "timespec.h"
#include "wait_mask.h"

static int add_all(struct sd_poll_set *set, const struct pollfd *fds, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        struct pollfd wanted;
        int error;

        if (sd_copy_in(&wanted, fds + i, sizeof(wanted)))
            return -EFAULT;
        error = sd_poll_add(set, wanted.fd, (unsigned short)wanted.events);
        if (error)
            return error;
    }
    return 0;
}

static int give_results(struct sd_poll_set *set, struct pollfd *fds)
{
    sd_poll_each(entry, set)
    {
        short ready = (short)entry->ready;

        if (sd_copy_out(&fds++->revents, &ready, sizeof(ready)))
            return -EFAULT;
    }
    return 0;
}

static long wait(struct pollfd *fds, unsigned long count, uint64_t deadline)
{
    struct sd_poll_set set;
    long result;

    if (count > (unsigned long)sd_fd_limit())
        return -EINVAL;
    sd_poll_begin(&set);
    result = add_all(&set, fds, count);
    if (!result)
        result = sd_poll_wait(&set, deadline);
    if (result >= 0 && give_results(&set, fds))
        result = -EFAULT;
    sd_poll_end(&set);
    return result;
}

long sd_sys_poll(struct pollfd *fds, unsigned long count, int timeout_ms)
{
    return wait(fds, count, sd_poll_deadline(timeout_ms));
}

long sd_sys_ppoll(struct pollfd *fds, unsigned long count, const struct timespec *timeout, const void *set,
                  size_t set_bytes)
{
    uint64_t deadline = XEN_FOREVER;
    long result = timeout ? sd_timespec_deadline(timeout, false, false, &deadline) : 0;

    if (!result)
        result = sd_mask_enter(set, set_bytes);
    if (result)
        return result;
    result = wait(fds, count, deadline);
    sd_mask_leave(set, result == -EINTR);
    return result;
}
