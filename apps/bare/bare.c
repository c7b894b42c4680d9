/*
 * A kernel on xen/ alone: no stardust/, no threads, no allocator to speak of. It prints, reads a xenstore key
 * and powers off. What the library asks for (xenlib/platform.h) is all here.
 */
#include <xenlib/platform.h>

#include <errno.h>
#include <stdarg.h>

#include <xenlib/console.h>
#include <xenlib/event.h>
#include <xenlib/format.h>
#include <xenlib/memory.h>
#include <xenlib/sched.h>
#include <xenlib/start.h>
#include <xenlib/store.h>
#include <xenlib/time.h>
#include <xenlib/trap.h>

/* Pages are handed out from what is mapped at the start, and never taken back. */
void *xen_platform_page_alloc(void)
{
    const struct xen_memory_layout *layout = xen_memory_layout();
    static size_t range;
    static pfn_t next;

    for (; range < layout->free_count; range++) {
        if (next.n < layout->free[range].first.n)
            next = layout->free[range].first;
        if (next.n < layout->free[range].end.n && next.n < layout->mapped_end.n)
            return xen_pfn_to_virt((pfn_t){next.n++});
    }
    return NULL;
}

void xen_platform_page_free(void *page)
{
    (void)page;
}

/* One flow of control besides upcalls, so that a lock is upcalls switched off. */
static unsigned depth;
static bool upcalls_were_on;

void xen_platform_lock(struct xen_lock *lock)
{
    bool were_on = xen_upcalls_off();

    if (!depth++)
        upcalls_were_on = were_on;
    lock->held = 1;
}

void xen_platform_unlock(struct xen_lock *lock)
{
    lock->held = 0;
    if (!--depth && upcalls_were_on)
        xen_upcalls_on();
}

static volatile bool woken;

void xen_platform_wake(struct xen_waitq *queue)
{
    (void)queue;
    woken = true;
}

int xen_platform_wait(struct xen_waitq *queue, struct xen_lock *lock, uint64_t deadline)
{
    (void)queue;
    lock->held = 0;
    woken = false;
    while (!woken && xen_time_now() < deadline) {
        xen_timer_set(deadline);
        xen_sched_block();
        xen_upcalls_off();
    }
    lock->held = 1;
    return woken ? 0 : -ETIMEDOUT;
}

void xen_platform_delayed_events(uint64_t deadline)
{
    (void)deadline; /* none of the ports here is bound in late mode */
}

void xen_platform_upcall_done(uint64_t *resume)
{
    (void)resume;
}

static void say(const char *format, va_list args)
{
    char line[256];
    size_t length = xen_vformat(line, sizeof(line) - 1, format, args);

    if (length > sizeof(line) - 2)
        length = sizeof(line) - 2;
    line[length] = '\n';
    xen_console_emergency(line, length + 1);
}

void xen_platform_log(enum xen_log_level level, const char *format, ...)
{
    va_list args;

    (void)level;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

_Noreturn void xen_platform_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    xen_sched_shutdown(XEN_SHUTDOWN_CRASH);
}

void xen_platform_trap(struct xen_trap_frame *frame)
{
    xen_platform_panic("%s at 0x%lx", xen_trap_name(frame->vector), frame->rip);
}

static void timer_fired(void)
{
}

_Noreturn void xen_main(void)
{
    char name[64];
    int error;

    if (xen_event_init() || xen_console_init() || xen_timer_init(timer_fired))
        xen_platform_panic("bare: cannot start");
    xen_store_init_late(xen_start_store);
    xen_platform_log(XEN_LOG_INFO, "bare: a kernel on xen/ alone");
    error = xen_store_read(XEN_STORE_NONE, "name", name, sizeof(name), NULL);
    if (error)
        xen_platform_panic("bare: cannot read my name: error %d", error);
    xen_platform_log(XEN_LOG_INFO, "bare: my name is %s", name);
    xen_console_flush(xen_time_now() + 1000000000);
    xen_sched_shutdown(XEN_SHUTDOWN_POWEROFF);
}
