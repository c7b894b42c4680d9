/* Turns on the one CPU: whoever computes is preempted, and finds all its registers again. */
#define _GNU_SOURCE
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static volatile int stop;
static volatile uint64_t turns[3];

static void *spin(void *arg)
{
    volatile uint64_t *count = arg;

    while (!stop)
        ++*count;
    return NULL;
}

static void threads_that_compute_take_turns(void)
{
    pthread_t threads[3];

    stop = 0;
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_create(&threads[i], NULL, spin, (void *)(uintptr_t)&turns[i]));
    /* Each goes on, again and again, or this does not end. */
    for (int round = 0; round < 10; round++) {
        uint64_t before[3] = {turns[0], turns[1], turns[2]};

        while (turns[0] == before[0] || turns[1] == before[1] || turns[2] == before[2])
            sleep_ms(2);
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_join(threads[i], NULL));
}

static void who_sleeps_wakes_on_time_while_others_compute(void)
{
    pthread_t threads[3];
    long soon = 0;

    stop = 0;
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_create(&threads[i], NULL, spin, (void *)(uintptr_t)&turns[i]));
    for (int i = 0; i < 500 && soon < 5; i++) {
        long began = now(CLOCK_MONOTONIC), used = now(CLOCK_PROCESS_CPUTIME_ID);

        sleep_ms(5);
        CHECK(now(CLOCK_MONOTONIC) - began >= 5000000);
        /* Less than two turns of the others, let alone three; the machine itself may be slow often. */
        soon += now(CLOCK_PROCESS_CPUTIME_ID) - used < 12000000;
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_join(threads[i], NULL));
    CHECK(soon >= 5);
}

/* Holds values of its own in all registers, and looks for others there until it is told to stop. */
static uint64_t hold_registers(uint64_t seed)
{
    uint64_t wrong = 0;

    __asm__ volatile("push %%rbp\n\t"
                     "xor %%r9d, %%r9d\n\t"
                     "mov %[seed], %%rbx\n\t"
                     "lea 1(%%rbx), %%rbp\n\t"
                     "lea 2(%%rbx), %%r12\n\t"
                     "lea 3(%%rbx), %%r13\n\t"
                     "lea 4(%%rbx), %%r14\n\t"
                     "lea 5(%%rbx), %%r15\n\t"
                     "movq %%rbx, %%xmm0\n\t"
                     "movq %%rbp, %%xmm7\n\t"
                     "movq %%r12, %%xmm8\n\t"
                     "movq %%r13, %%xmm15\n\t"
                     "pslldq $8, %%xmm15\n\t"
                     "fninit\n\t"
                     "pushq %%rbx\n\t"
                     "fildll (%%rsp)\n\t"
                     "fildll (%%rsp)\n\t"
                     "fildll (%%rsp)\n\t"
                     "pop %%rax\n"
                     "1:\n\t"
                     "cmpl $0, %[stop]\n\t"
                     "jne 3f\n\t"
                     "movq %%xmm0, %%rax\n\t"
                     "cmp %%rbx, %%rax\n\t"
                     "jne 2f\n\t"
                     "movq %%xmm7, %%rax\n\t"
                     "cmp %%rbp, %%rax\n\t"
                     "jne 2f\n\t"
                     "movq %%xmm8, %%rax\n\t"
                     "cmp %%r12, %%rax\n\t"
                     "jne 2f\n\t"
                     "movdqa %%xmm15, %%xmm1\n\t"
                     "psrldq $8, %%xmm1\n\t"
                     "movq %%xmm1, %%rax\n\t"
                     "cmp %%r13, %%rax\n\t"
                     "jne 2f\n\t"
                     "lea 4(%%rbx), %%rax\n\t"
                     "cmp %%rax, %%r14\n\t"
                     "jne 2f\n\t"
                     "inc %%rax\n\t"
                     "cmp %%rax, %%r15\n\t"
                     "je 1b\n"
                     "2:\n\t"
                     "mov $1, %%r9\n"
                     "3:\n\t"
                     "pushq $0\n\t"
                     "fistpll (%%rsp)\n\t"
                     "pop %%rax\n\t"
                     "cmp %%rbx, %%rax\n\t"
                     "setne %%al\n\t"
                     "movzbl %%al, %%eax\n\t"
                     "or %%rax, %%r9\n\t"
                     "ffree %%st(0)\n\tfincstp\n\tffree %%st(0)\n\tfincstp\n\t"
                     "pop %%rbp\n\t"
                     "mov %%r9, %[wrong]"
                     : [wrong] "=a"(wrong)
                     : [seed] "a"(seed), [stop] "m"(stop)
                     : "rbx", "r12", "r13", "r14", "r15", "r9", "xmm0", "xmm1", "xmm7", "xmm8", "xmm15",
                       "memory", "cc");
    return wrong;
}

static void *hold(void *arg)
{
    CHECK(!hold_registers((uint64_t)(uintptr_t)arg));
    return NULL;
}

static void preemption_keeps_all_registers(void)
{
    pthread_t threads[3];

    stop = 0;
    for (uintptr_t i = 0; i < 3; i++)
        CHECK(!pthread_create(&threads[i], NULL, hold, (void *)((i + 1) * 0x1111110000)));
    sleep_ms(300);
    stop = 1;
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_join(threads[i], NULL));
}

static void *round_up(void *arg)
{
    volatile double one = 1, three = 3;
    double up, down;

    CHECK(!fesetround(FE_UPWARD));
    up = one / three;
    while (!stop)
        CHECK(one / three == up && fegetround() == FE_UPWARD);
    CHECK(!fesetround(FE_DOWNWARD));
    down = one / three;
    sched_yield();
    CHECK(up > down && one / three == down);
    return arg;
}

static void rounding_is_each_thread_s_own_and_inherited(void)
{
    volatile double one = 1, three = 3;
    double nearest = one / three;
    pthread_t thread;

    stop = 0;
    CHECK(!pthread_create(&thread, NULL, round_up, NULL));
    for (int i = 0; i < 30; i++) {
        for (int k = 0; k < 10000; k++)
            CHECK(one / three == nearest);
        sleep_ms(2);
        CHECK(one / three == nearest && fegetround() == FE_TONEAREST);
    }
    stop = 1;
    CHECK(!pthread_join(thread, NULL));
    CHECK(one / three == nearest);
}

const struct claim turn_claims[] = {
    {"threads_that_compute_take_turns", threads_that_compute_take_turns},
    {"who_sleeps_wakes_on_time_while_others_compute", who_sleeps_wakes_on_time_while_others_compute},
    {"preemption_keeps_all_registers", preemption_keeps_all_registers},
    {"rounding_is_each_thread_s_own_and_inherited", rounding_is_each_thread_s_own_and_inherited},
    {0},
};
