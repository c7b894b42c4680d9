/*
 * Threads: their making and their end. A stack is a block of pages with the lowest one taken out of the
 * address space; its owner's struct stands at the top.
 */
#include <stardust/thread.h>

#include <errno.h>

#include <stardust/memory.h>
#include <xenlib/memory.h>
#include <xenlib/pagetable.h>

#include "sched.h"

/* 32 KiB with the guard page: network code nests deepest and needs about a third of it. */
#define STACK_ORDER 3

/* What sd_switch pops: six registers, then the address to return to. */
#define SWITCH_WORDS 7

static struct xen_lock lock; /* guards has_ended and is_detached */

/* A thread cannot free the stack it stands on: the next one to start or end does. Guarded by `lock`. */
static struct sd_thread *to_free;

void *sd_stack_alloc(unsigned order)
{
    void *stack = sd_page_alloc(order);

    if (stack && xen_pt_unmap(stack, 1)) {
        sd_page_free(stack, order);
        return NULL;
    }
    return stack;
}

void sd_stack_free(void *stack, unsigned order)
{
    /* The guard page was always there, only not mapped; putting it back takes no memory, as its table exists.
     */
    if (xen_pt_map(stack, xen_virt_to_pfn(stack), 1, XEN_PROT_WRITE))
        xen_platform_panic("guard page of %p cannot be mapped again", stack);
    sd_page_free(stack, order);
}

__attribute__((noinline)) static void reap(void)
{
    struct sd_thread *thread;

    xen_platform_lock(&lock);
    thread = to_free;
    to_free = NULL;
    xen_platform_unlock(&lock);
    if (thread)
        sd_stack_free(thread->stack, thread->stack_order);
}

struct sd_thread *sd_thread_make(const char *name, void (*run)(void *arg), void *arg, unsigned order,
                                 size_t extra)
{
    struct sd_thread *thread;
    uint64_t *top;
    char *stack;

    reap();
    stack = sd_stack_alloc(order);
    if (!stack)
        return NULL;
    thread = (struct sd_thread *)(void *)(stack + (XEN_PAGE_SIZE << order) - sizeof(*thread) - extra);
    *thread = (struct sd_thread){.name = name, .stack = stack, .stack_order = order, .run = run, .arg = arg};
    xen_list_init(&thread->link);
    xen_waitq_init(&thread->ended);
    /* sd_thread_entry makes a call: once its own address is popped, %rsp is a multiple of 16, as the ABI
     * wants it there. */
    top = (uint64_t *)(void *)((uintptr_t)thread & ~15ul);
    *--top = (uintptr_t)sd_thread_entry;
    for (int i = 0; i < SWITCH_WORDS - 1; i++)
        *--top = 0;
    thread->rsp = (uintptr_t)top;
    return thread;
}

int sd_thread_start(const char *name, void (*run)(void *arg), void *arg, struct sd_thread **started)
{
    struct sd_thread *thread = sd_thread_make(name, run, arg, STACK_ORDER, 0);

    if (!thread)
        return -ENOMEM;
    thread->is_detached = !started;
    if (started)
        *started = thread;
    sd_thread_ready(thread);
    return 0;
}

_Noreturn void sd_thread_main(void)
{
    struct sd_thread *self = sd_thread_self();

    sd_sched_first_run();
    self->run(self->arg);
    sd_thread_exit();
}

_Noreturn void sd_thread_exit(void)
{
    struct sd_thread *self = sd_thread_self();

    reap();
    xen_platform_lock(&lock);
    self->has_ended = true;
    if (self->is_detached)
        to_free = self;
    xen_platform_unlock(&lock);
    xen_platform_wake(&self->ended);
    sd_sched_end_current();
}

void sd_thread_join(struct sd_thread *thread)
{
    xen_platform_lock(&lock);
    while (!thread->has_ended && !xen_platform_wait(&thread->ended, &lock, XEN_FOREVER))
        ;
    xen_platform_unlock(&lock);
    sd_stack_free(thread->stack, thread->stack_order);
}
