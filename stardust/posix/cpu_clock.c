/*
 * CPU time. The process's is the time for which the vCPU has run: whatever runs there, runs for the program.
 *
 * What each thread has of it is kept from the first question on, as it takes a hypercall at every switch;
 * what was used before counts as the asking thread's.
 */
#include "clock.h"

#include <errno.h>
#include <sys/times.h>
#include <time.h>

#include <xenlib/sched.h>
#include <xenlib/time.h>

#include "copy.h"
#include "preempt.h"
#include "sys.h"
#include "task.h"

#define PROCESS        1
#define TICK           (SD_SECOND / 100) /* of times(2) */
#define KIND           7                 /* of a clock below 0: ~id << 3 | kind */
#define KIND_PROCESS   2
#define KIND_THREAD    6
#define IS_PROCESS(id) ((id) == PROCESS || !(id))

static struct sd_task *counting; /* whose time it is since `since` */
static uint64_t since;

static void switched(struct sd_task *next)
{
    uint64_t now = xen_sched_cpu_time();

    if (counting)
        counting->cpu_ns += now - since;
    counting = next;
    since = now;
}

static uint64_t thread_time(struct sd_task *task)
{
    if (!sd_task_switched) {
        sd_task_switched = switched;
        counting = sd_task_self();
        since = 0;
    }
    switched(counting);
    return task->cpu_ns;
}

/* Whose a clock below 0 is. */
static int id_of(int clock)
{
    return (int)(~(unsigned)clock >> 3);
}

/* The thread's; NULL when it is none's. */
static struct sd_task *thread_of(int clock)
{
    int id = id_of(clock);

    if (clock == CLOCK_THREAD_CPUTIME_ID)
        return sd_task_self();
    if (clock >= 0 || (clock & KIND) != KIND_THREAD)
        return NULL;
    return id ? sd_task_find(id) : sd_task_self();
}

static bool is_process(int clock)
{
    return clock == CLOCK_PROCESS_CPUTIME_ID ||
           (clock < 0 && (clock & KIND) == KIND_PROCESS && IS_PROCESS(id_of(clock)));
}

int sd_cpu_clock_of(int thread)
{
    return ~thread * (KIND + 1) | KIND_THREAD;
}

bool sd_clock_is_cpu(int clock)
{
    return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

int sd_cpu_clock_read(int clock, uint64_t *ns)
{
    struct sd_task *task = thread_of(clock);

    if (!task && !is_process(clock))
        return -EINVAL;
    *ns = task ? thread_time(task) : xen_sched_cpu_time();
    return 0;
}

long sd_sys_times(struct tms *used)
{
    struct tms now = {.tms_utime = (clock_t)(xen_sched_cpu_time() / TICK)};

    if (used && sd_copy_out(used, &now, sizeof(now)))
        return -EFAULT;
    return (long)(xen_time_now() / TICK);
}
