/*
 * The end of a guest that cannot go on: a report on the console, in the form that docs/guest-contract.md
 * gives, and the crash that the toolstack sees. Nothing here allocates, waits for a thread or takes a lock.
 */
#include "report.h"

#include <stdarg.h>

#include <xenlib/console.h>
#include <xenlib/event.h>
#include <xenlib/format.h>
#include <xenlib/platform.h>
#include <xenlib/sched.h>
#include <xenlib/start.h>
#include <xenlib/trap.h>

#include "../sched/sched.h"
#include "trap.h"

#define FRAMES_MAX   1000000 /* more than the largest stack holds */
#define FRAMES_SHOWN 12      /* of either end */

extern const unsigned char xen_build_id[], xen_build_id_end[], xen_text_end[];
extern char xen_boot_stack_guard[];

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[200];
    va_list args;
    size_t length;

    va_start(args, format);
    length = xen_vformat(line, sizeof(line), format, args);
    va_end(args);
    if (length > sizeof(line) - 1)
        length = sizeof(line) - 1;
    line[length] = '\n';
    xen_console_emergency(line, length + 1);
}

/* Whether a call instruction ends right before the address: e8 with a distance, or ff /2 in any of its
 * lengths. */
static bool follows_call(uint64_t address)
{
    uint8_t code[7];

    if (xen_trap_copy(code, (const void *)(address - sizeof(code)), sizeof(code)))
        return false;
    for (size_t i = 0; i + 1 < sizeof(code); i++)
        if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10)
            return true;
    return code[2] == 0xe8;
}

/*
 * The return address on top of the stack, or 0. After a jump to where no code is, and in a function that has
 * no frame (the compiler leaves it out where nothing is stored, whatever it is told), the chain alone would
 * miss the caller.
 */
static uint64_t caller_without_frame(uint64_t rsp)
{
    uint64_t address;

    if (xen_trap_copy(&address, (const void *)rsp, sizeof(address)) || address > (uintptr_t)xen_text_end)
        return 0;
    return follows_call(address) ? address : 0;
}

/* One step along the chain of frame pointers. False where it is broken, and that is its end. */
struct chain {
    uint64_t frame;
    bool left; /* the kernel's stack for the program's, which may lie below it */
};

static bool next_frame(struct chain *chain, uint64_t *returns_to)
{
    struct {
        uint64_t previous, returns_to;
    } pair;

    if (chain->frame % 8 || xen_trap_copy(&pair, (const void *)chain->frame, sizeof(pair)) ||
        !pair.returns_to)
        return false;
    *returns_to = pair.returns_to;
    /* The chain leads upwards; what does not is the last, but for one change of stacks. */
    if (pair.previous <= chain->frame) {
        if (chain->left)
            pair.previous = 1;
        chain->left = true;
    }
    chain->frame = pair.previous;
    return true;
}

/* Of a deep recursion both ends. `caller` comes before, unless 0. */
static void backtrace(uint64_t first, uint64_t caller, uint64_t frame)
{
    struct chain chain = {.frame = frame}, again = chain;
    uint64_t address;
    size_t count = 0;

    while (count < FRAMES_MAX && next_frame(&chain, &address))
        count++;
    say("*** backtrace");
    say("***   0x%016lx", first);
    if (caller)
        say("***   0x%016lx", caller);
    for (size_t i = 0; i < count && next_frame(&again, &address); i++) {
        if (i < FRAMES_SHOWN || i >= count - FRAMES_SHOWN)
            say("***   0x%016lx", address);
        else if (i == FRAMES_SHOWN)
            say("***   (%lu more)", count - 2ul * FRAMES_SHOWN);
    }
}

/* The note is a header of 12 bytes, "GNU" and its NUL, and the id. */
static void build_id(void)
{
    char text[2 * 20 + 1] = "";
    const unsigned char *id = xen_build_id + 16;

    for (size_t i = 0; i < 20 && id + i < xen_build_id_end; i++)
        xen_format(text + 2 * i, 3, "%02x", id[i]);
    say("*** build-id %s", text);
}

static void registers(const struct xen_trap_frame *f)
{
    say("*** rip 0x%016lx  rsp 0x%016lx  rflags 0x%016lx", f->rip, f->rsp, f->rflags);
    say("*** rax 0x%016lx  rbx 0x%016lx  rcx 0x%016lx", f->rax, f->rbx, f->rcx);
    say("*** rdx 0x%016lx  rsi 0x%016lx  rdi 0x%016lx", f->rdx, f->rsi, f->rdi);
    say("*** rbp 0x%016lx  r8  0x%016lx  r9  0x%016lx", f->rbp, f->r8, f->r9);
    say("*** r10 0x%016lx  r11 0x%016lx  r12 0x%016lx", f->r10, f->r11, f->r12);
    say("*** r13 0x%016lx  r14 0x%016lx  r15 0x%016lx", f->r13, f->r14, f->r15);
}

