/*
 * Signals that the program sends to itself: handlers are called, in the thread that sends or unblocks;
 * without one the signal does what it does by default. Nothing else sends signals yet.
 */
#include "sys.h"

#include <errno.h>
#include <signal.h>

#include <stardust/kernel.h>
#include <stardust/log.h>

#include "copy.h"

#define SIGNALS 64

/* What the system call takes; not what a program sees (musl's ksigaction.h). */
struct action {
    void (*handler)(int number);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static struct action actions[SIGNALS];
static uint64_t blocked, pending;

static uint64_t bit(int number)
{
    return 1ull << (number - 1);
}

#define IGNORED                                                                                              \
    (bit(SIGCHLD) | bit(SIGURG) | bit(SIGWINCH) | bit(SIGCONT) | bit(SIGTSTP) | bit(SIGTTIN) |               \
     bit(SIGTTOU) | bit(SIGSTOP))
#define WITH_REPORT                                                                                          \
    (bit(SIGQUIT) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGABRT) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGSEGV) |   \
     bit(SIGSYS))

static void do_default(int number)
{
    if (bit(number) & IGNORED)
        return;
    if (bit(number) & WITH_REPORT)
        xen_platform_panic("the program ended itself by signal %d", number);
    sd_error("the program ended itself by signal %d", number);
    sd_exit(128 + number);
}

static void call_handler(int number, const struct action *action)
{
    uint64_t before = blocked;
    siginfo_t info = {.si_signo = number, .si_code = SI_TKILL};

    blocked |= action->mask | (action->flags & SA_NODEFER ? 0 : bit(number));
    if (action->flags & SA_SIGINFO)
        ((void (*)(int, siginfo_t *, void *))(void (*)(void))action->handler)(number, &info, NULL);
    else
        action->handler(number);
    blocked = before;
}

static void deliver(void)
{
    while (pending & ~blocked) {
        int number = __builtin_ctzll(pending & ~blocked) + 1;
        struct action action = actions[number - 1];

        pending &= ~bit(number);
        if (action.handler == SIG_IGN)
            continue;
        if (action.handler == SIG_DFL) {
            do_default(number);
            continue;
        }
        if (action.flags & SA_RESETHAND)
            actions[number - 1].handler = SIG_DFL;
        call_handler(number, &action);
    }
}

static long send(int number)
{
    if (number < 0 || number > SIGNALS)
        return -EINVAL;
    if (number) {
        pending |= bit(number);
        deliver();
    }
    return 0;
}

long sd_sys_kill(int process, int number)
{
    return process > 1 || process < -1 ? -ESRCH : send(number);
}

long sd_sys_tkill(int thread, int number)
{
    return thread == 1 ? send(number) : -ESRCH;
}

long sd_sys_tgkill(int process, int thread, int number)
{
    return process == 1 ? sd_sys_tkill(thread, number) : -ESRCH;
}

long sd_sys_rt_sigaction(int number, const void *action, void *old, size_t set_bytes)
{
    struct action wanted = {0}, before;

    if (set_bytes != sizeof(uint64_t) || number < 1 || number > SIGNALS)
        return -EINVAL;
    if (action && (number == SIGKILL || number == SIGSTOP))
        return -EINVAL;
    before = actions[number - 1];
    if (action && sd_copy_in(&wanted, action, sizeof(wanted)))
        return -EFAULT;
    if (old && sd_copy_out(old, &before, sizeof(before)))
        return -EFAULT;
    if (action)
        actions[number - 1] = wanted;
    return 0;
}

long sd_sys_rt_sigprocmask(int how, const void *set, void *old, size_t set_bytes)
{
    uint64_t wanted = 0, before = blocked;

    if (set_bytes != sizeof(wanted))
        return -EINVAL;
    if (set && sd_copy_in(&wanted, set, sizeof(wanted)))
        return -EFAULT;
    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
        return -EINVAL;
    if (old && sd_copy_out(old, &before, sizeof(before)))
        return -EFAULT;
    if (!set)
        return 0;
    if (how == SIG_BLOCK)
        wanted |= blocked;
    else if (how == SIG_UNBLOCK)
        wanted = blocked & ~wanted;
    blocked = wanted & ~(bit(SIGKILL) | bit(SIGSTOP));
    deliver();
    return 0;
}

long sd_sys_rt_sigpending(void *set, size_t set_bytes)
{
    if (set_bytes > sizeof(pending))
        return -EINVAL;
    return sd_copy_out(set, &pending, set_bytes);
}
