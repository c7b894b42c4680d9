/*
 * The program's threads, in the sense of clone(2): what each has besides the kernel's thread that it runs on.
 *
 * A thread of the program's runs its own code with depth 0, on its own stack, and may be preempted there. A
 * service is a call that sd_call (x86_64/call.S) makes: it raises the depth, changes to the thread's kernel
 * stack and calls; when the depth falls to 0 again and somebody wants attention, sd_attention runs: it lets
 * other threads run if their turn has come, and handles signals. An upcall finds the same depth: at 0, and if
 * attention is wanted, it makes the interrupted code call sd_attention as soon as the upcall returns.
 */
#ifndef STARDUST_POSIX_TASK_H
#define STARDUST_POSIX_TASK_H

#include <signal.h>

#include <xenlib/list.h>
#include <xenlib/platform.h>

struct sd_thread;

#define SD_TASK_NAME_BYTES 16

#define SD_PROCESS 1 /* the only one, and so its main thread */

/* Fields are the running thread's own unless a lock is named. */
struct sd_task {
    struct sd_thread *thread;
    struct xen_list link; /* in the list of all; guarded by the tasks' lock */
    int id;
    char name[SD_TASK_NAME_BYTES];
    uint64_t kernel_stack;   /* its upper end */
    uint64_t thread_pointer; /* the base of %fs */
    uint32_t vector_control; /* MXCSR, and the x87 control word, while another thread's are loaded */
    uint16_t float_control;
    volatile bool attention; /* it is to look for signals before it goes on. Any context */
    volatile bool ends;      /* its process ends: it never goes on. Any context */
    volatile bool may_rouse; /* it is within sd_wait. Any context */
    int *clear_id;           /* cleared and woken when the thread ends (set_tid_address) */
    void *robust_list;
    uint8_t policy; /* as the program set them (scheduling.c). Any thread */
    int8_t nice;
    uint64_t blocked;   /* signals, bit number - 1 */
    uint64_t pending;   /* sent to this thread; guarded by the signals' lock */
    uint64_t waits_for; /* within rt_sigtimedwait: what it takes, blocked or not */
    uint64_t restore;   /* the mask to go back to after sigsuspend and its like */
    bool restores;
    stack_t alternate; /* sigaltstack; ss_flags SS_DISABLE when there is none */
    uint64_t cpu_ns;   /* what it has used of the CPU (cpu_clock.c) */
};

/* The main thread's. */
extern struct sd_task sd_task_main;

/* The caller's; the main thread's for threads of the kernel. */
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
 * restores after. At a service's end rax is its result. For a call that is to be made again rax is the
 * service, the arguments are in their registers, and rip is the instruction that calls sd_call: of a point of
 * cancellation it lies between musl's __cp_begin and __cp_end, as that of a system call does.
 */
struct sd_context {
    uint64_t r15, r14, r13, r12, rbx, r11, r10, rflags, r9, r8, rcx, rdx, rsi, rdi, rax, rbp, rip, rsp;
};

/*
 * For an exception's frame whose rip is in the program (sd_task_in_program): the thread does what waits for
 * it (sd_task_interrupt), with the interrupted registers as its context, once the exception has returned.
 * Upcalls off.
 */
bool sd_task_in_program(void);
void sd_task_attend_at(uint64_t *rip);

/*
 * Goes on in the program with all registers from `context` and the vector state (of fxsave) from `vectors`,
 * aligned to 16: for rt_sigreturn. Both may be on the caller's stack. Depth 1, upcalls on.
 */
_Noreturn void sd_context_resume(struct sd_context *context, const void *vectors);

/* Whether a signal waits that the task does not block and does not ignore: sd_wait asks. Any context. Weak:
 * without signal.c in the image there are no signals. */
bool sd_signals_wait(const struct sd_task *task) __attribute__((weak));

/*
 * Handles what waits: makes `context` go on in a handler, on the stack that is meant for it, with a frame
 * there (struct ucontext, siginfo_t, the vector state at `vectors`) that sd_sys_rt_sigreturn goes back to;
 * several are stacked. `again` is the context for making the interrupted call again, NULL when it is not to
 * be: taken instead of `context` when no handler runs or the first has SA_RESTART; otherwise the call's
 * result is EINTR, which context->rax says already. Handlers start with the vector state of a new thread,
 * which `vectors` then holds. Signals without a handler do what they do by default, which may end the guest.
 * Depth 1, upcalls on. Called whenever the thread has been interrupted, also when nothing waits any more;
 * without it `again` is taken.
 */
void sd_signals_deliver(struct sd_task *task, struct sd_context *context, const struct sd_context *again,
                        void *vectors) __attribute__((weak));

/* The thread is no more, and its signals neither. Thread context. */
void sd_signals_forget(struct sd_task *task) __attribute__((weak));

/* What a thread begins with; the rest is zero. */
void sd_task_init(struct sd_task *task, struct sd_thread *thread, int id);

/* The caller, with depth 1, is the program's main thread from here on: with depth 0. */
void sd_task_begin(void);

/* Out of the list of all; whether it was the last. Thread context. */
bool sd_task_leave(struct sd_task *task);

/* The end of the calling thread. Weak, as the next. */
_Noreturn void sd_task_exit(int status) __attribute__((weak));

/* The robust list as Linux walks it at a thread's end: futex words that name the thread say that their owner
 * died. Weak: without robust.c there are no such lists. */
void sd_robust_release(struct sd_task *task) __attribute__((weak));

/* The end of the process has begun: the calling thread alone goes on. Weak: without clone.c there is no
 * other. */
void sd_task_end_others(void) __attribute__((weak));

#endif
