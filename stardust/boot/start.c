/*
 * The boot, from top to bottom in the order in which things come up. The entry code (xen/src/x86_64) has set
 * up the stack, the address space, emergency output and the trap table.
 */
#include <xenlib/start.h>

#include <string.h>

#include <stardust/init.h>
#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/memory.h>
#include <xenlib/console.h>
#include <xenlib/event.h>
#include <xenlib/memory.h>
#include <xenlib/platform.h>
#include <xenlib/store.h>
#include <xenlib/time.h>

#include "../mem/mem.h"
#include "../sched/sched.h"
#include "boot.h"

extern const struct sd_init __start_sd_init[], __stop_sd_init[];

void *xen_platform_page_alloc(void)
{
    return sd_page_alloc(0);
}

void xen_platform_page_free(void *page)
{
    sd_page_free(page, 0);
}

/* A failure names the step, and what stands above it in the list is all that came up. */
static void step(const char *name, int error)
{
    if (error)
        xen_platform_panic("boot: %s: error %d", name, error);
}

static void unknown_option(const char *option)
{
    sd_warn("kernel option '%s' is unknown; the program's arguments come after --", option);
}

static void read_options(const char *command_line)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    char value[16];

    sd_cmdline_init(command_line);
    if (sd_option("loglevel", value, sizeof(value))) {
        size_t i = 0;

        while (i < 4 && strcmp(value, levels[i]) != 0)
            i++;
        if (i < 4)
            sd_log_set_level((enum xen_log_level)i);
        else
            sd_warn("loglevel=%s is not one of error, warn, info, debug", value);
    }
    sd_cmdline_unknown(unknown_option);
}

static void banner(const char *type)
{
    sd_info("Stardust on Xen, %s, %lu MiB", type, xen_memory_layout()->pages >> 8);
    if (sd_log_level() >= XEN_LOG_DEBUG)
        xen_start_log();
}

static void run_inits(void)
{
    for (const struct sd_init *init = __start_sd_init; init < __stop_sd_init; init++) {
        int error = init->start();

        if (error)
            sd_error("%s does not start: error %d", init->name, error);
    }
}

_Noreturn void xen_main(void)
{
    const struct xen_start *start = xen_start();

    sd_sched_init();
    read_options(start->command_line);
    banner(start->type);
    sd_page_init();
    step("events", xen_event_init());
    step("console", xen_console_init());
    step("scheduler", sd_sched_start());
    xen_store_init_late(xen_start_store);
    step("toolstack", sd_toolstack_start());
    run_inits();
    sd_exit(sd_run_program());
}
