/* Between the scheduler, boot and the report of a crash. Private to stardust/. */
#ifndef STARDUST_SCHED_SCHED_H
#define STARDUST_SCHED_SCHED_H

#include <stardust/thread.h>
#include <xenlib/list.h>

struct sd_cpu;
struct sd_task;

struct sd_thread {
    uint64_t rsp; /* offset 0: switch.S. Valid while it does not run */
    const char *name;
    struct xen_list link; /* in a run queue or a wait queue; guarded by the scheduler's lock */
    struct xen_waitq *queue;
    void *stack; /* the block, guard page first; of the main thread that page, or NULL for the boot stack's */
    unsigned stack_order;
    void (*run)(void *arg);
    void *arg;
    struct xen_waitq ended;
    bool has_ended, is_detached;
    struct sd_task *task; /* of a program's thread (posix/task.h); NULL for the kernel's own */
};

/*
 * How deep in the kernel this vCPU is: 1, or 0 in the code of a program that uses the C library, which may be
 * preempted there. SD_CALM is set besides while nobody wants its attention (posix/x86_64/call.S).
 */
#define SD_CALM 0x80000000u
extern uint32_t sd_depth;

/* Wants it: for a thread that became ready, a timer, a signal. Any context. */
static inline void sd_want_attention(void)
{
    __asm__ volatile("andl %1, %0" : "+m"(sd_depth) : "i"(~SD_CALM));
}

/* One for each vCPU. There is one vCPU today; whatever a second would need of its own is here. */
struct sd_cpu {
    struct sd_thread *current;
    struct xen_list ready;  /* threads to run, in order; guarded by the scheduler's lock */
    uint32_t lock_depth;    /* locks held here */
    bool upcalls_were_on;   /* before the outermost lock */
    uint64_t programmed;    /* deadline that the one-shot timer is set to */
    uint64_t delayed;       /* xen_event_run_delayed is due */
    uint64_t slice_end;     /* until when the timer is set, at the latest, if others are ready (preempt.c) */
    struct xen_list *place; /* where threads that become ready are inserted, while timers preempt */
    bool turn_over;         /* others that are ready are to run before the program goes on */
    struct sd_thread main;
};
extern struct sd_cpu sd_cpus[];

static inline struct sd_cpu *sd_this_cpu(void)
{
    return &sd_cpus[0];
}

/* Makes the running flow the main thread. Before the first lock. */
void sd_sched_init(void);

/* Binds the timer. After events work. 0 or a negative errno. */
int sd_sched_start(void) xen_must_check;

/* Calls what time has brought, if it is due: timers, and events whose unmasking was put off. Gives the next
 * deadline. Thread context. */
uint64_t sd_sched_run_timers(struct sd_cpu *cpu);
/* Sets the one-shot timer. */
void sd_sched_program(struct sd_cpu *cpu, uint64_t deadline);

/* Puts a new thread into the queue. */
void sd_thread_ready(struct sd_thread *thread);
/* Ends the wait of a thread as a wake-up would; whether it waited. Any context. */
bool sd_thread_rouse(struct sd_thread *thread);
/* A stack of 2^order pages, of which the lowest is not mapped; NULL without memory. Thread context. */
void *sd_stack_alloc(unsigned order);
void sd_stack_free(void *stack, unsigned order);

/* A thread with such a stack, that is not ready yet; `extra` bytes behind its struct are left for the caller.
 * NULL without memory. Thread context. */
struct sd_thread *sd_thread_make(const char *name, void (*run)(void *arg), void *arg, unsigned order,
                                 size_t extra);

/*
 * What posix/preempt.c defines for programs that are preempted, and unpreempted.c for all others. With
 * upcalls off: where in the queue a thread goes that has become ready, and that this vCPU goes on with
 * another one.
 */
struct xen_list *sd_ready_place(struct sd_cpu *cpu);
void sd_switched(struct sd_cpu *cpu);

/* First thing that a new thread does: lets go of the lock that its predecessor switched with. */
void sd_sched_first_run(void);
/* Leaves the current thread for good. */
_Noreturn void sd_sched_end_current(void);

/* switch.S: saves what a call must keep, and *from; goes on where `to` left off. */
void sd_switch(uint64_t *from, uint64_t to);
/* switch.S: the first code of a thread, which calls sd_thread_main. */
void sd_thread_entry(void);
_Noreturn void sd_thread_main(void);

#endif
