/*
 * Preemption of the program's code, in place of sched/unpreempted.c. There is no tick: a slice's end is set
 * only while another thread is ready, and then once for all that run in it; timers, for which the vCPU
 * otherwise waits when it is idle, are set before the program goes on. The timer may be set for what is no
 * longer wanted: then it fires for nothing, which costs less than setting it anew.
 */
#include "preempt.h"

#include <stardust/timer.h>
#include <xenlib/time.h>

#include "../sched/sched.h"
#include "../time/timer.h"
#include "task.h"

#define SLICE (SD_SECOND / 100)

uint64_t sd_kernel_stack, sd_resume, sd_resume_rsp;
void (*sd_preempt_load)(struct sd_task *task);
void (*sd_task_switched)(struct sd_task *next);

static void set_timer(struct sd_cpu *cpu)
{
    uint64_t next = sd_timers_next() < cpu->delayed ? sd_timers_next() : cpu->delayed;

    if (cpu->programmed > cpu->slice_end && !xen_list_is_empty(&cpu->ready)) {
        cpu->slice_end = xen_time_now() + SLICE;
        if (cpu->slice_end < next)
            next = cpu->slice_end;
    }
    if (next < cpu->programmed)
        sd_sched_program(cpu, next);
}

struct xen_list *sd_ready_place(struct sd_cpu *cpu)
{
    /* For a kernel's thread, in order; the program's code is preempted at once. */
    if (!cpu->current->task)
        return &cpu->ready;
    if (cpu->place)
        return cpu->place;
    if (!cpu->upcalls_were_on) {
        cpu->turn_over = true;
        sd_want_attention();
        return cpu->ready.next;
    }
    if (cpu->programmed > cpu->slice_end)
        sd_want_attention();
    return &cpu->ready;
}

void sd_switched(struct sd_cpu *cpu)
{
    struct sd_task *task = cpu->current->task;

    cpu->turn_over = false;
    if (sd_task_switched)
        sd_task_switched(task);
    if (!task)
        return;
    sd_kernel_stack = task->kernel_stack;
    sd_depth = task->attention ? 1 : SD_CALM | 1;
    if (sd_preempt_load)
        sd_preempt_load(task);
    set_timer(cpu);
}

void sd_preempt_attend(void)
{
    static struct xen_lock lock; /* guards nothing but against upcalls */
    struct sd_cpu *cpu = sd_this_cpu();
    bool yield = false;

    xen_platform_lock(&lock);
    sd_depth |= SD_CALM;
    if (cpu->turn_over) {
        cpu->place = cpu->ready.next;
        sd_sched_run_timers(cpu);
        cpu->place = NULL;
        yield = !xen_list_is_empty(&cpu->ready);
        cpu->turn_over = false;
    }
    if (!yield)
        set_timer(cpu);
    xen_platform_unlock(&lock);
    if (yield)
        sd_thread_yield();
}

bool sd_task_in_program(void)
{
    return !(sd_depth & ~SD_CALM);
}

void sd_task_attend_at(uint64_t *rip)
{
    sd_depth = 1;
    sd_resume = *rip;
    *rip = (uintptr_t)sd_preempted;
}

/* In a call that has left its stack, but not yet looked whether attention is wanted, the look is put off. */
void xen_platform_upcall_done(uint64_t *resume)
{
    if (sd_depth)
        return;
    if (*resume == (uintptr_t)sd_call_left || *resume == (uintptr_t)sd_call_attends) {
        sd_depth = 1;
        *resume = (uintptr_t)sd_call_leaves;
        return;
    }
    sd_task_attend_at(resume);
}
