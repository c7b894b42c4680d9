/*
 * What a handler finds on its stack and goes back by: as Linux lays it out (arch/x86/include/uapi/asm/
 * sigcontext.h and ucontext.h there), with musl's struct ucontext, whose own place holds the vector state.
 */
#define _GNU_SOURCE
#include "../signals.h"

#include <errno.h>
#include <string.h>
#include <ucontext.h>

#include "../copy.h"
#include "../libc.h"
#include "../sys.h"
#include "../task.h"
#include "call.h"
#include "caller.h"

/* A handler is entered as a called function is: 8 bytes below a multiple of 16, its return address on top. */
struct frame {
    void (*restorer)(void);
    uint64_t unused; /* so that the vector state comes to a multiple of 16 */
    ucontext_t ucontext;
    siginfo_t info;
};
#define VECTORS (offsetof(struct frame, ucontext) + offsetof(ucontext_t, __fpregs_mem))
_Static_assert((VECTORS + 8) % 16 == 0 && sizeof(((ucontext_t *)0)->__fpregs_mem) == 512, "");

/* sd_context_resume uses so much below the stack pointer. */
#define RESUME_BYTES 16

/* The processor's state of a new thread, in FXSAVE's form: no exception of x87 or SSE traps. */
static const struct _fpstate first_vectors = {.cwd = 0x37f, .mxcsr = 0x1f80};
_Static_assert(sizeof(first_vectors) == 512, "");

bool sd_signal_on_alternate(const struct sd_task *task, uint64_t rsp)
{
    return task->alternate.ss_size && !(task->alternate.ss_flags & SD_SIGNAL_AUTODISARM) &&
           rsp - (uintptr_t)task->alternate.ss_sp - 1 < task->alternate.ss_size;
}

static void registers_out(gregset_t out, const struct sd_context *in)
{
    out[REG_R8] = (greg_t)in->r8;
    out[REG_R9] = (greg_t)in->r9;
    out[REG_R10] = (greg_t)in->r10;
    out[REG_R11] = (greg_t)in->r11;
    out[REG_R12] = (greg_t)in->r12;
    out[REG_R13] = (greg_t)in->r13;
    out[REG_R14] = (greg_t)in->r14;
    out[REG_R15] = (greg_t)in->r15;
    out[REG_RDI] = (greg_t)in->rdi;
    out[REG_RSI] = (greg_t)in->rsi;
    out[REG_RBP] = (greg_t)in->rbp;
    out[REG_RBX] = (greg_t)in->rbx;
    out[REG_RDX] = (greg_t)in->rdx;
    out[REG_RAX] = (greg_t)in->rax;
    out[REG_RCX] = (greg_t)in->rcx;
    out[REG_RSP] = (greg_t)in->rsp;
    out[REG_RIP] = (greg_t)in->rip;
    out[REG_EFL] = (greg_t)in->rflags;
}

static struct sd_context registers_in(const gregset_t in)
{
    return (struct sd_context){
        .r8 = (uint64_t)in[REG_R8],
        .r9 = (uint64_t)in[REG_R9],
        .r10 = (uint64_t)in[REG_R10],
        .r11 = (uint64_t)in[REG_R11],
        .r12 = (uint64_t)in[REG_R12],
        .r13 = (uint64_t)in[REG_R13],
        .r14 = (uint64_t)in[REG_R14],
        .r15 = (uint64_t)in[REG_R15],
        .rdi = (uint64_t)in[REG_RDI],
        .rsi = (uint64_t)in[REG_RSI],
        .rbp = (uint64_t)in[REG_RBP],
        .rbx = (uint64_t)in[REG_RBX],
        .rdx = (uint64_t)in[REG_RDX],
        .rax = (uint64_t)in[REG_RAX],
        .rcx = (uint64_t)in[REG_RCX],
        .rsp = (uint64_t)in[REG_RSP],
        .rip = (uint64_t)in[REG_RIP],
        .rflags = (uint64_t)in[REG_EFL],
    };
}

/* Where the frame ends; NULL when it would leave the alternate stack that the thread is on. */
static char *frame_end(const struct sd_task *task, const struct sd_action *action, uint64_t rsp)
{
    const stack_t *alternate = &task->alternate;

    if (sd_signal_on_alternate(task, rsp))
        return rsp - (uintptr_t)alternate->ss_sp > sizeof(struct frame) + 16 ? (char *)rsp : NULL;
    if ((action->flags & SA_ONSTACK) && alternate->ss_size)
        return (char *)alternate->ss_sp + alternate->ss_size;
    return (char *)rsp;
}

