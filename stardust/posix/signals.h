/*
 * Signals of the one process: which wait, for whom, and what is to be done with them. Private to
 * stardust/posix. task.h has what a thread keeps of them, and what the edge to the program calls.
 *
 * Which file a service is in decides what a program carries: the mask's alone (signal_mask.c) brings in none
 * of the others, so that threads can be had without signals.
 */
#ifndef STARDUST_POSIX_SIGNALS_H
#define STARDUST_POSIX_SIGNALS_H

#include <signal.h>

#include <xenlib/list.h>
#include <xenlib/types.h>

struct sd_task;

#define SD_SIGNALS 64
/* The bytes of a set as the system calls take it. */
#define SD_SIGNAL_SET_BYTES 8
/* From here on each one sent is kept, and in order; of those before, one. */
#define SD_SIGNAL_REAL_TIME 32

#define SD_SIGNAL_BIT(number) (1ull << ((number)-1)) /* for constants */

static inline uint64_t sd_signal_bit(int number)
{
    return SD_SIGNAL_BIT(number);
}

/* Nobody can block, ignore or handle these. */
#define SD_SIGNALS_FIRM (SD_SIGNAL_BIT(SIGKILL) | SD_SIGNAL_BIT(SIGSTOP))

/* What rt_sigaction takes; not what a program sees (musl's ksigaction.h). */
struct sd_action {
    void (*handler)(int number);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* ---- signal_queue.c ---- */

/* Gives a signal another action; where that ignores it, those that wait are dropped. Thread context. */
void sd_signal_act(int number, const struct sd_action *action);
bool sd_signal_is_ignored(int number);

/* A signal that waits. */
struct sd_signal {
    struct xen_list link; /* in the queue, or in none */
    struct sd_task *task; /* whom it is for; NULL: the process, and that is any thread */
    siginfo_t info;
    /* Of a timer's, which it owns: told that it is handled or dropped now; may change what is told of it, and
     * start the timer again, but send nothing. NULL: it is the queue's. */
    void (*taken)(struct sd_signal *signal, siginfo_t *info);
};

/*
 * Sends info->si_signo to a thread, or with NULL to the process. 0, also when it is ignored or waits already;
 * -EAGAIN when a real-time signal's value finds no place. Thread context.
 */
int sd_signal_send(struct sd_task *task, const siginfo_t *info);

enum sd_signal_sent { SD_SIGNAL_QUEUED, SD_SIGNAL_WAITS_ALREADY, SD_SIGNAL_IGNORED };

/* Sends a signal of the caller's own, initialised with sd_signal_init, which allocates nothing; `task` must
 * live. As a timer's callback may. */
enum sd_signal_sent sd_signal_send_own(struct sd_signal *signal);
void sd_signal_init(struct sd_signal *signal);
/* Takes it back if it waits. */
void sd_signal_withdraw(struct sd_signal *signal);

/* Takes the first signal of the set that waits for the thread, its own before the process's. Its number; 0
 * when none does. Thread context. */
int sd_signal_take(struct sd_task *task, uint64_t set, siginfo_t *info);

/* All that wait for the thread or for the process, blocked or not. */
uint64_t sd_signals_pending(const struct sd_task *task);

/* The mask of a thread was `before`. Weak, for those who can do without the rest. */
void sd_signals_mask_changed(struct sd_task *task, uint64_t before) __attribute__((weak));

/* ---- signal_mask.c ---- */

/* The caller's mask from now on. */
void sd_signal_set_mask(uint64_t mask);

/* A set of the program's. 0, -EINVAL for another size, -EFAULT. */
int sd_signal_set_in(uint64_t *set, const void *from, size_t bytes) xen_must_check;

/*
 * For calls that wait with another mask (ppoll, pselect6, epoll_pwait, rt_sigsuspend): sets the program's
 * mask for the wait; NULL leaves it. 0, -EINVAL, -EFAULT. After the wait _end is called, which puts the old
 * one back, unless `interrupted`: then handlers run first, with the mask of the wait, and after them that is
 * done.
 */
int sd_signal_wait_mask(const void *set, size_t bytes) xen_must_check;
void sd_signal_wait_mask_end(bool interrupted);

/* ---- signal_pipe.c ---- */

/* SIGPIPE to the caller, as a write to a pipe or socket that nobody reads any more sends it. A program
 * without signals ends by it. */
void sd_signal_pipe(void);

/* ---- signal_deliver.c ---- */

struct sd_context;

/* What is to be done with each; changed by sd_signal_act alone. Here, so that who sends signals brings in
 * their handling. */
extern struct sd_action sd_actions[SD_SIGNALS];

/* Where an exception came from: goes into the frame of its handler. */
struct sd_fault {
    uint64_t vector, error, address;
};

/*
 * Calls the handler of a signal that has one: `context` goes on there, with the mask and the stack that the
 * action says and the vector state of a program's start; what they were is in the frame there. Ends the guest
 * with a report when the frame cannot be written. `fault` may be NULL.
 */
void sd_signal_handle(struct sd_task *task, const siginfo_t *info, struct sd_context *context, void *vectors,
                      const struct sd_fault *fault);

/* Ends the guest by a signal as its default action is, the core-like ones with a report of the program at
 * `context`. `why` comes first there; NULL for that it ended itself. */
_Noreturn void sd_signal_end(int number, const struct sd_context *context, const struct sd_fault *fault,
                             const char *why);

/* ---- signal_trap.c ---- */

struct xen_trap_frame;

/* For sd_trap_hook (stardust/trap/report.h): an exception of the program's own that it has a handler for. */
bool sd_signal_trap(struct xen_trap_frame *frame);

/* ---- x86_64/signal_frame.c ---- */

#define SD_SIGNAL_AUTODISARM ((int)(1u << 31)) /* SS_AUTODISARM, in the flags of an alternate stack */

/* Whether the stack pointer is on the alternate stack. */
bool sd_signal_on_alternate(const struct sd_task *task, uint64_t rsp);

/* Writes a handler's frame, with `mask` to go back to, and makes `context` and `vectors` those of its start.
 * 0, or -EFAULT with both as they were. */
int sd_signal_enter(struct sd_task *task, const struct sd_action *action, const siginfo_t *info,
                    uint64_t mask, struct sd_context *context, void *vectors,
                    const struct sd_fault *fault) xen_must_check;

#endif
