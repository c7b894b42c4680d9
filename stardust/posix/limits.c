/*
 * Limits of resources, and what has been used of them. There is one process.
 */
#include "sys.h"

#include <errno.h>
#include <sys/resource.h>

#include <stardust/memory.h>
#include <xenlib/sched.h>
#include <xenlib/trap.h>
#include <xenlib/types.h>

#include "../mem/mem.h"
#include "copy.h"
#include "file.h"
#include "main_stack.h"
#include "vm.h"

#define NS_PER_SEC  1000000000ull
#define KIB         1024
#define DESCRIPTORS 1024 /* as many as a shell gives; more on request */

/* Given by Linux to a process of root's, where we have nothing of our own to say. */
static struct rlimit limits[RLIM_NLIMITS] = {
    [RLIMIT_CPU] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_FSIZE] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_DATA] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_CORE] = {0, RLIM_INFINITY},
    [RLIMIT_RSS] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_NPROC] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_NOFILE] = {DESCRIPTORS, SD_FD_MAX},
    [RLIMIT_MEMLOCK] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_AS] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_LOCKS] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_SIGPENDING] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_MSGQUEUE] = {819200, 819200},
    [RLIMIT_NICE] = {0, 0},
    [RLIMIT_RTPRIO] = {0, 0},
    [RLIMIT_RTTIME] = {RLIM_INFINITY, RLIM_INFINITY},
};

static struct rlimit get(int resource)
{
    struct rlimit *stack = &limits[RLIMIT_STACK];

    /* Until it is set. Only where it grows is there no end to it. */
    if (!stack->rlim_max) {
        stack->rlim_cur = sd_main_stack_bytes();
        stack->rlim_max = xen_trap_stacks_may_fault() ? RLIM_INFINITY : stack->rlim_cur;
    }
    return limits[resource];
}

/* root may raise what it likes, except above what the guest itself has. */
static int set(int resource, const struct rlimit *wanted)
{
    if (wanted->rlim_cur > wanted->rlim_max)
        return -EINVAL;
    if (resource == RLIMIT_NOFILE && wanted->rlim_max > SD_FD_MAX)
        return -EPERM;
    if (resource == RLIMIT_STACK && !sd_main_stack_resize(wanted->rlim_cur))
        return -EPERM;
    limits[resource] = *wanted;
    if (resource == RLIMIT_NOFILE)
        sd_fd_set_limit((int)wanted->rlim_cur);
    if (resource == RLIMIT_AS)
        sd_vm_limit = wanted->rlim_cur;
    return 0;
}

long sd_sys_prlimit64(int process, int resource, const struct rlimit *wanted, struct rlimit *old)
{
    struct rlimit now, next = {0};
    int error = 0;

    if (resource < 0 || resource >= RLIM_NLIMITS)
        return -EINVAL;
    if (process && process != (int)sd_sys_getpid())
        return -ESRCH;
    now = get(resource);
    if (wanted)
        error = sd_copy_in(&next, wanted, sizeof(next));
    if (!error && wanted)
        error = set(resource, &next);
    if (!error && old)
        error = sd_copy_out(old, &now, sizeof(now));
    return error;
}

long sd_sys_getrlimit(int resource, struct rlimit *limit)
{
    long error = sd_sys_prlimit64(0, resource, NULL, limit);

    return error || limit ? error : -EFAULT;
}

long sd_sys_setrlimit(int resource, const struct rlimit *limit)
{
    struct rlimit wanted = {0};
    long error = sd_sys_prlimit64(0, resource, NULL, NULL);

    if (!error)
        error = sd_copy_in(&wanted, limit, sizeof(wanted));
    return error ? error : set(resource, &wanted);
}

/* All time is the program's: a service is a call of its own. */
long sd_sys_getrusage(int who, struct rusage *used)
{
    uint64_t ns = who == RUSAGE_CHILDREN ? 0 : xen_sched_cpu_time();
    struct sd_memory_stats memory;
    struct rusage usage = {0};

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    usage.ru_utime.tv_sec = (time_t)(ns / NS_PER_SEC);
    usage.ru_utime.tv_usec = (suseconds_t)(ns % NS_PER_SEC / 1000);
    if (who != RUSAGE_CHILDREN) {
        sd_page_stats(&memory);
        usage.ru_maxrss = (long)((memory.pages_total - memory.pages_fewest) * (XEN_PAGE_SIZE / KIB));
    }
    return sd_copy_out(used, &usage, sizeof(usage));
}
