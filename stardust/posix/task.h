/*
 * The program's threads, in the sense of clone(2): what each has besides the kernel's thread that it runs on.
 *
 * A thread of the program's runs its own code with depth 0, on its own stack, and may be preempted there. A
 * service is a call that sd_call (x86_64/call.S) makes: it raises the depth, changes to the thread's kernel
 * stack and calls; when the depth falls to 0 again and somebody wants attention, sd_attention runs: it lets
 * other threads run if their turn has come, and handles signals. The timer's upcall finds the same depth: at
 * 0 it makes the interrupted code call sd_attention as soon as the upcall returns.
 */
#ifndef STARDUST_POSIX_TASK_H
#define STARDUST_POSIX_TASK_H

#include <signal.h>

#include <xenlib/list.h>
#include <xenlib/platform.h>

struct sd_thread;
struct sd_signals;

/* Fields are the running thread's own unless a lock is named. */
struct sd_task {
    struct sd_thread *thread;
    struct xen_list link; /* in the list of all; guarded by the tasks' lock */
    int id;
    int *clear_id; /* cleared and woken when the thread ends (set_tid_address) */
    void *robust_list;
    volatile int *cancel;       /* while it is at a point of cancellation: musl's flag */
    struct xen_waitq *waits_at; /* within sd_wait; guarded by the lock of sd_wait */
    uint64_t blocked;           /* signals, bit number - 1 */
    uint64_t pending;           /* sent to this thread; guarded by the signals' lock */
    uint64_t restore;           /* the mask to go back to after sigsuspend and its like */
    bool restores;
    stack_t alternate; /* sigaltstack; ss_flags SS_DISABLE when there is none */
};

/* The caller's. There always is one: the main thread's is static. */
struct sd_task *sd_task_self(void);

/* The thread of that id; NULL when there is none. Calls each() for all until it returns false. Thread
 * context; what they give lives until the caller waits. */
struct sd_task *sd_task_find(int id);
void sd_task_each(bool (*each)(struct sd_task *task, void *arg), void *arg);

/* Makes the thread look for signals soon: out of sd_wait, or when its service or its time ends. Any context.
 */
void sd_task_interrupt(struct sd_task *task);

/*
 * Where the program goes on, with all its registers: what x86_64/call.S saves before sd_attention and
 * restores after. At a service's end rax is its result; for a call that is to be made again rip is sd_call,
 * rax the service, and the arguments are in their registers.
 */
struct sd_context {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t rip, rflags, rsp;
};

/* Whether a signal waits that the task does not block and does not ignore: sd_wait asks. Any context. Weak:
 * without signal.c in the image there are no signals. */
bool sd_signals_wait(const struct sd_task *task) __attribute__((weak));

/*
 * Handles what waits: makes `context` go on in a handler, on the stack that is meant for it, with a frame
 * there (struct ucontext, siginfo_t, the vector state at `vectors`) that sd_sys_rt_sigreturn goes back to;
 * several are stacked. `again` is the context for making the interrupted call again, NULL when it is not to
 * be: taken instead of `context` when no handler runs or all that do have SA_RESTART. Signals without a
 * handler do what they do by default, which may end the guest. Depth 1, upcalls on.
 */
void sd_signals_deliver(struct sd_task *task, struct sd_context *context, const struct sd_context *again,
                        const void *vectors) __attribute__((weak));

#endif
