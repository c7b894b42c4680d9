/*
 * The machine as a program asks for it: its name, and its memory.
 */
#define _GNU_SOURCE /* for the domain's name */
#include "sys.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <stardust/memory.h>
#include <xenlib/time.h>

#include "../mem/mem.h"
#include "copy.h"

#define NS_PER_SEC     1000000000ull
#define NAME_MAX_BYTES 64 /* HOST_NAME_MAX on Linux */

static struct utsname machine = {
    .sysname = "Stardust",
    .nodename = "stardust",
    .release = "6.1.0", /* the Linux whose behaviour programs find */
    .version = "Xen",
    .machine = "x86_64",
    .domainname = "(none)",
};

long sd_sys_uname(struct utsname *name)
{
    return sd_copy_out(name, &machine, sizeof(machine));
}

long sd_sys_sethostname(const char *name, size_t bytes)
{
    char fresh[NAME_MAX_BYTES + 1] = "";

    if (bytes > NAME_MAX_BYTES)
        return -EINVAL;
    if (sd_copy_in(fresh, name, bytes))
        return -EFAULT;
    memcpy(machine.nodename, fresh, sizeof(fresh));
    return 0;
}

/* The time is that of CLOCK_BOOTTIME: Xen's, since the host's start. */
long sd_sys_sysinfo(struct sysinfo *info)
{
    struct sd_memory_stats memory;
    struct sysinfo now = {.mem_unit = 1, .procs = 1};

    sd_page_stats(&memory);
    now.uptime = xen_time_now() / NS_PER_SEC;
    now.totalram = memory.pages_total * XEN_PAGE_SIZE;
    now.freeram = memory.pages_free * XEN_PAGE_SIZE;
    return sd_copy_out(info, &now, sizeof(now));
}