/* A crash while one is being reported must not start another report. */
static void begin(void)
{
    static bool reporting;

    xen_upcalls_off();
    if (reporting)
        xen_sched_shutdown(XEN_SHUTDOWN_CRASH);
    reporting = true;
}

_Noreturn static void finish(void)
{
    build_id();
    say("*** end of report");
    xen_sched_shutdown(XEN_SHUTDOWN_CRASH);
}

static const char *access(uint64_t error)
{
    if (error & XEN_FAULT_FETCH)
        return "execution";
    return error & XEN_FAULT_WRITE ? "write" : "read";
}

/*
 * A fault in the guard page below the thread's stack. The exception's own frame cannot be pushed there
 * either, so that it comes as a double fault, on a stack of its own; of a PV guest, which has none, the
 * runner makes this report.
 */
static bool is_stack_overflow(const struct xen_trap_frame *frame, uintptr_t address)
{
    const struct sd_thread *thread = sd_this_cpu()->current;
    uintptr_t guard = (uintptr_t)(thread && thread->stack ? thread->stack : xen_boot_stack_guard);

    return (frame->vector == XEN_TRAP_DOUBLE_FAULT || frame->vector == XEN_TRAP_PAGE_FAULT) &&
           address - guard < XEN_PAGE_SIZE;
}

static const char *thread_name(void)
{
    return sd_this_cpu()->current ? sd_this_cpu()->current->name : "none yet";
}

_Noreturn static void finish_with(const struct xen_trap_frame *frame)
{
    backtrace(frame->rip, caller_without_frame(frame->rsp), frame->rbp);
    finish();
}

_Noreturn void sd_report_trap(const struct xen_trap_frame *frame, uintptr_t address)
{
    begin();
    if (is_stack_overflow(frame, address))
        say("*** stardust crash: stack overflow: nothing is mapped below rsp 0x%016lx", frame->rsp);
    else if (frame->vector == XEN_TRAP_PAGE_FAULT && sd_page_fault_lacks_memory &&
             sd_page_fault_lacks_memory(address, frame->error))
        say("*** stardust crash: out of memory: no page is left for 0x%016lx, which is used for the first "
            "time",
            address);
    else if (frame->vector == XEN_TRAP_PAGE_FAULT && sd_page_fault_lacks_file &&
             sd_page_fault_lacks_file(address, frame->error))
        say("*** stardust crash: page fault: %s of 0x%016lx, for which the mapped file has no page",
            access(frame->error), address);
    else if (frame->vector == XEN_TRAP_PAGE_FAULT)
        say("*** stardust crash: page fault: %s of 0x%016lx, which is %s", access(frame->error), address,
            frame->error & XEN_FAULT_PRESENT ? "not allowed" : "not mapped");
    else
        say("*** stardust crash: %s", xen_trap_name(frame->vector));
    registers(frame);
    say("*** vector %lu  error 0x%04lx  cr2 0x%016lx  thread %s", frame->vector, frame->error, address,
        thread_name());
    finish_with(frame);
}

_Noreturn void sd_report_program(const struct xen_trap_frame *frame, const char *format, ...)
{
    char reason[160];
    va_list args;

    begin();
    va_start(args, format);
    xen_vformat(reason, sizeof(reason), format, args);
    va_end(args);
    say("*** stardust crash: %s", reason);
    registers(frame);
    say("*** thread %s", thread_name());
    finish_with(frame);
}

bool (*sd_trap_hook)(struct xen_trap_frame *frame);

void xen_platform_trap(struct xen_trap_frame *frame)
{
    if (!sd_trap_hook || !sd_trap_hook(frame))
        sd_report_trap(frame, xen_trap_fault_address());
}

_Noreturn void xen_platform_panic(const char *format, ...)
{
    char reason[160];
    va_list args;

    begin();
    va_start(args, format);
    xen_vformat(reason, sizeof(reason), format, args);
    va_end(args);
    say("*** stardust crash: panic: %s", reason);
    say("*** thread %s", thread_name());
    /* Within the call, not behind it: that may be another function's beginning. */
    backtrace((uintptr_t)__builtin_return_address(0) - 1, 0, *(uint64_t *)__builtin_frame_address(0));
    finish();
}
