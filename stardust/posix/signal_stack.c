/* The alternate stack for handlers. */
#include "sys.h"

#include <errno.h>

#include "copy.h"
#include "signals.h"
#include "task.h"
#include "x86_64/caller.h"

long sd_sys_sigaltstack(const void *wanted, void *old)
{
    struct sd_task *self = sd_task_self();
    bool is_used = sd_signal_on_alternate(self, sd_caller()->rsp);
    stack_t now = {0}, before = self->alternate;

    before.ss_flags &= SD_SIGNAL_AUTODISARM;
    before.ss_flags |= before.ss_size ? (is_used ? SS_ONSTACK : 0) : SS_DISABLE;
    if (wanted) {
        int mode;

        if (sd_copy_in(&now, wanted, sizeof(now)))
            return -EFAULT;
        if (is_used)
            return -EPERM;
        mode = now.ss_flags & ~SD_SIGNAL_AUTODISARM;
        if (mode && mode != SS_DISABLE && mode != SS_ONSTACK)
            return -EINVAL;
        if (mode != SS_DISABLE && now.ss_size < MINSIGSTKSZ)
            return -ENOMEM;
        if (mode == SS_DISABLE)
            now = (stack_t){.ss_flags = now.ss_flags};
        self->alternate = now;
    }
    return old ? sd_copy_out(old, &before, sizeof(before)) : 0;
}
