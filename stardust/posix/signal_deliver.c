/*
 * Handling what waits, where a thread goes on in the program. Several handlers are stacked: the frame of one
 * is where the next one comes back to, so that the last runs first, as on Linux.
 */
#include "signals.h"

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <xenlib/trap.h>

#include "../trap/report.h"
#include "task.h"

struct sd_action sd_actions[SD_SIGNALS];

/* Linux writes a core file. */
#define WITH_REPORT                                                                                          \
    (SD_SIGNAL_BIT(SIGQUIT) | SD_SIGNAL_BIT(SIGILL) | SD_SIGNAL_BIT(SIGTRAP) | SD_SIGNAL_BIT(SIGABRT) |      \
     SD_SIGNAL_BIT(SIGBUS) | SD_SIGNAL_BIT(SIGFPE) | SD_SIGNAL_BIT(SIGSEGV) | SD_SIGNAL_BIT(SIGSYS) |        \
     SD_SIGNAL_BIT(SIGXCPU) | SD_SIGNAL_BIT(SIGXFSZ))

_Noreturn void sd_signal_end(int number, const struct sd_context *context, const struct sd_fault *fault,
                             const char *why)
{
    struct xen_trap_frame frame = {
        .r15 = context->r15,
        .r14 = context->r14,
        .r13 = context->r13,
        .r12 = context->r12,
        .rbp = context->rbp,
        .rbx = context->rbx,
        .r11 = context->r11,
        .r10 = context->r10,
        .r9 = context->r9,
        .r8 = context->r8,
        .rax = context->rax,
        .rcx = context->rcx,
        .rdx = context->rdx,
        .rsi = context->rsi,
        .rdi = context->rdi,
        .rip = context->rip,
        .rsp = context->rsp,
        .rflags = context->rflags,
    };

    if (fault) {
        frame.vector = fault->vector;
        frame.error = fault->error;
        sd_report_trap(&frame, fault->address);
    }
    if (why || (sd_signal_bit(number) & WITH_REPORT))
        sd_report_program(&frame, "%s signal %d", why ? why : "the program ended itself by", number);
    sd_error("the program ended itself by signal %d", number);
    sd_exit(128 + number);
}

void sd_signal_handle(struct sd_task *task, const siginfo_t *info, struct sd_context *context, void *vectors,
                      const struct sd_fault *fault)
{
    int number = info->si_signo;
    struct sd_action action = sd_actions[number - 1];
    uint64_t mask = task->restores ? task->restore : task->blocked;

    if (action.flags & SA_RESETHAND)
        sd_signal_act(number, &(struct sd_action){.flags = action.flags, .mask = action.mask});
    if (sd_signal_enter(task, &action, info, mask, context, vectors, fault))
        sd_signal_end(number, context, fault, "there is no stack for the handler of");
    task->restores = false;
    sd_signal_set_mask(task->blocked | action.mask | (action.flags & SA_NODEFER ? 0 : sd_signal_bit(number)));
}

void sd_signals_deliver(struct sd_task *task, struct sd_context *context, const struct sd_context *again,
                        void *vectors)
{
    bool handled = false;
    siginfo_t info;

    for (;;) {
        int number;

        while (sd_signals_pending(task) & ~task->blocked &&
               (number = sd_signal_take(task, ~task->blocked, &info))) {
            const struct sd_action *action = &sd_actions[number - 1];

            if (sd_signal_is_ignored(number))
                continue;
            if (action->handler == SIG_DFL)
                sd_signal_end(number, context, NULL, NULL);
            if (!handled && again && (action->flags & SA_RESTART))
                *context = *again;
            handled = true;
            sd_signal_handle(task, &info, context, vectors, NULL);
        }
        if (!task->restores)
            break;
        /* No handler ran, so nobody else goes back to the mask of before the call; with it, more may wait. */
        task->restores = false;
        sd_signal_set_mask(task->restore);
    }
    if (!handled && again)
        *context = *again;
}
