/*
 * The start and the end, and the words that the process was started with: they are the program's own, unlike
 * a guest's, which come in a line with the kernel's options. Those are in the environment: STARDUST_MEMORY
 * (megabytes), STARDUST_RAMDISK (a file) and STARDUST_LOGLEVEL.
 */
#include "host.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <stardust/kernel.h>
#include <xenlib/format.h>
#include <xenlib/sched.h>
#include <xenlib/start.h>

#include "../../stardust/boot/boot.h"

#define MEGABYTES 256

static struct xen_start facts = {.type = "Linux", .command_line = ""};
static char **arguments, **variables;
static int argument_count;

_Noreturn void host_fail(const char *what)
{
    static const char head[] = "stardust --host: ";

    HOST_CALL(SYS_write, 2, head, sizeof(head) - 1, 0);
    HOST_CALL(SYS_write, 2, what, strlen(what), 0);
    HOST_CALL(SYS_write, 2, "\n", 1, 0);
    HOST_CALL(SYS_exit_group, 125, 0, 0, 0);
    __builtin_trap();
}

const char *host_environment(const char *name)
{
    size_t length = strlen(name);

    for (char **at = variables; *at; at++)
        if (!strncmp(*at, name, length) && (*at)[length] == '=')
            return *at + length + 1;
    return NULL;
}

static size_t megabytes(void)
{
    const char *text = host_environment("STARDUST_MEMORY");
    size_t value = 0;

    if (!text)
        return MEGABYTES;
    for (; *text >= '0' && *text <= '9' && value < 1000000; text++)
        value = value * 10 + (size_t)(*text - '0');
    if (*text || value < 4 || value > 65536)
        host_fail("STARDUST_MEMORY is to be a number of megabytes, from 4 to 65536");
    return value;
}

/* On Linux's stack: the count, the arguments and a NULL, the environment and a NULL. */
void host_start(long *words);
void host_start(long *words)
{
    const char *ramdisk;

    argument_count = (int)words[0];
    arguments = (char **)(words + 1);
    variables = arguments + argument_count + 1;
    host_make_memory(megabytes());
    facts.entry_ticks = host_start_clock();
    ramdisk = host_environment("STARDUST_RAMDISK");
    if (ramdisk)
        host_load_file(ramdisk, &facts.module, &facts.module_bytes);
    host_take_signals();
}

const struct xen_start *xen_start(void)
{
    return &facts;
}

void xen_start_log(void)
{
}

/* ---- in place of boot/cmdline.c ---- */

void sd_cmdline_init(const char *line)
{
    (void)line;
}

void sd_cmdline_unknown(void (*each)(const char *option))
{
    (void)each;
}

char **sd_cmdline_args(char *name, int *argc)
{
    (void)name;
    *argc = argument_count;
    return arguments;
}

/* The environment, but for what is meant for these files. */
char *sd_cmdline_option(const char *name, size_t index)
{
    if (strcmp(name, "env") != 0)
        return NULL;
    for (char **at = variables; *at; at++)
        if (strncmp(*at, "STARDUST_", 9) != 0 && !index--)
            return *at;
    return NULL;
}

static bool give(const char *text, char *value, size_t size)
{
    return strlcpy(value, text, size) < size;
}

bool sd_option(const char *name, char *value, size_t size)
{
    const char *level = host_environment("STARDUST_LOGLEVEL");
    struct winsize window = {0};

    if (!strcmp(name, "loglevel"))
        return give(level ? level : "warn", value, size);
    if (strcmp(name, "tty") != 0 || HOST_CALL(SYS_ioctl, 0, TIOCGWINSZ, &window, 0))
        return false;
    return xen_format(value, size, "%ux%u", window.ws_col, window.ws_row) < size;
}

/* ---- the end, and the processor ---- */

/* A crash ends as an abort does, for the shell and for a debugger. */
_Noreturn void xen_sched_shutdown(enum xen_shutdown reason)
{
    host_console_restore();
    if (reason != XEN_SHUTDOWN_POWEROFF)
        HOST_CALL(SYS_kill, HOST_CALL(SYS_getpid, 0, 0, 0, 0), 6, 0, 0);
    HOST_CALL(SYS_exit_group, host_status, 0, 0, 0);
    __builtin_trap();
}

int xen_cpu_set_thread_pointer(const void *address)
{
    enum { ARCH_SET_FS = 0x1002 };

    return (int)HOST_CALL(SYS_arch_prctl, ARCH_SET_FS, address, 0, 0);
}

/* Linux lets a process use it from 5.9 on; asking costs more than a call now and then. */
bool xen_cpu_has_wrfsbase(void)
{
    return false;
}

uint64_t host_clock(int clock)
{
    struct timespec now = {0};

    HOST_CALL(SYS_clock_gettime, clock, &now, 0, 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t xen_sched_cpu_time(void)
{
    return host_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void xen_sched_yield(void)
{
    HOST_CALL(SYS_sched_yield, 0, 0, 0, 0);
}
