/*
 * What a program may say about how its threads are scheduled: on one CPU, in turns, all alike. Policies and
 * nice values without real time are kept and given back, as Linux does; they change nothing.
 */
#define _GNU_SOURCE /* SCHED_BATCH */

#include "sys.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

#include "copy.h"
#include "task.h"

#define SCHED_DEADLINE 6
#define PRIORITIES     99 /* of FIFO and RR */

/* The caller for 0; NULL when there is none. */
static struct sd_task *find(int thread)
{
    return thread ? sd_task_find(thread) : sd_task_self();
}

static bool is_real_time(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool is_fair(int policy)
{
    return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

long sd_sys_sched_getaffinity(int thread, size_t bytes, void *set)
{
    static const uint64_t first_cpu = 1;

    if (bytes < sizeof(first_cpu) || bytes % sizeof(first_cpu))
        return -EINVAL;
    if (!find(thread))
        return -ESRCH;
    return sd_copy_out(set, &first_cpu, sizeof(first_cpu)) ? -EFAULT : (long)sizeof(first_cpu);
}

long sd_sys_sched_setaffinity(int thread, size_t bytes, const void *set)
{
    uint8_t first = 0;

    if (bytes && sd_copy_in(&first, set, sizeof(first)))
        return -EFAULT;
    if (!find(thread))
        return -ESRCH;
    return first & 1 ? 0 : -EINVAL;
}

long sd_sys_sched_getparam(int thread, struct sched_param *param)
{
    static const int priority;

    if (thread < 0 || !param)
        return -EINVAL;
    return find(thread) ? sd_copy_out(param, &priority, sizeof(priority)) : -ESRCH;
}

long sd_sys_sched_getscheduler(int thread)
{
    const struct sd_task *task = find(thread);

    if (thread < 0)
        return -EINVAL;
    return task ? task->policy : -ESRCH;
}

static long set_policy(int thread, int policy, const struct sched_param *param)
{
    struct sd_task *task = find(thread);
    int priority = 0;

    if (thread < 0 || !param)
        return -EINVAL;
    if (sd_copy_in(&priority, param, sizeof(priority)))
        return -EFAULT;
    if (!task)
        return -ESRCH;
    if (policy < 0)
        policy = task->policy;
    /* What Linux says to those that may not. */
    if (is_real_time(policy))
        return priority < 1 || priority > PRIORITIES ? -EINVAL : -EPERM;
    if (!is_fair(policy) || priority)
        return -EINVAL;
    task->policy = (uint8_t)policy;
    return 0;
}

long sd_sys_sched_setscheduler(int thread, int policy, const struct sched_param *param)
{
    return policy < 0 ? -EINVAL : set_policy(thread, policy, param);
}

long sd_sys_sched_setparam(int thread, const struct sched_param *param)
{
    return set_policy(thread, -1, param);
}

static long priority_of(int policy, long real_time)
{
    if (is_real_time(policy))
        return real_time;
    return is_fair(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long sd_sys_sched_get_priority_max(int policy)
{
    return priority_of(policy, PRIORITIES);
}

long sd_sys_sched_get_priority_min(int policy)
{
    return priority_of(policy, 1);
}

/* The threads that are meant by it: one, or of the only process and user the main one for all. */
static int meant(int which, int who, struct sd_task **task)
{
    if (which != PRIO_PROCESS && which != PRIO_PGRP && which != PRIO_USER)
        return -EINVAL;
    if (which == PRIO_PROCESS)
        *task = find(who);
    else if (!who || (which == PRIO_PGRP && who == SD_PROCESS))
        *task = sd_task_self();
    else
        *task = NULL;
    return *task ? 0 : -ESRCH;
}

/* The system call gives 20 less the nice value, which is above 0. */
long sd_sys_getpriority(int which, int who)
{
    struct sd_task *task;
    int error = meant(which, who, &task);

    return error ? error : 20 - task->nice;
}

long sd_sys_setpriority(int which, int who, int nice)
{
    struct sd_task *task;
    int error = meant(which, who, &task);

    if (error)
        return error;
    if (nice < -20)
        nice = -20;
    task->nice = (int8_t)(nice > 19 ? 19 : nice);
    return 0;
}

long sd_sys_getcpu(unsigned *cpu, unsigned *node, void *cache)
{
    static const unsigned first;

    (void)cache;
    if (cpu && sd_copy_out(cpu, &first, sizeof(first)))
        return -EFAULT;
    return node ? sd_copy_out(node, &first, sizeof(first)) : 0;
}

/* Commands as Linux's uapi/linux/membarrier.h numbers them. On one CPU every thread sees every store in
 * order. */
long sd_sys_membarrier(int command, unsigned flags, int cpu)
{
    enum { QUERY = 0, GLOBAL = 1, PRIVATE_EXPEDITED = 8, REGISTER_PRIVATE_EXPEDITED = 16 };
    static bool is_registered;

    (void)cpu;
    if (flags)
        return -EINVAL;
    switch (command) {
    case QUERY:
        return GLOBAL | PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED;
    case REGISTER_PRIVATE_EXPEDITED:
        is_registered = true;
        return 0;
    case GLOBAL:
        return 0;
    case PRIVATE_EXPEDITED:
        return is_registered ? 0 : -EPERM;
    default:
        return -EINVAL;
    }
}
