/* The processor's exceptions as signals. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul

static sigjmp_buf place;
static greg_t seen[23];

static void jump(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    memcpy(seen, ((ucontext_t *)context)->uc_mcontext.gregs, sizeof(seen));
    siglongjmp(place, 1);
}

static void bad_access_reaches_its_handler_with_the_address(void)
{
    volatile int *volatile nowhere = (volatile int *)16;

    handle(SIGSEGV, 0, jump);
    if (!sigsetjmp(place, 1))
        *nowhere = 1;
    CHECK(count == 1 && last.si_signo == SIGSEGV && last.si_code == SEGV_MAPERR &&
          last.si_addr == (void *)16);
    CHECK(seen[REG_TRAPNO] == 14 && (seen[REG_ERR] & 2) && seen[REG_CR2] == 16);
    CHECK(!is_blocked(SIGSEGV));
    if (!sigsetjmp(place, 1))
        (void)*nowhere;
    CHECK(count == 2 && !(seen[REG_ERR] & 2));
}

static void call_of_nothing_reaches_its_handler(void)
{
    void (*volatile nothing)(void) = NULL;

    handle(SIGSEGV, 0, jump);
    if (!sigsetjmp(place, 1))
        nothing();
    CHECK(count == 1 && !last.si_addr && !seen[REG_RIP]);
}

static volatile char *page;

static void repair(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    CHECK(!mprotect((void *)(uintptr_t)page, PAGE, PROT_READ | PROT_WRITE));
}

static void handler_may_repair_what_was_missing(void)
{
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    page[0] = 1;
    handle(SIGSEGV, 0, repair);
    CHECK(!mprotect((void *)(uintptr_t)page, PAGE, PROT_READ));
    page[5] = 7;
    CHECK(count == 1 && last.si_code == SEGV_ACCERR && last.si_addr == page + 5 && page[5] == 7);
    CHECK(!mprotect((void *)(uintptr_t)page, PAGE, PROT_NONE));
    CHECK(page[5] == 7 && count == 2 && last.si_code == SEGV_ACCERR && last.si_addr == page + 5);
    CHECK(!munmap((void *)(uintptr_t)page, PAGE));
}

static void text_cannot_be_written(void)
{
    volatile char *text = (volatile char *)(uintptr_t)text_cannot_be_written;

    handle(SIGSEGV, 0, jump);
    if (!sigsetjmp(place, 1))
        *text = 0;
    CHECK(count == 1 && last.si_code == SEGV_ACCERR && last.si_addr == (void *)(uintptr_t)text);
}

static void address_that_is_none_has_no_address(void)
{
    volatile char *wrong = (volatile char *)0x8000123400000000;

    handle(SIGSEGV, 0, jump);
    if (!sigsetjmp(place, 1))
        *wrong = 0;
    CHECK(count == 1 && last.si_code == SI_KERNEL && !last.si_addr && seen[REG_TRAPNO] == 13);
}

static void division_by_zero_is_sigfpe(void)
{
    volatile int zero = 0, result = 7;

    handle(SIGFPE, 0, jump);
    if (!sigsetjmp(place, 1))
        result = 7 / zero;
    CHECK(count == 1 && result == 7 && last.si_code == FPE_INTDIV);
    CHECK(last.si_addr == (void *)seen[REG_RIP] && seen[REG_TRAPNO] == 0);
}

/* Divides with the SSE exceptions of `unmasked` on. */
static void divide_sse(unsigned unmasked, double a, double b)
{
    unsigned control = 0x1f80 & ~(unmasked << 7), usual = 0x1f80;
    volatile double result;

    if (!sigsetjmp(place, 1)) {
        __asm__ volatile("ldmxcsr %0" ::"m"(control));
        result = a / b;
        (void)result;
    }
    __asm__ volatile("ldmxcsr %0" ::"m"(usual));
}

