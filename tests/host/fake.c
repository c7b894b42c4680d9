#include "fake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenlib/memory.h>
#include <xenlib/time.h>
#include <xensys/hypercall_insn.h>

#define LOG_BYTES  65536
#define HYPERCALLS 64
#define weak       __attribute__((weak))

void (*fake_upcall)(void);
extern uint32_t sd_depth;
weak uint32_t sd_depth; /* stardust/sched/sched.h */

static size_t pages_in_use;
static long pages_left = -1;
static uint64_t now = 1000000000;
static fake_wait_hook *wait_hook;
static void *wait_arg;
static unsigned waits, wakes, locks_held;
static char log_text[LOG_BYTES];
static size_t log_length;
static unsigned log_lines;
static jmp_buf *panic_exit;
static uint64_t delayed = XEN_FOREVER;
static fake_hypercall *hypercall_handlers[HYPERCALLS];
static unsigned hypercall_counts[HYPERCALLS];

/* The end of a test program that cannot go on; TAP's own word for it. */
__attribute__((format(printf, 1, 2))) static _Noreturn void bail(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    printf("Bail out! ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    abort();
}

void fake_reset(void)
{
    pages_left = -1;
    now = 1000000000;
    wait_hook = NULL;
    waits = wakes = locks_held = 0;
    fake_log_clear();
    fake_delayed_clear();
    memset(hypercall_handlers, 0, sizeof hypercall_handlers);
    memset(hypercall_counts, 0, sizeof hypercall_counts);
}

size_t fake_pages_in_use(void)
{
    return pages_in_use;
}

void fake_pages_left(long count)
{
    pages_left = count;
}

void *xen_platform_page_alloc(void)
{
    void *page;

    if (pages_left == 0)
        return NULL;
    if (pages_left > 0)
        pages_left--;
    page = aligned_alloc(XEN_PAGE_SIZE, XEN_PAGE_SIZE);
    if (!page)
        bail("the host is out of memory");
    memset(page, 0xa5, XEN_PAGE_SIZE);
    pages_in_use++;
    return page;
}

void xen_platform_page_free(void *page)
{
    if ((uintptr_t)page % XEN_PAGE_SIZE || !page)
        bail("freed what is no page: %p", page);
    if (!pages_in_use)
        bail("freed more pages than were allocated");
    pages_in_use--;
    free(page);
}

uint64_t fake_time(void)
{
    return now;
}

void fake_time_set(uint64_t ns)
{
    now = ns;
}

void fake_time_advance(uint64_t ns)
{
    now += ns;
}

weak uint64_t xen_time_now(void)
{
    return now;
}

unsigned fake_locks_held(void)
{
    return locks_held;
}

void xen_platform_lock(struct xen_lock *lock)
{
    if (lock->held)
        bail("a lock was taken twice");
    lock->held = 1;
    locks_held++;
}

void xen_platform_unlock(struct xen_lock *lock)
{
    if (!lock->held)
        bail("a lock was released that nobody held");
    lock->held = 0;
    locks_held--;
    if (!locks_held && fake_upcall)
        fake_upcall();
}

void fake_on_wait(fake_wait_hook *hook, void *arg)
{
    wait_hook = hook;
    wait_arg = arg;
}

unsigned fake_waits(void)
{
    return waits;
}

unsigned fake_wakes(void)
{
    return wakes;
}

int xen_platform_wait(struct xen_waitq *queue, struct xen_lock *lock, uint64_t deadline)
{
    unsigned wakes_before = wakes;
    bool acted;

    if (!queue->waiters.next)
        bail("a wait on a queue that was never initialised");
    if (locks_held != 1)
        bail("a wait with %u locks held", locks_held);
    waits++;
    if (now >= deadline)
        return -ETIMEDOUT;
    xen_platform_unlock(lock);
    acted = wait_hook && wait_hook(wait_arg);
    xen_platform_lock(lock);
    if (acted || wakes != wakes_before)
        return 0;
    if (deadline == XEN_FOREVER)
        bail("dead-lock: a wait without a deadline that nothing can end");
    if (now < deadline)
        now = deadline;
    return -ETIMEDOUT;
}

void xen_platform_wake(struct xen_waitq *queue)
{
    if (!queue->waiters.next)
        bail("a wake-up of a queue that was never initialised");
    wakes++;
}

uint64_t fake_delayed_deadline(void)
{
    return delayed;
}

void fake_delayed_clear(void)
{
    delayed = XEN_FOREVER;
}

void xen_platform_delayed_events(uint64_t deadline)
{
    if (deadline < delayed)
        delayed = deadline;
}

const char *fake_log(void)
{
    return log_text;
}

unsigned fake_log_lines(void)
{
    return log_lines;
}

void fake_log_clear(void)
{
    log_length = 0;
    log_lines = 0;
    log_text[0] = '\0';
}

void xen_platform_log(enum xen_log_level level, const char *format, ...)
{
    char line[512];
    int length;
    va_list args;

    va_start(args, format);
    length = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (length < 0 || strchr(line, '\n'))
        bail("a log line that is none: %s", format);
    if (length > (int)sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length++] = '\n';
    if (log_length + (size_t)length >= LOG_BYTES)
        log_length = 0;
    memcpy(log_text + log_length, line, (size_t)length);
    log_length += (size_t)length;
    log_text[log_length] = '\0';
    log_lines++;
    (void)level;
}

bool fake_panics(void (*function)(void *arg), void *arg)
{
    jmp_buf here;
    jmp_buf *volatile outer = panic_exit;
    volatile unsigned locks_before = locks_held;

    if (setjmp(here)) {
        panic_exit = outer;
        locks_held = locks_before;
        return true;
    }
    panic_exit = &here;
    function(arg);
    panic_exit = outer;
    return false;
}

void xen_platform_panic(const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!panic_exit)
        bail("panic: %s", text);
    longjmp(*panic_exit, 1);
}

weak void xen_platform_trap(struct xen_trap_frame *frame)
{
    (void)frame;
    bail("an exception that nobody expected");
}

void fake_on_hypercall(unsigned long number, fake_hypercall *handler)
{
    hypercall_handlers[number] = handler;
}

unsigned fake_hypercalls(unsigned long number)
{
    return hypercall_counts[number];
}

weak long xensys_hypercall(unsigned long number, long a1, long a2, long a3, long a4, long a5)
{
    if (number >= HYPERCALLS || !hypercall_handlers[number])
        bail("hypercall %lu has no handler", number);
    hypercall_counts[number]++;
    return hypercall_handlers[number](a1, a2, a3, a4, a5);
}

weak pfn_t xen_virt_to_pfn(const void *address)
{
    return (pfn_t){(uintptr_t)address >> XEN_PAGE_SHIFT};
}

weak mfn_t xen_pfn_to_mfn(pfn_t pfn)
{
    return (mfn_t){pfn.n + FAKE_MFN_OFFSET};
}

weak pfn_t xen_mfn_to_pfn(mfn_t mfn)
{
    return (pfn_t){mfn.n - FAKE_MFN_OFFSET};
}
