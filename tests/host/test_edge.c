/* links: preempt.c call.S fake.c */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include <posix/preempt.h>
#include <posix/task.h>
#include <sched/sched.h>
#include <time/timer.h>

#include "fake.h"
#include "tap.h"

#define RESULT 0x1234
#define TRAP   0x100 /* in rflags */
#define MANY   2000  /* steps; a call, with its attention, has fewer */

/* What preempt.c calls besides. */
struct sd_cpu sd_cpus[1];

void sd_sched_program(struct sd_cpu *cpu, uint64_t deadline)
{
    cpu->programmed = deadline;
}

uint64_t sd_sched_run_timers(struct sd_cpu *cpu)
{
    (void)cpu;
    return UINT64_MAX;
}

void sd_thread_yield(void)
{
}

uint64_t sd_timers_next(void)
{
    return UINT64_MAX;
}

/* The program: a call with registers full, the way musl makes it. */
extern char call4_returns[], call6_returns[];
long program_calls(void *service, uint64_t kept[5]);
long program_calls6(void *service, uint64_t kept[5]);
#define PROGRAM(name, edge, label)                                                                           \
    __asm__(                                                                                                 \
        ".text\n" #name ":\n"                                                                                \
        "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15; push %rsi\n"                      \
        "mov %rdi, %rax; mov $11, %ebx; mov $12, %r12d; mov $13, %r13d; mov $14, %r14d; mov $15, %r15d\n"    \
        "mov $1, %edi; mov $2, %esi; mov $3, %edx; mov $4, %ecx; mov $5, %r8d; mov $6, %r9d\n"               \
        "pushf; orq $0x100, (%rsp); popf\n"                                                                  \
        "call " #edge "\n" #label ":\n"                                                                      \
        "pushf; andq $~0x100, (%rsp); popf\n"                                                                \
        "pop %rsi; mov %rbx, (%rsi); mov %r12, 8(%rsi); mov %r13, 16(%rsi); mov %r14, 24(%rsi)\n"            \
        "mov %r15, 32(%rsi); pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret\n")
PROGRAM(program_calls, sd_call, call4_returns);
PROGRAM(program_calls6, sd_call6, call6_returns);

/* At which step an upcall comes, and whether that is what wants attention, or the service did before. */
static struct {
    unsigned steps, at;
    bool wants, service_wants, six;
    unsigned attended, served;
    uint64_t arguments;
    struct sd_context context;
    uint64_t service;
} now;

__attribute__((no_sanitize("address", "undefined"))) static long service(long a, long b, long c, long d,
                                                                         long e, long f)
{
    now.served++;
    now.arguments = (uint64_t)(a | b << 4 | c << 8 | d << 12);
    if (now.six)
        now.arguments |= (uint64_t)(e << 16 | f << 20);
    if (now.service_wants)
        sd_want_attention();
    return RESULT;
}

void sd_attention(struct sd_context *context, void *vectors, uint64_t made)
{
    (void)vectors;
    now.attended++;
    now.context = *context;
    now.service = made;
    sd_preempt_attend();
}

static void on_step(int signal, siginfo_t *info, void *machine)
{
    greg_t *registers = ((ucontext_t *)machine)->uc_mcontext.gregs;
    uint64_t rip = (uint64_t)registers[REG_RIP];

    (void)signal;
    (void)info;
    if (now.steps++ < now.at)
        return;
    registers[REG_EFL] &= ~TRAP;
    if (now.wants)
        sd_want_attention();
    xen_platform_upcall_done(&rip);
    registers[REG_RIP] = (greg_t)rip;
}

static bool run(unsigned at)
{
    long (*program)(void *, uint64_t[5]) = now.six ? program_calls6 : program_calls;
    uint64_t kept[5];

    now.steps = now.attended = now.served = 0;
    now.at = at;
    sd_depth = SD_CALM;
    TEST_CHECK(program((void *)service, kept) == RESULT, "step %u", at);
    TEST_CHECK(kept[0] == 11 && kept[1] == 12 && kept[2] == 13 && kept[3] == 14 && kept[4] == 15, "step %u",
               at);
    TEST_CHECK(now.served == 1 && now.arguments == (now.six ? 0x654321 : 0x4321), "step %u", at);
    TEST_CHECK(sd_depth == SD_CALM, "step %u: depth %x", at, sd_depth);
    return now.steps > at;
}

/* Whatever is at the end of a call is told with all that the call takes to be made again. */
static void is_told_whole(unsigned at)
{
    const struct sd_context *context = &now.context;
    uint64_t back = (uint64_t)(now.six ? call6_returns : call4_returns);

    TEST_CHECK(now.attended == 1, "step %u: attended %u times", at, now.attended);
    if (!now.service)
        return;
    TEST_CHECK(now.service == (uint64_t)service && context->rax == RESULT && context->rip == back, "step %u",
               at);
    TEST_CHECK(context->rdi == 1 && context->rsi == 2 && context->rdx == 3 && context->rcx == 4, "step %u",
               at);
    TEST_CHECK(!now.six || (context->r8 == 5 && context->r9 == 6), "step %u", at);
    TEST_CHECK(context->rbx == 11 && context->r15 == 15, "step %u", at);
}

static void begin(bool six, bool wants, bool service_wants)
{
    static _Alignas(16) char kernel_stack[16384], signal_stack[65536];
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    fake_reset();
    memset(&now, 0, sizeof(now));
    now.six = six;
    now.wants = wants;
    now.service_wants = service_wants;
    xen_list_init(&sd_cpus[0].ready);
    sd_kernel_stack = (uint64_t)(kernel_stack + sizeof(kernel_stack));
    sigaltstack(&(stack_t){.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)}, NULL);
    sigaction(SIGTRAP, &action, NULL);
}

static void each_step(bool six)
{
    unsigned at, told_by_calls = 0;

    begin(six, true, false);
    for (at = 0; at < MANY && run(at); at++) {
        is_told_whole(at);
        told_by_calls += now.service != 0;
    }
    TEST_CHECK(at > 20 && at < MANY, "%u steps", at);
    TEST_CHECK(told_by_calls > 15 && told_by_calls < at - 5, "%u of %u", told_by_calls, at);
}

TEST(attention_wanted_at_any_instruction_of_a_call_is_given_once)
{
    each_step(false);
}

TEST(and_of_one_with_six_arguments)
{
    each_step(true);
}

TEST(an_upcall_at_any_instruction_leaves_a_call_s_own_attention_whole)
{
    unsigned at;

    for (int six = 0; six < 2; six++) {
        begin(six, false, true);
        for (at = 0; at < MANY && run(at); at++) {
            is_told_whole(at);
            TEST_CHECK(now.service != 0, "step %u", at);
        }
        TEST_CHECK(at > 20 && at < MANY, "%u steps", at);
    }
}

int main(void)
{
    return tap_run();
}
