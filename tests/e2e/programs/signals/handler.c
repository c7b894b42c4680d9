/* How a handler runs, and what it leaves behind. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

static volatile bool seen_self, seen_other, seen_third;

static void look(int number, siginfo_t *info, void *context)
{
    seen_self = is_blocked(number);
    seen_other = is_blocked(SIGHUP);
    seen_third = is_blocked(SIGTERM);
    note(number, info, context);
}

static void mask_is_the_action_s_in_the_handler_and_the_old_one_after(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};

    action.sa_sigaction = look;
    sigaddset(&action.sa_mask, SIGHUP);
    CHECK(!sigaction(SIGUSR1, &action, NULL));
    block(SIGTERM);
    raise(SIGUSR1);
    CHECK(count == 1 && seen_self && seen_other && seen_third);
    CHECK(!is_blocked(SIGUSR1) && !is_blocked(SIGHUP) && is_blocked(SIGTERM));
    unblock(SIGTERM);
    action.sa_flags |= SA_NODEFER;
    CHECK(!sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    CHECK(count == 2 && !seen_self && seen_other && !seen_third);
}

static volatile int depth, deepest;

static void again(int number, siginfo_t *info, void *context)
{
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (count < 3) {
        note(number, info, context);
        raise(number);
    }
    depth--;
}

static void only_with_nodefer_a_handler_interrupts_itself(void)
{
    deepest = 0;
    handle(SIGUSR1, 0, again);
    raise(SIGUSR1);
    CHECK(deepest == 1 && count == 3);
    deepest = 0;
    handle(SIGUSR1, SA_NODEFER, again);
    raise(SIGUSR1);
    CHECK(deepest == 4 && count == 3);
}

static void resethand_is_for_once(void)
{
    struct sigaction old;

    handle(SIGUSR1, (int)SA_RESETHAND, NULL);
    raise(SIGUSR1);
    CHECK(count == 1 && !sigaction(SIGUSR1, NULL, &old) && old.sa_handler == SIG_DFL);
}

static void several_that_wait_all_run_the_last_first(void)
{
    sigset_t all, none;

    handle(SIGUSR1, 0, NULL);
    handle(SIGUSR2, 0, NULL);
    handle(SIGHUP, 0, NULL);
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    raise(SIGUSR2);
    raise(SIGHUP);
    raise(SIGUSR1);
    CHECK(!count);
    sigprocmask(SIG_SETMASK, &none, NULL);
    CHECK(count == 3 && noted[0] == SIGUSR2 && noted[1] == SIGUSR1 && noted[2] == SIGHUP);
}

static void block_hup(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;

    note(number, info, context);
    CHECK(!sigismember(&at->uc_sigmask, SIGUSR1) && sigismember(&at->uc_sigmask, SIGTERM));
    sigaddset(&at->uc_sigmask, SIGHUP);
    sigaddset(&at->uc_sigmask, SIGKILL);
}

static void mask_in_the_context_is_the_one_after(void)
{
    handle(SIGUSR1, 0, block_hup);
    block(SIGTERM);
    raise(SIGUSR1);
    CHECK(count == 1 && is_blocked(SIGHUP) && is_blocked(SIGTERM) && !is_blocked(SIGKILL));
    unblock(SIGHUP);
    unblock(SIGTERM);
}

static sigjmp_buf place;

static void jump(int number, siginfo_t *info, void *context)
{
    note(number, info, context);
    siglongjmp(place, number);
}

static void handler_may_jump_out(void)
{
    handle(SIGUSR1, 0, jump);
    for (volatile int i = 0; i < 100; i++) {
        int result = sigsetjmp(place, 1);

        if (!result) {
            raise(SIGUSR1);
            CHECK(false);
        }
        CHECK(result == SIGUSR1 && !is_blocked(SIGUSR1));
    }
    CHECK(count == 100);
}

/* Everything that a handler may clobber, with the interrupted code's own values in it. */
static void clobber(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    static const float other[4] = {-1, -2, -3, -4};
    unsigned control = 0;
    unsigned short word = 0;

    note(number, info, context);
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(control), "=m"(word));
    CHECK((control & 0xffc0) == 0x1f80 && word == 0x37f);
    __asm__ volatile("movups %0, %%xmm0\n\tmovups %0, %%xmm7\n\tmovups %0, %%xmm15\n\t"
                     "fninit\n\tfldz\n\tfldz" ::"m"(other)
                     : "xmm0", "xmm7", "xmm15");
    at->uc_mcontext.gregs[REG_RIP] += 2;
    at->uc_mcontext.gregs[REG_R12] = 0x1234;
}

