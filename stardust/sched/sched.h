/* Between the scheduler, boot and the report of a crash. Private to stardust/. */
#ifndef STARDUST_SCHED_SCHED_H
#define STARDUST_SCHED_SCHED_H

#include <stardust/thread.h>
#include <xenlib/list.h>

struct sd_cpu;

struct sd_thread {
    uint64_t rsp; /* offset 0: switch.S. Valid while it does not run */
    const char *name;
    struct xen_list link; /* in a run queue or a wait queue; guarded by the scheduler's lock */
    struct xen_waitq *queue;
    void *stack; /* the block, guard page first; NULL for the main thread */
    void (*run)(void *arg);
    void *arg;
    struct xen_waitq ended;
    bool has_ended, is_detached;
};

/* One for each vCPU. There is one vCPU today; whatever a second would need of its own is here. */
struct sd_cpu {
    struct sd_thread *current;
    struct xen_list ready; /* threads to run, in order; guarded by the scheduler's lock */
    uint32_t lock_depth;   /* locks held here */
    bool upcalls_were_on;  /* before the outermost lock */
    uint64_t programmed;   /* deadline that the one-shot timer is set to */
    uint64_t delayed;      /* xen_event_run_delayed is due */
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

/* Puts a new thread into the queue. */
void sd_thread_ready(struct sd_thread *thread);
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
