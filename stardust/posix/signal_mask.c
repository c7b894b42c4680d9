/*
 * The mask of a thread. By itself it needs no signals: without signal_queue.c in the image none is ever sent.
 */
#include "signals.h"

#include <errno.h>

#include "copy.h"
#include "sys.h"
#include "task.h"

int sd_signal_set_in(uint64_t *set, const void *from, size_t bytes)
{
    uint64_t wanted = 0;

    if (bytes != sizeof(wanted))
        return -EINVAL;
    if (sd_copy_in(&wanted, from, sizeof(wanted)))
        return -EFAULT;
    *set = wanted & ~SD_SIGNALS_FIRM;
    return 0;
}

void sd_signal_set_mask(uint64_t mask)
{
    struct sd_task *self = sd_task_self();
    uint64_t before = self->blocked;

    self->blocked = mask & ~SD_SIGNALS_FIRM;
    if (sd_signals_mask_changed && self->blocked != before)
        sd_signals_mask_changed(self, before);
}

long sd_sys_rt_sigprocmask(int how, const void *set, void *old, size_t set_bytes)
{
    uint64_t before = sd_task_self()->blocked, wanted = 0;

    if (set_bytes != SD_SIGNAL_SET_BYTES)
        return -EINVAL;
    if (set) {
        if (sd_signal_set_in(&wanted, set, set_bytes))
            return -EFAULT;
        if (how == SIG_BLOCK)
            wanted |= before;
        else if (how == SIG_UNBLOCK)
            wanted = before & ~wanted;
        else if (how != SIG_SETMASK)
            return -EINVAL;
        sd_signal_set_mask(wanted);
    }
    return old ? sd_copy_out(old, &before, sizeof(before)) : 0;
}

int sd_signal_wait_mask(const void *set, size_t bytes)
{
    struct sd_task *self = sd_task_self();
    uint64_t wanted;
    int error;

    if (!set)
        return 0;
    error = sd_signal_set_in(&wanted, set, bytes);
    if (error)
        return error;
    self->restore = self->blocked;
    self->restores = true;
    sd_signal_set_mask(wanted);
    return 0;
}

void sd_signal_wait_mask_end(bool interrupted)
{
    struct sd_task *self = sd_task_self();

    /* Who handles signals restores the mask; where none waits, nobody would. */
    if (!self->restores || (interrupted && sd_signals_wait && sd_signals_wait(self)))
        return;
    self->restores = false;
    sd_signal_set_mask(self->restore);
}
