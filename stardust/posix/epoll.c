/*
 * The services of epoll.
 */
#include "epoll.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>

#include "anonymous.h"
#include "copy.h"
#include "epoll_set.h"
#include "poll_set.h"
#include "sys.h"
#include "timespec.h"
#include "wait_mask.h"

/* What may stand beside EPOLLEXCLUSIVE. */
#define WITH_EXCLUSIVE (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

long sd_sys_epoll_create1(int flags)
{
    struct sd_epoll *set;

    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    set = sd_epoll_new();
    return set ? sd_file_offer(&set->file, flags) : -ENOMEM;
}

long sd_sys_epoll_create(int size)
{
    return size > 0 ? sd_sys_epoll_create1(0) : -EINVAL;
}

static long change(struct sd_epoll *set, int operation, struct sd_file *file, int fd,
                   const struct epoll_event *event)
{
    struct sd_epoll_item *item;
    bool exclusive = event->events & EPOLLEXCLUSIVE;

    if (&set->file == file)
        return -EINVAL;
    if (exclusive && operation == EPOLL_CTL_MOD)
        return -EINVAL;
    if (exclusive && operation == EPOLL_CTL_ADD &&
        (sd_epoll_of(file) || event->events & ~(unsigned)WITH_EXCLUSIVE))
        return -EINVAL;
    item = sd_epoll_find(set, file, fd);
    switch (operation) {
    case EPOLL_CTL_ADD:
        return item ? -EEXIST : sd_epoll_add(set, file, fd, event);
    case EPOLL_CTL_MOD:
        if (!item)
            return -ENOENT;
        if (item->event.events & EPOLLEXCLUSIVE)
            return -EINVAL;
        sd_epoll_modify(item, event);
        return 0;
    case EPOLL_CTL_DEL:
        if (!item)
            return -ENOENT;
        sd_epoll_remove(item);
        return 0;
    default:
        return -EINVAL;
    }
}

long sd_sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    struct sd_file *set, *file;
    struct epoll_event wanted = {0};
    long result = -EBADF;

    if (operation != EPOLL_CTL_DEL && sd_copy_in(&wanted, event, sizeof(wanted)))
        return -EFAULT;
    set = sd_fd_get(epoll);
    file = sd_fd_get(fd);
    if (!set || !file)
        goto put;
    if (!file->ops->ready)
        result = -EPERM;
    else if (!sd_epoll_of(set))
        result = -EINVAL;
    else
        result = change(sd_epoll_of(set), operation, file, fd, &wanted);
put:
    if (file)
        sd_file_put(file);
    if (set)
        sd_file_put(set);
    return result;
}

/* `deadline` is 0 for not waiting. */
static long wait(int epoll, struct epoll_event *events, int count, uint64_t deadline)
{
    struct sd_file *file;
    struct sd_epoll *set;
    long result = -EINVAL;
    int error = 0;

    if (count <= 0 || count > (int)(INT_MAX / sizeof(*events)))
        return -EINVAL;
    file = sd_fd_get(epoll);
    if (!file)
        return -EBADF;
    set = sd_epoll_of(file);
    if (!set)
        goto put;
    /* What came together with the time's end counts. */
    while (!(result = sd_epoll_collect(set, events, count)) && deadline && !error)
        error = sd_epoll_sleep(set, deadline);
    if (!result && error != -ETIMEDOUT)
        result = error;
put:
    sd_file_put(file);
    return result;
}

long sd_sys_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    return wait(epoll, events, count, sd_poll_deadline(timeout_ms));
}

long sd_sys_epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout_ms, const void *set,
                        size_t set_bytes)
{
    long result = sd_mask_enter(set, set_bytes);

    if (result)
        return result;
    result = sd_sys_epoll_wait(epoll, events, count, timeout_ms);
    sd_mask_leave(set, result == -EINTR);
    return result;
}

long sd_sys_epoll_pwait2(int epoll, struct epoll_event *events, int count, const struct timespec *timeout,
                         const void *set, size_t set_bytes)
{
    uint64_t deadline = XEN_FOREVER;
    long result = timeout ? sd_timespec_deadline(timeout, false, false, &deadline) : 0;

    if (!result)
        result = sd_mask_enter(set, set_bytes);
    if (result)
        return result;
    result = wait(epoll, events, count, deadline);
    sd_mask_leave(set, result == -EINTR);
    return result;
}
