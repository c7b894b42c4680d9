/* SIGPIPE, which needs nothing of the rest where the program does not. */
#include <stardust/kernel.h>
#include <stardust/log.h>

#include "signals.h"
#include "task.h"

static int sd_signal_send_weak(struct sd_task *task, const siginfo_t *info)
    __attribute__((weakref("sd_signal_send")));

void sd_signal_pipe(void)
{
    static const siginfo_t info = {.si_signo = SIGPIPE, .si_code = SI_USER, .si_pid = 1};
    struct sd_task *self = sd_task_self();

    if (sd_signal_send_weak) {
        (void)sd_signal_send_weak(self, &info);
        return;
    }
    /* Nothing in the program can have changed what the signal does. */
    if (self->blocked & sd_signal_bit(SIGPIPE))
        return;
    sd_error("the program ended itself by signal %d", SIGPIPE);
    sd_exit(128 + SIGPIPE);
}
