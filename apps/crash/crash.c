/*
 * Ends badly, in the way that its argument names: for looking at reports, and for testing that there are any.
 */
#include <stardust/kernel.h>

#include <string.h>

#include <xenlib/platform.h>

/* Each in a frame of its own, so that a report shows who called whom; volatile, so that the compiler does not
 * see what comes. */
#define FAULT __attribute__((noinline)) static void

FAULT null_read(void)
{
    volatile int *volatile nowhere = NULL;

    sd_printf("read %d\n", *nowhere);
}

FAULT null_write(void)
{
    volatile int *volatile nowhere = NULL;

    *nowhere = 1;
}

FAULT null_call(void)
{
    void (*volatile nowhere)(void) = NULL;

    nowhere();
    __asm__ volatile(""); /* so that the call is no jump, and this function stands in the backtrace */
}

FAULT text_write(void)
{
    volatile char *text = (volatile char *)(uintptr_t)text_write;

    *text = 0;
}

FAULT data_jump(void)
{
    static unsigned char code[] = {0xc3};
    void (*volatile data)(void) = (void (*)(void))(uintptr_t)code;

    data();
    __asm__ volatile("");
}

FAULT divide(void)
{
    volatile int zero = 0;

    sd_printf("divided: %d\n", 7 / zero);
}

FAULT invalid_opcode(void)
{
    __asm__ volatile("ud2");
}

FAULT panic(void)
{
    xen_platform_panic("asked for");
}

/* Would end with depth 0, which comes long after the end of the stack. */
__attribute__((noinline)) static int overflow_at(uint64_t depth, volatile char *above)
{
    volatile char frame[512];

    frame[0] = *above;
    return depth ? overflow_at(depth - 1, frame) + frame[0] : 0;
}

FAULT stack(void)
{
    char start = 1;

    sd_printf("never: %d\n", overflow_at(UINT64_MAX, &start));
}

/* The exception of a push to where no address is cannot be pushed there either. */
FAULT double_fault(void)
{
    __asm__ volatile("mov %0, %%rsp\n\tpush %%rax" ::"r"(1ul << 63) : "memory");
}

static const struct {
    const char *name;
    void (*fault)(void);
} faults[] = {
    {"null", null_read},
    {"null-write", null_write},
    {"null-call", null_call},
    {"text-write", text_write},
    {"data-jump", data_jump},
    {"divide", divide},
    {"invalid-opcode", invalid_opcode},
    {"panic", panic},
    {"stack", stack},
    {"double-fault", double_fault},
};

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "null";

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (!strcmp(faults[i].name, wanted))
            faults[i].fault();
    sd_printf("crash: no fault is named '%s'; there are:", wanted);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sd_printf(" %s", faults[i].name);
    sd_printf("\n");
    return 1;
}
