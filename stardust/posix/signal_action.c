/* What is to be done with a signal. Who asks for a handler gets all of them: the processor's exceptions, too.
 */
#include "sys.h"

#include <errno.h>

#include "../trap/report.h"
#include "copy.h"
#include "signals.h"

long sd_sys_rt_sigaction(int number, const void *action, void *old, size_t set_bytes)
{
    struct sd_action wanted = {0}, before;

    if (set_bytes != SD_SIGNAL_SET_BYTES || number < 1 || number > SD_SIGNALS)
        return -EINVAL;
    if (action && (sd_signal_bit(number) & SD_SIGNALS_FIRM))
        return -EINVAL;
    before = sd_actions[number - 1];
    if (action && sd_copy_in(&wanted, action, sizeof(wanted)))
        return -EFAULT;
    if (action) {
        if (wanted.handler != SIG_DFL && wanted.handler != SIG_IGN)
            sd_trap_hook = sd_signal_trap;
        sd_signal_act(number, &wanted);
    }
    return old ? sd_copy_out(old, &before, sizeof(before)) : 0;
}
