/*
 * The processor's exceptions as signals. The program's code may have no stack left to be interrupted on, so
 * its registers are taken from the exception's frame to the kernel stack, which nobody uses then, and the
 * exception returns there instead.
 */
#include "signals.h"

#include <stardust/memory.h>
#include <xenlib/trap.h>

#include "../sched/sched.h"
#include "../trap/trap.h"
#include "preempt.h"
#include "task.h"

/* What the exception leaves at the upper end of the kernel stack. */
struct trapped {
    uint8_t vectors[512] __attribute__((aligned(16)));
    struct sd_context context;
    struct sd_fault fault;
    siginfo_t info;
};

static bool vm_is_mapped(uintptr_t start, size_t bytes) __attribute__((weakref("sd_vm_is_mapped")));

/* The signals of exceptions and what is told of them, as arch/x86/kernel/traps.c of Linux has it. */
struct meaning {
    uint8_t number;
    int16_t code;
    bool has_address; /* si_addr is that of the instruction */
};

static struct meaning meaning_of(uint64_t vector)
{
    switch (vector) {
    case XEN_TRAP_DIVIDE:
        return (struct meaning){SIGFPE, FPE_INTDIV, true};
    case XEN_TRAP_FPU:
    case XEN_TRAP_SIMD:
        return (struct meaning){SIGFPE, 0, true};
    case XEN_TRAP_DEBUG:
        return (struct meaning){SIGTRAP, TRAP_BRKPT, true};
    case XEN_TRAP_BREAKPOINT:
        return (struct meaning){SIGTRAP, SI_KERNEL, false};
    case XEN_TRAP_INVALID_OPCODE:
        return (struct meaning){SIGILL, ILL_ILLOPN, true};
    case XEN_TRAP_ALIGNMENT:
        return (struct meaning){SIGBUS, BUS_ADRALN, false};
    case XEN_TRAP_STACK:
    case XEN_TRAP_NO_SEGMENT:
        return (struct meaning){SIGBUS, SI_KERNEL, false};
    case XEN_TRAP_OVERFLOW:
    case XEN_TRAP_BOUNDS:
    case XEN_TRAP_PROTECTION:
    case XEN_TRAP_PAGE_FAULT:
        return (struct meaning){SIGSEGV, SI_KERNEL, false};
    default:
        return (struct meaning){0};
    }
}

/* Of the exceptions that are not masked the first that is flagged, in the bits of x87 and SSE alike. */
static int float_code(unsigned flags)
{
    static const struct {
        unsigned bits;
        int code;
    } codes[] = {{1, FPE_FLTINV}, {4, FPE_FLTDIV}, {8, FPE_FLTOVF}, {0x12, FPE_FLTUND}, {0x20, FPE_FLTRES}};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (flags & codes[i].bits)
            return codes[i].code;
    return FPE_FLTINV;
}

static int float_code_of(uint64_t vector, const uint8_t *vectors)
{
    uint16_t control, status;
    uint32_t sse;

    __builtin_memcpy(&control, vectors, sizeof(control));
    __builtin_memcpy(&status, vectors + 2, sizeof(status));
    __builtin_memcpy(&sse, vectors + 24, sizeof(sse));
    return float_code(vector == XEN_TRAP_SIMD ? sse & ~(sse >> 7) : status & ~(unsigned)control);
}

/* On the kernel stack, as if the program had called a service. */
_Noreturn static void trapped(struct trapped *at)
{
    struct sd_task *self = sd_task_self();

    __asm__ volatile("fxsave64 %0" : "=m"(at->vectors));
    if (at->info.si_signo == SIGFPE && !at->info.si_code)
        at->info.si_code = float_code_of(at->fault.vector, at->vectors);
    sd_signal_handle(self, &at->info, &at->context, at->vectors, &at->fault);
    sd_signals_deliver(self, &at->context, NULL, at->vectors);
    sd_context_resume(&at->context, at->vectors);
}

static struct sd_context context_of(const struct xen_trap_frame *frame)
{
    return (struct sd_context){
        .r15 = frame->r15,
        .r14 = frame->r14,
        .r13 = frame->r13,
        .r12 = frame->r12,
        .rbp = frame->rbp,
        .rbx = frame->rbx,
        .r11 = frame->r11,
        .r10 = frame->r10,
        .r9 = frame->r9,
        .r8 = frame->r8,
        .rax = frame->rax,
        .rcx = frame->rcx,
        .rdx = frame->rdx,
        .rsi = frame->rsi,
        .rdi = frame->rdi,
        .rip = frame->rip,
        .rsp = frame->rsp,
        .rflags = frame->rflags,
    };
}

/* Of a page fault where a file is mapped, but has no page. */
static bool lacks_file(const struct xen_trap_frame *frame, uintptr_t address)
{
    return frame->vector == XEN_TRAP_PAGE_FAULT && sd_page_fault_lacks_file &&
           sd_page_fault_lacks_file(address, frame->error);
}

static siginfo_t info_of(const struct xen_trap_frame *frame, uintptr_t address)
{
    struct meaning meaning = meaning_of(frame->vector);
    siginfo_t info = {.si_signo = meaning.number, .si_code = meaning.code};

    if (lacks_file(frame, address))
        return (siginfo_t){.si_signo = SIGBUS, .si_code = BUS_ADRERR, .si_addr = (void *)address};
    if (meaning.has_address)
        info.si_addr = (void *)frame->rip;
    if (frame->vector == XEN_TRAP_PAGE_FAULT) {
        bool is_there = (frame->error & XEN_FAULT_PRESENT) || (vm_is_mapped && vm_is_mapped(address, 1));

        info.si_addr = (void *)address;
        info.si_code = is_there ? SEGV_ACCERR : SEGV_MAPERR;
    }
    return info;
}

bool sd_signal_trap(struct xen_trap_frame *frame)
{
    uintptr_t address = frame->vector == XEN_TRAP_PAGE_FAULT ? xen_trap_fault_address() : 0;
    int number = lacks_file(frame, address) ? SIGBUS : meaning_of(frame->vector).number;
    struct trapped *at;

    if (!number || !sd_task_in_program() || sd_signal_is_ignored(number) ||
        sd_actions[number - 1].handler == SIG_DFL || (sd_task_self()->blocked & sd_signal_bit(number)))
        return false;
    at = (struct trapped *)(sd_kernel_stack & ~15ul) - 1;
    at->context = context_of(frame);
    at->fault = (struct sd_fault){frame->vector, frame->error, address};
    at->info = info_of(frame, address);
    sd_depth++;
    frame->rip = (uintptr_t)trapped;
    frame->rdi = (uintptr_t)at;
    frame->rsp = (uintptr_t)at - 8;
    frame->rflags &= ~0x40400ul; /* direction, AC */
    return true;
}