int sd_signal_enter(struct sd_task *task, const struct sd_action *action, const siginfo_t *info,
                    uint64_t mask, struct sd_context *context, void *vectors, const struct sd_fault *fault)
{
    struct frame frame = {.restorer = action->restorer, .info = *info};
    char *end = frame_end(task, action, context->rsp), below[RESUME_BYTES] = {0};
    mcontext_t *machine = &frame.ucontext.uc_mcontext;
    struct frame *to;

    to = (struct frame *)((((uintptr_t)end - sizeof(frame)) & ~15ul) - 8);
    registers_out(machine->gregs, context);
    if (fault) {
        machine->gregs[REG_TRAPNO] = (greg_t)fault->vector;
        machine->gregs[REG_ERR] = (greg_t)fault->error;
        machine->gregs[REG_CR2] = (greg_t)fault->address;
    }
    machine->fpregs = (fpregset_t)(void *)((char *)to + VECTORS);
    frame.ucontext.uc_stack = task->alternate;
    if (!task->alternate.ss_size)
        frame.ucontext.uc_stack.ss_flags = SS_DISABLE;
    machine->gregs[REG_OLDMASK] = (greg_t)mask;
    memcpy(&frame.ucontext.uc_sigmask, &mask, sizeof(mask));
    memcpy(frame.ucontext.__fpregs_mem, vectors, sizeof(first_vectors));
    if (!end || !(action->flags & SA_RESTORER) || sd_copy_out(to, &frame, sizeof(frame)) ||
        sd_copy_out((char *)to - RESUME_BYTES, below, sizeof(below)))
        return -EFAULT;
    if (task->alternate.ss_flags & SD_SIGNAL_AUTODISARM)
        task->alternate = (stack_t){.ss_flags = SS_DISABLE};
    memcpy(vectors, &first_vectors, sizeof(first_vectors));
    context->rip = (uintptr_t)action->handler;
    context->rsp = (uintptr_t)to;
    context->rdi = (uint64_t)info->si_signo;
    context->rsi = (uintptr_t)&to->info;
    context->rdx = (uintptr_t)&to->ucontext;
    context->rax = 0;
    context->rflags = SD_FLAGS;
    return 0;
}

/* What the program may have written there is made good, so that loading it cannot fault. */
static int vectors_in(struct _fpstate *vectors, const struct _fpstate *from)
{
    uint32_t allowed;

    __asm__("fxsave64 %0" : "=m"(*vectors));
    allowed = vectors->mxcr_mask ? vectors->mxcr_mask : 0xffbf;
    *vectors = first_vectors;
    if (from && sd_copy_in(vectors, from, sizeof(*vectors)))
        return -EFAULT;
    vectors->mxcsr &= allowed;
    return 0;
}

/* Nothing there may fault in the kernel: an address that is none, or a stack that takes nothing. */
static int frame_in(const struct frame *from, struct frame *frame, struct sd_context *context,
                    struct _fpstate *vectors)
{
    char below[RESUME_BYTES] = {0};

    if (sd_copy_in(frame, from, sizeof(*frame)) || vectors_in(vectors, frame->ucontext.uc_mcontext.fpregs))
        return -EFAULT;
    *context = registers_in(frame->ucontext.uc_mcontext.gregs);
    if (context->rip >> 47 || context->rsp >> 47)
        return -EFAULT;
    return sd_copy_out((char *)context->rsp - RESUME_BYTES, below, sizeof(below));
}

/* The handler's frame begins at the return address that it has taken from the stack. */
long sd_sys_rt_sigreturn(uint64_t rsp)
{
    struct _fpstate vectors __attribute__((aligned(16)));
    const struct sd_caller *caller = sd_caller();
    struct sd_task *self = sd_task_self();
    struct sd_context context;
    struct frame frame;
    uint64_t mask;

    if (frame_in((const struct frame *)(rsp - 8), &frame, &context, &vectors))
        sd_signal_end(SIGSEGV, &(struct sd_context){.rip = caller->rip, .rsp = rsp, .rbp = caller->rbp}, NULL,
                      "the frame to return from a handler by is broken:");
    memcpy(&mask, &frame.ucontext.uc_sigmask, sizeof(mask));
    if (frame.ucontext.uc_stack.ss_flags & SD_SIGNAL_AUTODISARM)
        self->alternate = frame.ucontext.uc_stack;
    sd_signal_set_mask(mask);
    sd_signals_deliver(self, &context, NULL, &vectors);
    sd_context_resume(&context, &vectors);
}
