/*
 * Robust lists: locks that a thread holds, kept by the C library in the thread's memory and named to the
 * kernel for the thread's end (Linux's Documentation/locking/robust-futexes.rst).
 */
#include <errno.h>

#include "copy.h"
#include "futex.h"
#include "sys.h"
#include "task.h"

/* As Linux's uapi/linux/futex.h has it: a circle of links, that lie `offset` before their words. */
struct head {
    uintptr_t first;
    long offset;
    uintptr_t pending; /* being locked or unlocked just now */
};

/* A list longer than that was made to keep us busy (ROBUST_LIST_LIMIT). */
#define LIMIT 2048

#define IS_PI 1ul /* in a link */

long sd_sys_set_robust_list(void *head, size_t bytes)
{
    if (bytes != sizeof(struct head))
        return -EINVAL;
    sd_task_self()->robust_list = head;
    return 0;
}

long sd_sys_get_robust_list(int thread, void **head, size_t *bytes)
{
    const struct sd_task *task = thread ? sd_task_find(thread) : sd_task_self();
    size_t size = sizeof(struct head);

    if (!task)
        return -ESRCH;
    if (sd_copy_out(bytes, &size, sizeof(size)))
        return -EFAULT;
    return sd_copy_out(head, &task->robust_list, sizeof(task->robust_list));
}

static void owner_died(const struct sd_task *task, uintptr_t link, long offset, bool pending)
{
    int *address = (int *)((link & ~IS_PI) + (uintptr_t)offset);
    uint32_t value, died;

    if ((uintptr_t)address % sizeof(int) || sd_copy_in(&value, address, sizeof(value)))
        return;
    if ((int)(value & FUTEX_ID) != task->id) {
        /* Unlocked already, but nobody woken yet. */
        if (pending && !(link & IS_PI) && !(value & FUTEX_ID))
            sd_futex_wake(address, 1);
        return;
    }
    died = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    /* Who waits for one with an owner gets it by sd_futex_pi_exit. */
    if (!sd_copy_out(address, &died, sizeof(died)) && value & FUTEX_WAITERS && !(link & IS_PI))
        sd_futex_wake(address, 1);
}

void sd_robust_release(struct sd_task *task)
{
    struct head head;
    uintptr_t link, next;

    if (sd_copy_in(&head, task->robust_list, sizeof(head)))
        return;
    link = head.first;
    for (int i = 0; i < LIMIT && (link & ~IS_PI) != (uintptr_t)task->robust_list; i++) {
        if (sd_copy_in(&next, (const void *)(link & ~IS_PI), sizeof(next)))
            return;
        if (link != head.pending)
            owner_died(task, link, head.offset, false);
        link = next;
    }
    if (head.pending)
        owner_died(task, head.pending, head.offset, true);
}
