/*
 * Event channels in the 2-level ABI: 64 words of 64 ports, pending and mask bits in the shared info page.
 *
 * Bits that Xen also writes are changed with locked instructions. What a port needs on this side stands in
 * pages of entries that are added as ports come.
 */
#include <xenlib/event.h>

#include <errno.h>
#include <string.h>

#include <xenlib/platform.h>
#include <xenlib/start.h>
#include <xenlib/time.h>
#include <xensys/hypercall.h>

#define WORD_BITS 64
#define PORTS     EVTCHN_2L_NR_CHANNELS

/* A port that keeps firing for nothing is unmasked this much later each time, up to a limit. */
#define DELAY_FIRST (1000ull * 1000)
#define DELAY_MAX   (256 * DELAY_FIRST)

struct entry {
    xen_event_handler *handler; /* NULL: not bound */
    void *arg;
    uint64_t unmask_at; /* 0: not put off */
    enum xen_event_mode mode;
    uint32_t delay; /* ns, the next one; 0 after honest work */
};

#define ENTRIES_IN_PAGE (XEN_PAGE_SIZE / sizeof(struct entry))
#define ENTRY_PAGES     ((PORTS + ENTRIES_IN_PAGE - 1) / ENTRIES_IN_PAGE)

static struct xen_lock lock; /* guards entries; a handler is called without it */
static struct entry *entries[ENTRY_PAGES];
static uint32_t ports_end; /* one past the highest port ever bound */

static struct shared_info *shared(void)
{
    return xen_start()->shared;
}

static struct entry *find(xen_port_t port)
{
    struct entry *page;

    if (!port.n || port.n >= PORTS)
        return NULL;
    page = entries[port.n / ENTRIES_IN_PAGE];
    return page ? &page[port.n % ENTRIES_IN_PAGE] : NULL;
}

static uint64_t *word_of(uint64_t *words, xen_port_t port)
{
    return &words[port.n / WORD_BITS];
}

static uint64_t bit_of(xen_port_t port)
{
    return 1ull << port.n % WORD_BITS;
}

static bool test_bit(uint64_t *words, xen_port_t port)
{
    return (__atomic_load_n(word_of(words, port), __ATOMIC_ACQUIRE) & bit_of(port)) != 0;
}

static void set_bit(uint64_t *words, xen_port_t port)
{
    __atomic_fetch_or(word_of(words, port), bit_of(port), __ATOMIC_SEQ_CST);
}

static void clear_bit(uint64_t *words, xen_port_t port)
{
    __atomic_fetch_and(word_of(words, port), ~bit_of(port), __ATOMIC_SEQ_CST);
}

/* The arrays of shared_info as the 64-bit words they are (xen_ulong_t is unsigned long). */
static uint64_t *pending_words(void)
{
    return (uint64_t *)(void *)shared()->evtchn_pending;
}

static uint64_t *mask_words(void)
{
    return (uint64_t *)(void *)shared()->evtchn_mask;
}

int xen_event_init(void)
{
    memset(mask_words(), 0xff, sizeof(shared()->evtchn_mask));
    xen_upcalls_on();
    return 0;
}

/* Gives a new port its entry, masked until that is complete. */
static int attach(xen_port_t port, enum xen_event_mode mode, xen_event_handler *handler, void *arg)
{
    struct entry **page;

    if (!port.n || port.n >= PORTS)
        return -EINVAL;
    page = &entries[port.n / ENTRIES_IN_PAGE];
    if (!*page) {
        struct entry *fresh = xen_platform_page_alloc();

        if (!fresh)
            return -ENOMEM;
        memset(fresh, 0, XEN_PAGE_SIZE);
        *page = fresh;
    }
    xen_platform_lock(&lock);
    *find(port) = (struct entry){.handler = handler, .arg = arg, .mode = mode};
    if (port.n >= ports_end)
        ports_end = port.n + 1;
    xen_platform_unlock(&lock);
    xen_event_unmask(port);
    return 0;
}

static void close_port(xen_port_t port)
{
    struct evtchn_close close = {.port = port.n};

    HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
}

static int finish(long result, uint32_t number, enum xen_event_mode mode, xen_event_handler *handler,
                  void *arg, xen_port_t *port)
{
    xen_port_t bound = {number};
    int error = (int)result;

    if (error)
        return error;
    error = attach(bound, mode, handler, arg);
    if (error)
        close_port(bound);
    else
        *port = bound;
    return error;
}

int xen_event_bind_interdomain(xen_domid_t remote, uint32_t remote_port, enum xen_event_mode mode,
                               xen_event_handler *handler, void *arg, xen_port_t *port)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = remote.n, .remote_port = remote_port};
    long result = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    return finish(result, bind.local_port, mode, handler, arg, port);
}

int xen_event_bind_virq(unsigned virq, unsigned vcpu, xen_event_handler *handler, void *arg, xen_port_t *port)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = vcpu};
    long result = HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, &bind);

    return finish(result, bind.port, XEN_EVENT_PLAIN, handler, arg, port);
}