static void floating_point_exceptions_are_told_apart(void)
{
    static const struct {
        unsigned unmasked;
        double a, b;
        int code;
    } rows[] = {
        {1, 0, 0, FPE_FLTINV},          {4, 1, 0, FPE_FLTDIV},  {8, 1e308, 1e-308, FPE_FLTOVF},
        {16, 1e-308, 1e10, FPE_FLTUND}, {32, 1, 3, FPE_FLTRES},
    };

    for (int i = 0; i < 5; i++) {
        handle(SIGFPE, 0, jump);
        divide_sse(rows[i].unmasked, rows[i].a, rows[i].b);
        if (!i && !count) {
            printf("# this processor raises no SSE exceptions, as QEMU's emulated one does not\n");
            return;
        }
        CHECK(count == 1 && last.si_code == rows[i].code && seen[REG_TRAPNO] == 19);
    }
    handle(SIGFPE, 0, jump);
    divide_sse(0, 1, 0);
    CHECK(!count);
}

static void x87_exceptions_come_too(void)
{
    unsigned short control = 0x37f & ~4;

    handle(SIGFPE, 0, jump);
    if (!sigsetjmp(place, 1))
        __asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" ::"m"(control));
    __asm__ volatile("fninit");
    CHECK(count == 1 && last.si_code == FPE_FLTDIV && seen[REG_TRAPNO] == 16);
}

static void skip(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;

    note(number, info, context);
    CHECK(last.si_addr == (void *)at->uc_mcontext.gregs[REG_RIP]);
    at->uc_mcontext.gregs[REG_RIP] += 2;
    at->uc_mcontext.gregs[REG_RAX] = 1234;
}

static void handler_may_change_where_to_go_on(void)
{
    long rax = 0;

    handle(SIGILL, 0, skip);
    __asm__ volatile("ud2" : "+a"(rax));
    CHECK(count == 1 && rax == 1234 && last.si_code == ILL_ILLOPN);
}

static void breakpoint_is_sigtrap(void)
{
    handle(SIGTRAP, 0, NULL);
    __asm__ volatile("int3");
    CHECK(count == 1 && last.si_code == SI_KERNEL);
}

static void thousand_exceptions_leave_nothing_behind(void)
{
    handle(SIGILL, 0, skip);
    for (int i = 0; i < 1000; i++) {
        long rax = 0;

        __asm__ volatile("ud2" : "+a"(rax));
        CHECK(rax == 1234);
    }
    CHECK(count == 1000);
}

static void fault_in_a_handler_is_handled(void)
{
    handle(SIGSEGV, 0, jump);
    handle(SIGUSR1, 0, repair);
    if (!sigsetjmp(place, 1)) {
        struct sigaction action = {.sa_handler = NULL};

        action.sa_handler = (void (*)(int))(void (*)(void))0x10;
        CHECK(!sigaction(SIGUSR1, &action, NULL));
        raise(SIGUSR1);
    }
    CHECK(count == 1 && last.si_signo == SIGSEGV && !is_blocked(SIGUSR1));
    signal(SIGUSR1, SIG_DFL);
}

static void raised_by_hand_it_reaches_the_handler_too(void)
{
    handle(SIGSEGV, 0, NULL);
    raise(SIGSEGV);
    CHECK(count == 1 && last.si_code == SI_TKILL);
    handle(SIGFPE, 0, NULL);
    block(SIGFPE);
    raise(SIGFPE);
    CHECK(!count);
    unblock(SIGFPE);
    CHECK(count == 1);
}

static void services_say_efault_in_place_of_a_signal(void)
{
    handle(SIGSEGV, 0, NULL);
    CHECK_ERRNO(write(1, GARBAGE, 5), EFAULT);
    CHECK(!count);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGFPE, SIG_DFL);
    signal(SIGILL, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
}

const struct claim fault_claims[] = {
    CLAIM(bad_access_reaches_its_handler_with_the_address),
    CLAIM(call_of_nothing_reaches_its_handler),
    CLAIM(handler_may_repair_what_was_missing),
    CLAIM(text_cannot_be_written),
    CLAIM(address_that_is_none_has_no_address),
    CLAIM(division_by_zero_is_sigfpe),
    CLAIM(floating_point_exceptions_are_told_apart),
    CLAIM(x87_exceptions_come_too),
    CLAIM(handler_may_change_where_to_go_on),
    CLAIM(breakpoint_is_sigtrap),
    CLAIM(thousand_exceptions_leave_nothing_behind),
    CLAIM(fault_in_a_handler_is_handled),
    CLAIM(raised_by_hand_it_reaches_the_handler_too),
    CLAIM(services_say_efault_in_place_of_a_signal),
    {NULL, NULL},
};
