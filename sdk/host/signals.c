/*
 * Signals of Linux's as what a processor and Xen send: faults become exceptions, the timer's alarm becomes an
 * upcall. Both run on a stack of their own, so that the interrupted one may be absent. With upcalls off an
 * alarm is only noted.
 *
 * Linux's own view of signals ends here: the program's handlers, masks and kill() are the kernel's above.
 */
#define _GNU_SOURCE /* REG_RIP and the like */
#include "host.h"

#include <poll.h>
#include <signal.h>
#include <sys/ucontext.h>
#include <time.h>

#include <xenlib/event.h>
#include <xenlib/platform.h>
#include <xenlib/sched.h>
#include <xenlib/time.h>
#include <xenlib/trap.h>

#include "../../xen/src/x86_64/trap.h"

#define KERNEL_SET_BYTES 8
#define SA_RESTORER      0x04000000
#define ALARM_BIT        (1ul << (SIGALRM - 1))
/* Flags of the processor that a program has: all but those of the system. */
#define FLAGS 0xdd5u

/* As the system call has it, which no header of the C library tells. */
struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

void host_restorer(void);

static char stack[65536] __attribute__((aligned(16)));
static uintptr_t fault_address;
static volatile bool off = true, pending; /* upcalls */
static void (*timer_fired)(void);
static int timer;
static volatile uint64_t due = XEN_FOREVER; /* when the alarm is set to */

uintptr_t xen_trap_fault_address(void)
{
    return fault_address;
}

bool xen_trap_stacks_may_fault(void)
{
    return true;
}

static const struct {
    uint8_t host;
    uint8_t frame; /* offset of the register in a frame, in words */
} registers[] = {
    {REG_R15, 0},  {REG_R14, 1},  {REG_R13, 2},  {REG_R12, 3},  {REG_RBP, 4},  {REG_RBX, 5},
    {REG_R11, 6},  {REG_R10, 7},  {REG_R9, 8},   {REG_R8, 9},   {REG_RAX, 10}, {REG_RCX, 11},
    {REG_RDX, 12}, {REG_RSI, 13}, {REG_RDI, 14}, {REG_RIP, 17}, {REG_EFL, 19}, {REG_RSP, 20},
};

static void on_fault(int number, siginfo_t *info, void *arg)
{
    ucontext_t *context = arg;
    greg_t *host = context->uc_mcontext.gregs;
    union {
        struct xen_trap_frame frame;
        uint64_t words[sizeof(struct xen_trap_frame) / 8];
    } at = {.frame = {.vector = (uint64_t)host[REG_TRAPNO], .error = (uint64_t)host[REG_ERR]}};
    uint64_t flags = (uint64_t)host[REG_EFL];

    /* Sent by somebody, not by the processor. */
    if (info->si_code <= 0) {
        struct kernel_action none = {.flags = SA_RESTORER, .restorer = host_restorer};

        HOST_CALL(SYS_rt_sigaction, number, &none, 0, KERNEL_SET_BYTES);
        HOST_CALL(SYS_kill, HOST_CALL(SYS_getpid, 0, 0, 0, 0), number, 0, 0);
        return;
    }
    fault_address = (uintptr_t)host[REG_CR2];
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        at.words[registers[i].frame] = (uint64_t)host[registers[i].host];
    xen_trap_enter(&at.frame);
    at.frame.rflags = (flags & ~(uint64_t)FLAGS) | (at.frame.rflags & FLAGS);
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        host[registers[i].host] = (greg_t)at.words[registers[i].frame];
}

/* Everything that an upcall may be for. Upcalls are off. */
static void dispatch(void)
{
    pending = false;
    if (due <= xen_time_now()) {
        due = XEN_FOREVER;
        timer_fired();
    }
    if (host_console_wants())
        host_console_arrived();
}

static void on_alarm(int number, siginfo_t *info, void *arg)
{
    ucontext_t *context = arg;

    (void)number;
    (void)info;
    if (off) {
        pending = true;
        return;
    }
    off = true;
    do
        dispatch();
    while (pending);
    off = false;
    xen_platform_upcall_done((uint64_t *)&context->uc_mcontext.gregs[REG_RIP]);
}

int xen_event_init(void)
{
    xen_upcalls_on();
    return 0;
}

void xen_event_run_delayed(uint64_t now)
{
    (void)now;
}

bool xen_upcalls_off(void)
{
    bool were_on = !off;

    off = true;
    return were_on;
}

void xen_upcalls_on(void)
{
    for (;;) {
        off = false;
        if (!pending)
            return;
        off = true;
        dispatch();
    }
}

/* The alarm is let in only while this sleeps, so that none is missed between the look and the sleep. */
void xen_sched_block(void)
{
    const uint64_t with_alarm = ALARM_BIT, none = 0;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    uint64_t now;

    HOST_CALL(SYS_rt_sigprocmask, SIG_BLOCK, &with_alarm, 0, KERNEL_SET_BYTES);
    now = xen_time_now();
    if (!pending && due > now) {
        uint64_t left = due - now;
        struct timespec time = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};

        off = false;
        host_call(SYS_ppoll, (long)&input, host_console_wants() ? 1 : 0, due == XEN_FOREVER ? 0 : (long)&time,
                  (long)&none, KERNEL_SET_BYTES, 0);
    }
    off = true;
    dispatch();
    HOST_CALL(SYS_rt_sigprocmask, SIG_UNBLOCK, &with_alarm, 0, KERNEL_SET_BYTES);
    xen_upcalls_on();
}

/* ---- time ---- */

uint64_t xen_time_now(void)
{
    return host_clock(CLOCK_MONOTONIC);
}

struct xen_wall_time xen_time_wall(void)
{
    uint64_t now = host_clock(CLOCK_REALTIME);

    return (struct xen_wall_time){now / 1000000000, (uint32_t)(now % 1000000000)};
}

static uint64_t first_ticks, first_time;

uint64_t host_start_clock(void)
{
    first_time = xen_time_now();
    first_ticks = __builtin_ia32_rdtsc();
    return first_ticks;
}

/* The counter runs evenly, as fast as it did from the start until now. */
uint64_t xen_time_at(uint64_t ticks)
{
    uint64_t now = xen_time_now(), passed = __builtin_ia32_rdtsc() - first_ticks;

    return first_time +
           (uint64_t)((unsigned __int128)(ticks - first_ticks) * (now - first_time) / (passed | 1));
}

int xen_timer_init(void (*fired)(void))
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};

    timer_fired = fired;
    return (int)HOST_CALL(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer, 0);
}

void xen_timer_set(uint64_t deadline)
{
    struct itimerspec wanted = {0};

    due = deadline;
    /* 0 would stop it. */
    if (deadline != XEN_FOREVER)
        wanted.it_value = (struct timespec){.tv_sec = (time_t)(deadline / 1000000000),
                                            .tv_nsec = (long)(deadline % 1000000000) | 1};
    HOST_CALL(SYS_timer_settime, timer, TIMER_ABSTIME, &wanted, 0);
}

void host_take_signals(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct kernel_action action = {.handler = on_fault,
                                   .restorer = host_restorer,
                                   .mask = ALARM_BIT,
                                   .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER};

    HOST_CALL(SYS_sigaltstack, &own, 0, 0, 0);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        HOST_CALL(SYS_rt_sigaction, faults[i], &action, 0, KERNEL_SET_BYTES);
    action.handler = on_alarm;
    HOST_CALL(SYS_rt_sigaction, SIGALRM, &action, 0, KERNEL_SET_BYTES);
}
