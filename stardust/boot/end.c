/*
 * The end of a guest that ends in order.
 */
#include "boot.h"

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/console.h>
#include <xenlib/store.h>
#include <xenlib/time.h>

/* How long output may take to be read at the end; then the guest goes without. */
#define PATIENCE (2 * SD_SECOND)

_Noreturn void sd_end(enum xen_shutdown reason, int status)
{
    static bool ending;

    while (ending)
        sd_thread_sleep_until(XEN_FOREVER);
    ending = true;
    if (status && xen_store_printf(XEN_STORE_NONE, "data/stardust/status", "%d", status & 0xff))
        sd_warn("exit status %d could not be handed over", status);
    xen_console_flush(xen_time_now() + PATIENCE);
    xen_sched_shutdown(reason);
}

_Noreturn void sd_exit(int status)
{
    sd_end(XEN_SHUTDOWN_POWEROFF, status);
}

_Noreturn void sd_reboot(void)
{
    sd_end(XEN_SHUTDOWN_REBOOT, 0);
}
