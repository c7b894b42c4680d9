/*
 * prctl: names of threads, and the settings that programs ask for in passing.
 */
#include "sys.h"

#include <errno.h>
#include <sys/prctl.h>

#include "copy.h"
#include "task.h"

#define DEFAULT_SLACK 50000 /* ns */

/* Ends at the first zero, or is cut. */
static long set_name(struct sd_task *task, const char *name)
{
    char wanted[SD_TASK_NAME_BYTES] = {0};

    for (size_t i = 0; i + 1 < sizeof(wanted); i++) {
        if (sd_copy_in(&wanted[i], name + i, 1))
            return -EFAULT;
        if (!wanted[i])
            break;
    }
    __builtin_memcpy(task->name, wanted, sizeof(wanted));
    return 0;
}

long sd_sys_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    static bool no_new_privileges;
    static unsigned long slack = DEFAULT_SLACK;
    struct sd_task *self = sd_task_self();
    int none = 0;

    switch (option) {
    case PR_SET_NAME:
        return set_name(self, (const char *)a);
    case PR_GET_NAME:
        return sd_copy_out((void *)a, self->name, sizeof(self->name));
    case PR_GET_DUMPABLE:
        return 1;
    case PR_SET_DUMPABLE:
        return a <= 1 ? 0 : -EINVAL;
    case PR_GET_PDEATHSIG:
        return sd_copy_out((void *)a, &none, sizeof(none));
    case PR_SET_PDEATHSIG:
        return a <= 64 ? 0 : -EINVAL;
    case PR_GET_KEEPCAPS:
    case PR_GET_SECCOMP:
        return 0;
    case PR_SET_KEEPCAPS:
        return a <= 1 ? 0 : -EINVAL;
    case PR_GET_TIMERSLACK:
        return (long)slack;
    case PR_SET_TIMERSLACK:
        slack = a ? a : DEFAULT_SLACK;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return a || b || c || d ? -EINVAL : no_new_privileges;
    case PR_SET_NO_NEW_PRIVS:
        if (a != 1 || b || c || d)
            return -EINVAL;
        no_new_privileges = true;
        return 0;
    default:
        return -EINVAL;
    }
}
