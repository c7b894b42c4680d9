/*
 * What this library asks of the kernel above it. A kernel that implements these functions can use all of
 * xen/; apps/bare is the smallest one.
 */
#ifndef XENLIB_PLATFORM_H
#define XENLIB_PLATFORM_H

#include <xenlib/list.h>
#include <xenlib/types.h>

/* One page of memory, page-aligned, with undefined contents. NULL when there is none. Thread context. */
void *xen_platform_page_alloc(void);

/* Gives back a page of xen_platform_page_alloc. Thread context. */
void xen_platform_page_free(void *page);

/*
 * A lock against every other vCPU and against this vCPU's own upcalls: while it is held, no event handler
 * runs here. Held briefly, never across a wait. Zero-initialised is unlocked.
 */
struct xen_lock {
    uint32_t held;
};
void xen_platform_lock(struct xen_lock *lock);
void xen_platform_unlock(struct xen_lock *lock);

/*
 * A place where threads wait. Whoever waits holds `lock`, which is released while it sleeps and held again on
 * return, so that a condition that the lock guards cannot change unseen between its check and the sleep.
 * Wake-ups may be spurious: wait in a loop.
 */
struct xen_waitq {
    struct xen_list waiters; /* the platform's own; initialised by xen_waitq_init */
};
static inline void xen_waitq_init(struct xen_waitq *queue)
{
    xen_list_init(&queue->waiters);
}

/* 0 after a wake-up, -ETIMEDOUT once system time has reached `deadline` (ns; XEN_FOREVER for none). Thread
 * context. */
int xen_platform_wait(struct xen_waitq *queue, struct xen_lock *lock, uint64_t deadline);

/* Wakes every waiter. Any context, upcalls included; the caller need not hold the lock. */
void xen_platform_wake(struct xen_waitq *queue);

/*
 * An event's unmasking was put off (xenlib/event.h): the platform calls xen_event_run_delayed() in thread
 * context at `deadline` or soon after. Called with later and earlier deadlines; the earliest counts. Any
 * context.
 */
void xen_platform_delayed_events(uint64_t deadline);

enum xen_log_level { XEN_LOG_ERROR, XEN_LOG_WARN, XEN_LOG_INFO, XEN_LOG_DEBUG };

/* One line for the log, without a newline. Any context. */
void xen_platform_log(enum xen_log_level level, const char *format, ...) xen_printf(2, 3);

/* Ends the guest because one of our own invariants is broken. Never for anything that the outside sent. */
_Noreturn void xen_platform_panic(const char *format, ...) xen_printf(1, 2);

/*
 * An upcall's handlers have run, and what it has interrupted goes on at *resume once this returns: the
 * platform may write another address there, to code that keeps all registers. Nothing may be written below
 * the stack pointer of what was interrupted. Upcall context.
 */
void xen_platform_upcall_done(uint64_t *resume);

/*
 * A page fault before anything else looks at it, with the CPU's error code (XEN_FAULT_*, xenlib/trap.h). True
 * when there is a page now and the access is to be made again. Optional. Exception context, upcalls off, on a
 * stack of one page: it must not fault.
 */
bool xen_platform_page_fault(uintptr_t address, uint64_t error) __attribute__((weak));

struct xen_trap_frame;

/* An exception that nothing recovered from (xenlib/trap.h). Returning resumes at frame->rip. Exception
 * context. */
void xen_platform_trap(struct xen_trap_frame *frame);

#endif
