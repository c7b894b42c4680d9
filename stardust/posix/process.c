/*
 * The one process: number 1, user root.
 */
#include "sys.h"

#include <errno.h>

#include <stardust/kernel.h>
#include <stardust/thread.h>

#include "task.h"

long sd_sys_exit(int status)
{
    if (&sd_task_exit)
        sd_task_exit(status);
    sd_exit(status & 0xff);
}

long sd_sys_exit_group(int status)
{
    if (&sd_task_end_others)
        sd_task_end_others();
    sd_exit(status & 0xff);
}

long sd_sys_getpid(void)
{
    return SD_PROCESS;
}

long sd_sys_gettid(void)
{
    return sd_task_self()->id;
}

long sd_sys_getppid(void)
{
    return 0;
}

/* It leads its group and its session. */
long sd_sys_getpgrp(void)
{
    return SD_PROCESS;
}

long sd_sys_getpgid(int process)
{
    return process == 0 || process == SD_PROCESS ? SD_PROCESS : -ESRCH;
}

long sd_sys_getsid(int process)
{
    return sd_sys_getpgid(process);
}

/* Of one that leads its session neither changes. */
long sd_sys_setpgid(int process, int group)
{
    return group < 0 ? -EINVAL : process == 0 || process == SD_PROCESS ? -EPERM : -ESRCH;
}

long sd_sys_setsid(void)
{
    return -EPERM;
}

long sd_sys_set_tid_address(int *address)
{
    struct sd_task *self = sd_task_self();

    self->clear_id = address;
    return self->id;
}

long sd_sys_sched_yield(void)
{
    sd_thread_yield();
    return 0;
}