static void interrupted_code_keeps_all_its_registers(void)
{
    static const float mine[4] = {1, 2, 3, 4};
    static const unsigned control = 0x7f80, usual = 0x1f80; /* rounds towards 0 */
    static const unsigned short word = 0xf7f;
    float first[4], middle[4], end[4];
    double top = 0;
    uint64_t changed = 5, kept = 6, carry = 0;
    unsigned control_after = 0;
    unsigned short word_after = 0;

    handle(SIGILL, 0, clobber);
    __asm__ volatile("ldmxcsr %[control]\n\tfldcw %[word]\n\tfld1\n\t"
                     "movups %[mine], %%xmm0\n\tmovups %[mine], %%xmm7\n\tmovups %[mine], %%xmm15\n\t"
                     "mov $77, %%r12\n\tmov $88, %%r13\n\tmov $99, %%rax\n\tstc\n\t"
                     "ud2\n\t"
                     "sbb %[carry], %[carry]\n\t"
                     "mov %%r12, %[changed]\n\tlea (%%r13, %%rax), %[kept]\n\t"
                     "movups %%xmm0, %[first]\n\tmovups %%xmm7, %[middle]\n\tmovups %%xmm15, %[end]\n\t"
                     "fstpl %[top]\n\tstmxcsr %[control_after]\n\tfnstcw %[word_after]\n\t"
                     "ldmxcsr %[usual]\n\tfninit"
                     : [carry] "+&b"(carry), [changed] "=&m"(changed), [kept] "=&c"(kept),
                       [first] "=m"(first), [middle] "=m"(middle), [end] "=m"(end), [top] "=m"(top),
                       [control_after] "=m"(control_after), [word_after] "=m"(word_after)
                     : [mine] "m"(mine), [control] "m"(control), [usual] "m"(usual), [word] "m"(word)
                     : "xmm0", "xmm7", "xmm15", "r12", "r13", "rax", "memory", "cc");
    CHECK(count == 1 && changed == 0x1234 && kept == 88 + 99 && carry == UINT64_MAX);
    CHECK(!memcmp(first, mine, 16) && !memcmp(middle, mine, 16) && !memcmp(end, mine, 16) && top == 1);
    CHECK((control_after & 0xffc0) == control && word_after == word);
    signal(SIGILL, SIG_DFL);
}

static volatile uintptr_t stood_at;
static volatile int flags_seen;
static stack_t context_stack;

static void where(int number, siginfo_t *info, void *context)
{
    char here;
    stack_t old;

    note(number, info, context);
    stood_at = (uintptr_t)&here;
    CHECK(!sigaltstack(NULL, &old));
    flags_seen = old.ss_flags;
    context_stack = ((ucontext_t *)context)->uc_stack;
    old.ss_flags = 0;
    CHECK_ERRNO(sigaltstack(&old, NULL), EPERM);
}

static void alternate_stack_is_used_when_asked_for(void)
{
    stack_t stack = {.ss_size = 32768}, old;
    uintptr_t start;

    stack.ss_sp = malloc(stack.ss_size);
    start = (uintptr_t)stack.ss_sp;
    CHECK(!sigaltstack(NULL, &old) && old.ss_flags == SS_DISABLE);
    CHECK(!sigaltstack(&stack, NULL) && !sigaltstack(NULL, &old));
    CHECK(old.ss_sp == stack.ss_sp && old.ss_size == stack.ss_size && !old.ss_flags);
    handle(SIGUSR1, SA_ONSTACK, where);
    raise(SIGUSR1);
    CHECK(count == 1 && stood_at - start < stack.ss_size && flags_seen == SS_ONSTACK);
    CHECK(context_stack.ss_sp == stack.ss_sp && context_stack.ss_size == stack.ss_size);
    handle(SIGUSR1, 0, note);
    stood_at = 0;
    raise(SIGUSR1);
    CHECK(count == 1 && stood_at - start >= stack.ss_size);
    stack.ss_flags = SS_DISABLE;
    CHECK(!sigaltstack(&stack, &old) && !old.ss_flags && !sigaltstack(NULL, &old) &&
          old.ss_flags == SS_DISABLE);
    free((void *)start);
}

static volatile uintptr_t outer_at;

static void outer(int number, siginfo_t *info, void *context)
{
    char here;

    note(number, info, context);
    outer_at = (uintptr_t)&here;
    raise(SIGUSR2);
}

static void nested_handlers_share_the_alternate_stack(void)
{
    static char memory[65536];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};

    CHECK(!sigaltstack(&stack, NULL));
    handle(SIGUSR1, SA_ONSTACK, outer);
    handle(SIGUSR2, SA_ONSTACK, where);
    raise(SIGUSR1);
    CHECK(count == 2 && stood_at < outer_at && stood_at - (uintptr_t)memory < sizeof(memory));
    stack.ss_flags = SS_DISABLE;
    CHECK(!sigaltstack(&stack, NULL));
}

static void bad_alternate_stacks_are_refused(void)
{
    static char memory[16384];
    stack_t stack = {.ss_sp = memory, .ss_size = 100};

    CHECK_ERRNO(sigaltstack(&stack, NULL), ENOMEM);
    stack.ss_size = sizeof(memory);
    stack.ss_flags = 0x40;
    CHECK_ERRNO(sigaltstack(&stack, NULL), EINVAL);
    stack.ss_flags = SS_DISABLE;
    stack.ss_size = 0;
    CHECK(!sigaltstack(&stack, NULL));
}

const struct claim handler_claims[] = {
    CLAIM(mask_is_the_action_s_in_the_handler_and_the_old_one_after),
    CLAIM(only_with_nodefer_a_handler_interrupts_itself),
    CLAIM(resethand_is_for_once),
    CLAIM(several_that_wait_all_run_the_last_first),
    CLAIM(mask_in_the_context_is_the_one_after),
    CLAIM(handler_may_jump_out),
    CLAIM(interrupted_code_keeps_all_its_registers),
    CLAIM(alternate_stack_is_used_when_asked_for),
    CLAIM(nested_handlers_share_the_alternate_stack),
    CLAIM(bad_alternate_stacks_are_refused),
    {NULL, NULL},
};
