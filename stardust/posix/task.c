/*
 * The program's threads: who they are, and what happens when one is called away from its code.
 */
#include "task.h"

#include <errno.h>

#include <xenlib/memory.h>
#include <xenlib/sched.h>

#include "../sched/sched.h"
#include "preempt.h"
#include "wait.h"
#include "x86_64/call.h"

struct sd_task sd_task_main;

static struct xen_lock list_lock; /* guards the list */
static struct xen_list tasks = {&tasks, &tasks};

struct sd_task *sd_task_self(void)
{
    struct sd_task *task = sd_this_cpu()->current->task;

    return task ? task : &sd_task_main;
}

void sd_task_interrupt(struct sd_task *task)
{
    task->attention = true;
    if (task->thread == sd_this_cpu()->current)
        sd_want_attention();
    if (task->may_rouse)
        sd_thread_rouse(task->thread);
}

int sd_wait(struct xen_waitq *queue, struct xen_lock *lock, uint64_t deadline)
{
    struct sd_task *task = sd_this_cpu()->current->task;
    int error;

    if (task && &sd_signals_wait && sd_signals_wait(task)) {
        task->attention = true;
        sd_want_attention();
        return -SD_RESTART;
    }
    if (task)
        task->may_rouse = true;
    error = xen_platform_wait(queue, lock, deadline);
    if (task)
        task->may_rouse = false;
    return error;
}

void sd_task_init(struct sd_task *task, struct sd_thread *thread, int id)
{
    task->thread = thread;
    task->id = id;
    task->alternate.ss_flags = SS_DISABLE;
    thread->task = task;
    xen_platform_lock(&list_lock);
    xen_list_insert(&tasks, &task->link);
    xen_platform_unlock(&list_lock);
}

bool sd_task_leave(struct sd_task *task)
{
    bool was_last;

    xen_platform_lock(&list_lock);
    xen_list_remove(&task->link);
    was_last = xen_list_is_empty(&tasks);
    xen_platform_unlock(&list_lock);
    if (&sd_signals_forget)
        sd_signals_forget(task);
    return was_last;
}

void sd_task_each(bool (*each)(struct sd_task *task, void *arg), void *arg)
{
    xen_platform_lock(&list_lock);
    xen_list_each(item, &tasks) if (!each(xen_container_of(item, struct sd_task, link), arg)) break;
    xen_platform_unlock(&list_lock);
}

struct sd_task *sd_task_find(int id)
{
    struct sd_task *found = NULL;

    xen_platform_lock(&list_lock);
    xen_list_each(item, &tasks) if (xen_container_of(item, struct sd_task, link)->id == id) found =
        xen_container_of(item, struct sd_task, link);
    xen_platform_unlock(&list_lock);
    return found;
}

/* Its kernel stack is none that it stands on now. */
void sd_task_begin(void)
{
    char *stack = sd_stack_alloc(SD_TASK_STACK_ORDER);

    if (!stack)
        xen_platform_panic("no memory for the main thread");
    sd_kernel_stack = sd_task_main.kernel_stack = (uintptr_t)stack + (XEN_PAGE_SIZE << SD_TASK_STACK_ORDER);
    sd_task_init(&sd_task_main, &sd_cpus[0].main, SD_PROCESS);
    __asm__ volatile("decl %0" : "+m"(sd_depth)::"memory");
}

long sd_set_thread_pointer(uint64_t address)
{
    sd_task_self()->thread_pointer = address;
    return xen_cpu_set_thread_pointer((const void *)address);
}

/*
 * What the program's registers are saved for (x86_64/call.S): it is preempted, then `service` is 0, or a
 * service ends. Changes `context` to where it goes on.
 */
void sd_attention(struct sd_context *context, void *vectors, uint64_t service)
{
    struct sd_task *task = sd_task_self();
    struct sd_context again;
    bool restart = service && context->rax == (uint64_t)-SD_RESTART;

    if (restart) {
        again = *context;
        again.rax = service;
        again.rip -= SD_CALL_BYTES;
        context->rax = (uint64_t)-EINTR;
    }
    task->attention = false;
    sd_preempt_attend();
    if (task->ends)
        sd_thread_sleep_until(XEN_FOREVER);
    if (&sd_signals_deliver)
        sd_signals_deliver(task, context, restart ? &again : NULL, vectors);
    else if (restart)
        *context = again;
}
