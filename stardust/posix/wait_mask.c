#include "signal_mask.h"

#include <errno.h>
#include <signal.h>

#include "copy.h"
#include "task.h"

#define ALWAYS (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1))

/* Not there in an image without threads and signals. */
#pragma weak sd_task_self

int sd_mask_enter(const void *set, size_t bytes)
{
    struct sd_task *task;
    uint64_t wanted = 0;

    if (!set)
        return 0;
    if (bytes != sizeof(wanted))
        return -EINVAL;
    if (sd_copy_in(&wanted, set, sizeof(wanted)))
        return -EFAULT;
    if (!sd_task_self)
        return 0;
    task = sd_task_self();
    task->restore = task->blocked;
    task->restores = true;
    task->blocked = wanted & ~ALWAYS;
    return 0;
}

void sd_mask_leave(const void *set, bool interrupted)
{
    struct sd_task *task;

    if (!set || interrupted || !sd_task_self)
        return;
    task = sd_task_self();
    task->blocked = task->restore;
    task->restores = false;
}
