/*
 * The beginning and the end of the program's threads besides the main one.
 */
#define _GNU_SOURCE /* the flags of clone */

#include "clone.h"

#include <errno.h>
#include <sched.h>

#include <stardust/kernel.h>
#include <stardust/thread.h>
#include <xenlib/platform.h>
#include <xenlib/sched.h>

#include "../sched/sched.h"
#include "copy.h"
#include "futex.h"
#include "preempt.h"
#include "sys.h"
#include "task.h"
#include "x86_64/call.h"

/* Ids are those of Linux: below 32,768. */
#define ID_END 32768

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define KNOWN_FLAGS                                                                                          \
    (THREAD_FLAGS | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |              \
     CLONE_CHILD_SETTID | CLONE_DETACHED | 0xff)

struct start {
    struct sd_task task;
    uint64_t stack;
};

static struct sd_task *loaded = &sd_task_main; /* whose registers the CPU has. Upcalls off */
static bool fast_pointer;
static int main_status;

/* What a call leaves alone, and the kernel does not use, is changed only between threads of the program. */
static void load(struct sd_task *task)
{
    if (task == loaded)
        return;
    if (loaded)
        __asm__ volatile("stmxcsr %0\n\tfnstcw %1"
                         : "=m"(loaded->vector_control), "=m"(loaded->float_control));
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(task->vector_control), "m"(task->float_control));
    loaded = task;
    if (fast_pointer)
        __asm__ volatile("wrfsbase %0" ::"r"(task->thread_pointer));
    else if (xen_cpu_set_thread_pointer((const void *)task->thread_pointer))
        xen_platform_panic("thread pointer 0x%lx is refused", task->thread_pointer);
}

static void first(void)
{
    fast_pointer = xen_cpu_has_wrfsbase();
    sd_preempt_load = load;
}

/* 0 when all are taken. */
static int new_id(void)
{
    static int latest = SD_PROCESS;

    for (int tries = ID_END; tries; tries--) {
        latest = latest + 1 < ID_END ? latest + 1 : SD_PROCESS + 1;
        if (!sd_task_find(latest))
            return latest;
    }
    return 0;
}

/* The first in the new thread: goes on as the program, with an empty floating-point unit. */
static void begin(void *arg)
{
    struct start *start = arg;
    struct sd_context context = {.rip = (uintptr_t)sd_clone_entry, .rflags = SD_FLAGS, .rsp = start->stack};
    struct {
        uint16_t control, rest[11];
        uint32_t vector_control, more[121];
    } __attribute__((aligned(16)))
    vectors = {.control = start->task.float_control, .vector_control = start->task.vector_control};

    _Static_assert(sizeof(vectors) == 512, "what fxrstor loads");
    sd_context_resume(&context, &vectors);
}

static long check(unsigned flags)
{
    if ((flags & THREAD_FLAGS) == THREAD_FLAGS)
        return flags & ~(unsigned)KNOWN_FLAGS ? -EINVAL : 0;
    if ((flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) || (flags & CLONE_SIGHAND && !(flags & CLONE_VM)))
        return -EINVAL;
    return -ENOSYS;
}

static void copy_name(char *to, const char *from)
{
    for (int i = 0; i < SD_TASK_NAME_BYTES; i++)
        to[i] = from[i];
}

long sd_clone(unsigned flags, uint64_t stack, int *parent_id, int *child_id, uint64_t thread_pointer)
{
    struct sd_task *self = sd_task_self();
    struct sd_thread *thread;
    struct start *start;
    long error = check(flags);
    int id;

    if (error)
        return error;
    if (!sd_preempt_load)
        first();
    id = new_id();
    thread = id ? sd_thread_make(NULL, begin, NULL, SD_TASK_STACK_ORDER, sizeof(*start)) : NULL;
    if (!thread)
        return -EAGAIN;
    if ((flags & CLONE_PARENT_SETTID && sd_copy_out(parent_id, &id, sizeof(id))) ||
        (flags & CLONE_CHILD_SETTID && sd_copy_out(child_id, &id, sizeof(id)))) {
        sd_stack_free(thread->stack, SD_TASK_STACK_ORDER);
        return -EFAULT;
    }
    start = (struct start *)(thread + 1);
    *start = (struct start){.stack = stack};
    sd_task_init(&start->task, thread, id);
    copy_name(start->task.name, self->name);
    thread->name = start->task.name;
    thread->arg = start;
    thread->is_detached = true;
    start->task.kernel_stack = (uintptr_t)thread & ~15ul;
    start->task.thread_pointer = flags & CLONE_SETTLS ? thread_pointer : self->thread_pointer;
    if (flags & CLONE_CHILD_CLEARTID)
        start->task.clear_id = child_id;
    start->task.blocked = self->blocked;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1"
                     : "=m"(start->task.vector_control), "=m"(start->task.float_control));
    sd_thread_ready(thread);
    return id;
}

/* The process's status is what its main thread ends with. */
void sd_task_exit(int status)
{
    static struct xen_lock lock; /* guards `loaded` against a switch */
    struct sd_task *self = sd_task_self();
    int zero = 0;

    if (self == &sd_task_main)
        main_status = status;
    if (self->robust_list && &sd_robust_release)
        sd_robust_release(self);
    sd_futex_pi_exit(self->id);
    if (sd_task_leave(self))
        sd_exit(main_status & 0xff);
    if (self->clear_id && !sd_copy_out(self->clear_id, &zero, sizeof(zero)))
        (void)sd_futex_wake(self->clear_id, 1);
    xen_platform_lock(&lock);
    self->thread->task = NULL;
    loaded = NULL;
    xen_platform_unlock(&lock);
    sd_thread_exit();
}

static bool end(struct sd_task *task, void *arg)
{
    if (task != arg) {
        task->ends = true;
        sd_task_interrupt(task);
    }
    return true;
}

void sd_task_end_others(void)
{
    sd_task_each(end, sd_task_self());
}