int xen_event_bind_ipi(unsigned vcpu, xen_event_handler *handler, void *arg, xen_port_t *port)
{
    struct evtchn_bind_ipi bind = {.vcpu = vcpu};
    long result = HYPERVISOR_event_channel_op(EVTCHNOP_bind_ipi, &bind);

    return finish(result, bind.port, XEN_EVENT_PLAIN, handler, arg, port);
}

int xen_event_alloc_unbound(xen_domid_t remote, enum xen_event_mode mode, xen_event_handler *handler,
                            void *arg, xen_port_t *port)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote.n};
    long result = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    return finish(result, alloc.port, mode, handler, arg, port);
}

int xen_event_adopt(xen_port_t port, enum xen_event_mode mode, xen_event_handler *handler, void *arg)
{
    return attach(port, mode, handler, arg);
}

void xen_event_close(xen_port_t port)
{
    struct entry *entry = find(port);

    if (!entry || !entry->handler)
        return;
    xen_event_mask(port);
    xen_platform_lock(&lock);
    *entry = (struct entry){0};
    xen_platform_unlock(&lock);
    close_port(port);
    /* The number may be given out again: nothing of the old channel must be left in it. */
    clear_bit(pending_words(), port);
}

void xen_event_mask(xen_port_t port)
{
    if (port.n < PORTS)
        set_bit(mask_words(), port);
}

/*
 * Xen notices only events that come while the port is unmasked. Whoever clears the bit has to look for what
 * came before, and passes it on by the selector word, as Xen would have done.
 */
void xen_event_unmask(xen_port_t port)
{
    struct vcpu_info *vcpu = &shared()->vcpu_info[0];
    bool were_on;

    if (port.n >= PORTS)
        return;
    were_on = xen_upcalls_off();
    clear_bit(mask_words(), port);
    if (test_bit(pending_words(), port)) {
        __atomic_fetch_or(&vcpu->evtchn_pending_sel, 1ul << port.n / WORD_BITS, __ATOMIC_SEQ_CST);
        WRITE_ONCE(vcpu->evtchn_upcall_pending, 1);
    }
    if (were_on)
        xen_upcalls_on();
}

void xen_event_done(xen_port_t port, bool worked)
{
    struct entry *entry = find(port);
    uint64_t deadline = 0;

    if (!entry || entry->mode != XEN_EVENT_LATE)
        return;
    xen_platform_lock(&lock);
    if (worked) {
        entry->delay = 0;
    } else if (!entry->delay) {
        /* Once is no crime: the work may have been found by an earlier pass over the ring. */
        entry->delay = DELAY_FIRST;
    } else {
        deadline = entry->unmask_at = xen_time_now() + entry->delay;
        entry->delay = entry->delay < DELAY_MAX ? entry->delay * 2 : (uint32_t)DELAY_MAX;
    }
    xen_platform_unlock(&lock);
    if (deadline)
        xen_platform_delayed_events(deadline);
    else
        xen_event_unmask(port);
}

void xen_event_run_delayed(uint64_t now)
{
    uint64_t next = XEN_FOREVER;

    for (uint32_t n = 1; n < ports_end; n++) {
        xen_port_t port = {n};
        struct entry *entry = find(port);

        if (!entry || !entry->unmask_at)
            continue;
        if (entry->unmask_at <= now) {
            entry->unmask_at = 0;
            xen_event_unmask(port);
        } else if (entry->unmask_at < next) {
            next = entry->unmask_at;
        }
    }
    if (next != XEN_FOREVER)
        xen_platform_delayed_events(next);
}

int xen_event_send(xen_port_t port)
{
    struct evtchn_send send = {.port = port.n};

    return (int)HYPERVISOR_event_channel_op(EVTCHNOP_send, &send);
}

bool xen_event_is_pending(xen_port_t port)
{
    return port.n < PORTS && test_bit(pending_words(), port);
}

static void deliver(xen_port_t port)
{
    const struct entry *entry = find(port);

    if (!entry || !entry->handler) {
        xen_event_mask(port);
        return;
    }
    /* Masked before it is acknowledged, so that what comes next waits for xen_event_done. */
    if (entry->mode == XEN_EVENT_LATE)
        xen_event_mask(port);
    clear_bit(pending_words(), port);
    entry->handler(port, entry->arg);
}

static void deliver_word(uint32_t word)
{
    uint64_t *pending = &pending_words()[word], *mask = &mask_words()[word];
    uint64_t ready = __atomic_load_n(pending, __ATOMIC_ACQUIRE) & ~READ_ONCE(*mask);

    for (; ready; ready &= ready - 1)
        deliver((xen_port_t){word * WORD_BITS + (uint32_t)__builtin_ctzll(ready)});
}

void xen_event_dispatch(void)
{
    struct vcpu_info *vcpu = &shared()->vcpu_info[0];

    do {
        uint64_t words;

        WRITE_ONCE(vcpu->evtchn_upcall_pending, 0);
        words = __atomic_exchange_n(&vcpu->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
        for (; words; words &= words - 1)
            deliver_word((uint32_t)__builtin_ctzll(words));
    } while (READ_ONCE(vcpu->evtchn_upcall_pending));
}
