/* Ends that a signal makes, and reading the console while signals come: each told by what comes out. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

static void end_by_term(void)
{
    raise(SIGTERM);
}

static void end_by_abort(void)
{
    abort();
}

static void end_by_kill(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    kill(getpid(), SIGKILL);
}

static void end_by_alarm(void)
{
    alarm(1);
    for (;;)
        ;
}

static volatile int *volatile nowhere = (volatile int *)16;

static void end_by_fault(void)
{
    *nowhere = 1;
}

/* The handler's signal is blocked, so that it cannot run. */
static void end_by_fault_while_blocked(void)
{
    handle(SIGSEGV, 0, NULL);
    block(SIGSEGV);
    *nowhere = 1;
}

static void end_by_pipe(void)
{
    int ends[2];

    if (!pipe(ends) && !close(ends[0]))
        write(ends[1], "x", 1);
}

static void end_without_a_stack_for_the_handler(void)
{
    stack_t stack = {.ss_size = 65536};

    stack.ss_sp = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&stack, NULL);
    handle(SIGUSR1, SA_ONSTACK, NULL);
    raise(SIGUSR1);
}

static void spoil(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP] = (greg_t)0x7fffffffffffff;
}

static void end_by_a_broken_frame(void)
{
    handle(SIGUSR1, 0, spoil);
    raise(SIGUSR1);
}

static sigjmp_buf place;
static char other_stack[32768];
static volatile uintptr_t stood_at;

static void jump(int number, siginfo_t *info, void *context)
{
    char here;

    note(number, info, context);
    stood_at = (uintptr_t)&here;
    siglongjmp(place, 1);
}

static int overflow(int depth);
/* So that no frame is larger than the guard page, as that of several calls in one would be. */
static int (*volatile deeper)(int depth) = overflow;

static int overflow(int depth)
{
    volatile char frame[1000];

    frame[0] = (char)depth;
    return deeper(depth + 1) + frame[0];
}

/* Twice, as the first might leave something behind. */
static void overflow_the_stack(void)
{
    stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};

    sigaltstack(&stack, NULL);
    handle(SIGSEGV, SA_ONSTACK, jump);
    for (volatile int i = 0; i < 2; i++)
        if (!sigsetjmp(place, 1))
            overflow(0);
    if (count == 2 && stood_at - (uintptr_t)other_stack < sizeof(other_stack))
        printf("overflowed twice\n");
}

static void say(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    printf("alarm came\n");
}

/* What a read of the console gives while the alarm comes, without and with SA_RESTART. */
static void read_the_console(void)
{
    struct itimerval time = {{1, 0}, {1, 0}};
    char line[100] = "";
    long got;

    handle(SIGALRM, 0, NULL);
    setitimer(ITIMER_REAL, &time, NULL);
    got = read(0, line, sizeof(line));
    alarm(0);
    printf("without restart: %ld, errno %d, handled %d\n", got, got < 0 ? errno : 0, count > 0);
    handle(SIGALRM, SA_RESTART, say);
    printf("type\n");
    alarm(1);
    got = read(0, line, sizeof(line) - 1);
    printf("with restart: %s%ld bytes, handled %d\n", line, got, count);
}

bool run_mode(const char *name)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } modes[] = {
        {"term", end_by_term},
        {"abort", end_by_abort},
        {"kill", end_by_kill},
        {"alarm", end_by_alarm},
        {"fault", end_by_fault},
        {"blocked-fault", end_by_fault_while_blocked},
        {"pipe", end_by_pipe},
        {"no-stack", end_without_a_stack_for_the_handler},
        {"broken-frame", end_by_a_broken_frame},
        {"overflow", overflow_the_stack},
        {"read", read_the_console},
    };

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (!strcmp(modes[i].name, name)) {
            modes[i].run();
            return true;
        }
    return false;
}
