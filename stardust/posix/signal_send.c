/* Sending signals. There is one process, 1, which is its own group, and its threads. */
#include "sys.h"

#include <errno.h>

#include "copy.h"
#include "signals.h"
#include "task.h"

#define PROCESS 1

static bool is_valid(int number)
{
    return number >= 0 && number <= SD_SIGNALS;
}

static long send(struct sd_task *task, int number, int code)
{
    siginfo_t info = {.si_signo = number, .si_code = code, .si_pid = PROCESS};

    if (!is_valid(number))
        return -EINVAL;
    return number ? sd_signal_send(task, &info) : 0;
}

/* 0 is the sender's group, -1 everybody. */
long sd_sys_kill(int process, int number)
{
    return process > PROCESS || process < -PROCESS ? -ESRCH : send(NULL, number, SI_USER);
}

static long send_to_thread(int thread, int number)
{
    struct sd_task *task = sd_task_find(thread);

    return task ? send(task, number, SI_TKILL) : -ESRCH;
}

long sd_sys_tkill(int thread, int number)
{
    return thread <= 0 ? -EINVAL : send_to_thread(thread, number);
}

long sd_sys_tgkill(int process, int thread, int number)
{
    if (process <= 0 || thread <= 0)
        return -EINVAL;
    return process == PROCESS ? send_to_thread(thread, number) : -ESRCH;
}

static long send_info(struct sd_task *task, int number, const void *from)
{
    siginfo_t info = {0};

    if (sd_copy_in(&info, from, sizeof(info)))
        return -EFAULT;
    info.si_signo = number;
    if (!is_valid(number))
        return -EINVAL;
    return number ? sd_signal_send(task, &info) : 0;
}

/* To itself a process may say anything of a signal, to another one not that the kernel sent it. */
static long send_elsewhere(const void *from)
{
    siginfo_t info = {0};

    if (sd_copy_in(&info, from, sizeof(info)))
        return -EFAULT;
    return info.si_code >= 0 || info.si_code == SI_TKILL ? -EPERM : -ESRCH;
}

long sd_sys_rt_sigqueueinfo(int process, int number, void *info)
{
    return process == PROCESS ? send_info(NULL, number, info) : send_elsewhere(info);
}

long sd_sys_rt_tgsigqueueinfo(int process, int thread, int number, void *info)
{
    struct sd_task *task = sd_task_find(thread);

    if (process <= 0 || thread <= 0)
        return -EINVAL;
    return process == PROCESS && task ? send_info(task, number, info) : send_elsewhere(info);
}
