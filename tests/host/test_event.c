/* links: event.c fake.c */
#include <errno.h>
#include <string.h>

#include <xenlib/event.h>
#include <xenlib/start.h>
#include <xensys/hypercall.h>

#include "fake.h"
#include "tap.h"

#define PORTS 4096

/* ---- Xen, as the guest sees it: the shared page, the upcall, and the operations ---- */

static struct shared_info shared;
static struct vcpu_info *const vcpu = &shared.vcpu_info[0];
static uint32_t next_port;                   /* the number that the next bind gives */
static long next_result;                     /* what the next operation returns */
static unsigned last_op, closes;             /* the latest operation, and how many closes there were */
static unsigned char last_args[32];          /* its arguments as they came */
static unsigned upcalls, upcalls_with_locks; /* entered; entered while a lock was held */

const struct xen_start *xen_start(void)
{
    static const struct xen_start start = {.type = "fake", .shared = &shared};

    return &start;
}

/* What the entry code does: once with upcalls off, and again for what came meanwhile. */
static void upcall(void)
{
    while (!vcpu->evtchn_upcall_mask && vcpu->evtchn_upcall_pending) {
        upcalls++;
        upcalls_with_locks += fake_locks_held() != 0;
        vcpu->evtchn_upcall_mask = 1;
        xen_event_dispatch();
        vcpu->evtchn_upcall_mask = 0;
    }
}

bool xen_upcalls_off(void)
{
    bool were_on = !vcpu->evtchn_upcall_mask;

    vcpu->evtchn_upcall_mask = 1;
    return were_on;
}

void xen_upcalls_on(void)
{
    vcpu->evtchn_upcall_mask = 0;
    upcall();
}

static bool bit(const unsigned long *words, uint32_t port)
{
    return (words[port / 64] >> port % 64 & 1) != 0;
}

/* An event from outside (xen/xen.h: how the pending bit, the selector and the upcall hang together). */
static void raise_event(uint32_t port)
{
    bool was_pending = bit(shared.evtchn_pending, port);

    shared.evtchn_pending[port / 64] |= 1ul << port % 64;
    if (was_pending || bit(shared.evtchn_mask, port))
        return;
    vcpu->evtchn_pending_sel |= 1ul << port / 64;
    vcpu->evtchn_upcall_pending = 1;
    upcall();
}

static long event_channel_op(long op, long arg, long a3, long a4, long a5)
{
    void *args = (void *)(uintptr_t)arg;
    long result = next_result;

    (void)a3, (void)a4, (void)a5;
    last_op = (unsigned)op;
    next_result = 0;
    switch (op) {
    case EVTCHNOP_bind_interdomain:
        memcpy(last_args, args, sizeof(struct evtchn_bind_interdomain));
        if (!result)
            ((struct evtchn_bind_interdomain *)args)->local_port = next_port;
        break;
    case EVTCHNOP_bind_virq:
        memcpy(last_args, args, sizeof(struct evtchn_bind_virq));
        if (!result)
            ((struct evtchn_bind_virq *)args)->port = next_port;
        break;
    case EVTCHNOP_bind_ipi:
        memcpy(last_args, args, sizeof(struct evtchn_bind_ipi));
        if (!result)
            ((struct evtchn_bind_ipi *)args)->port = next_port;
        break;
    case EVTCHNOP_alloc_unbound:
        memcpy(last_args, args, sizeof(struct evtchn_alloc_unbound));
        if (!result)
            ((struct evtchn_alloc_unbound *)args)->port = next_port;
        break;
    case EVTCHNOP_close:
    case EVTCHNOP_send:
        closes += op == EVTCHNOP_close;
        memcpy(last_args, args, sizeof(struct evtchn_close));
        break;
    default:
        result = -ENOSYS;
    }
    return result;
}

/* ---- a handler that notes everything ---- */

struct log {
    unsigned calls;
    uint32_t port;
    bool was_pending, upcalls_were_on, lock_was_held, was_masked;
    void (*during)(struct log *log);
};

static void note(xen_port_t port, void *arg)
{
    struct log *log = arg;

    log->calls++;
    log->port = port.n;
    log->was_pending = xen_event_is_pending(port);
    log->was_masked = bit(shared.evtchn_mask, port.n);
    log->upcalls_were_on = !vcpu->evtchn_upcall_mask;
    log->lock_was_held = fake_locks_held() != 0;
    if (log->during)
        log->during(log);
}

static const xen_domid_t peer = {7};

static void begin(void)
{
    fake_reset();
    fake_on_hypercall(__HYPERVISOR_event_channel_op, event_channel_op);
    memset(&shared, 0, sizeof(shared));
    next_result = 0;
    upcalls = upcalls_with_locks = closes = 0;
    TEST_CHECK(xen_event_init() == 0);
}

static xen_port_t bound(uint32_t number, enum xen_event_mode mode, struct log *log)
{
    xen_port_t port = {0};

    next_port = number;
    TEST_CHECK(xen_event_bind_interdomain(peer, 99, mode, note, log, &port) == 0);
    return port;
}

TEST(event_init_masks_every_port_and_turns_upcalls_on)
{
    fake_reset();
    memset(&shared, 0, sizeof(shared));
    vcpu->evtchn_upcall_mask = 1;
    TEST_CHECK(xen_event_init() == 0);
    for (uint32_t port = 0; port < PORTS; port++)
        TEST_CHECK(bit(shared.evtchn_mask, port), "port %u", port);
    TEST_CHECK(!vcpu->evtchn_upcall_mask);
}

/* One call of each kind of binding. */
static int bind_as(unsigned op, enum xen_event_mode mode, struct log *log, xen_port_t *port)
{
    switch (op) {
    case EVTCHNOP_bind_interdomain:
        return xen_event_bind_interdomain(peer, 99, mode, note, log, port);
    case EVTCHNOP_bind_virq:
        return xen_event_bind_virq(VIRQ_DEBUG, 0, note, log, port);
    case EVTCHNOP_bind_ipi:
        return xen_event_bind_ipi(3, note, log, port);
    default:
        return xen_event_alloc_unbound(peer, mode, note, log, port);
    }
}

static const unsigned binds[] = {EVTCHNOP_bind_interdomain, EVTCHNOP_bind_virq, EVTCHNOP_bind_ipi,
                                 EVTCHNOP_alloc_unbound};
#define BINDS (sizeof(binds) / sizeof(binds[0]))

static bool asked_for(unsigned op)
{
    const struct evtchn_bind_interdomain *interdomain = (const void *)last_args;
    const struct evtchn_bind_virq *virq = (const void *)last_args;
    const struct evtchn_bind_ipi *ipi = (const void *)last_args;
    const struct evtchn_alloc_unbound *unbound = (const void *)last_args;

    switch (op) {
    case EVTCHNOP_bind_interdomain:
        return interdomain->remote_dom == 7 && interdomain->remote_port == 99;
    case EVTCHNOP_bind_virq:
        return virq->virq == VIRQ_DEBUG && virq->vcpu == 0;
    case EVTCHNOP_bind_ipi:
        return ipi->vcpu == 3;
    default:
        return unbound->dom == DOMID_SELF && unbound->remote_dom == 7;
    }
}

TEST(event_each_bind_tells_xen_what_was_asked_and_delivers)
{
    begin();
    for (size_t i = 0; i < BINDS; i++) {
        struct log log = {0};
        xen_port_t port = {0};

        next_port = 10 + (uint32_t)i;
        TEST_CHECK(bind_as(binds[i], XEN_EVENT_PLAIN, &log, &port) == 0, "op %u", binds[i]);
        TEST_CHECK(last_op == binds[i] && asked_for(binds[i]), "op %u", binds[i]);
        TEST_CHECK(port.n == 10 + i, "op %u", binds[i]);
        TEST_CHECK(!bit(shared.evtchn_mask, port.n), "op %u", binds[i]);
        raise_event(port.n);
        TEST_CHECK(log.calls == 1 && log.port == port.n, "op %u: %u calls", binds[i], log.calls);
        xen_event_close(port);
    }
}

TEST(event_a_bind_that_fails_says_why_and_leaves_nothing)
{
    static const int errors[] = {-ENOSPC, -EINVAL, -ESRCH, -EPERM, -EEXIST};

    begin();
    for (size_t i = 0; i < BINDS; i++) {
        for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
            struct log log = {0};
            xen_port_t port = {777};

            next_port = 20;
            next_result = errors[e];
            TEST_CHECK(bind_as(binds[i], XEN_EVENT_PLAIN, &log, &port) == errors[e], "op %u", binds[i]);
            TEST_CHECK(port.n == 777, "op %u", binds[i]);
            TEST_CHECK(bit(shared.evtchn_mask, 20), "op %u", binds[i]);
        }
    }
    TEST_CHECK(closes == 0);
}

TEST(event_a_port_number_that_cannot_be_is_refused_and_given_back)
{
    static const uint32_t numbers[] = {0, PORTS, PORTS + 1, UINT32_MAX};

    begin();
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct log log = {0};
        xen_port_t port = {777};

        next_port = numbers[i];
        closes = 0;
        TEST_CHECK(xen_event_alloc_unbound(peer, XEN_EVENT_PLAIN, note, &log, &port) == -EINVAL, "%u",
                   numbers[i]);
        TEST_CHECK(closes == 1 && ((struct evtchn_close *)(void *)last_args)->port == numbers[i], "%u",
                   numbers[i]);
        TEST_CHECK(port.n == 777, "%u", numbers[i]);
        TEST_CHECK(xen_event_adopt((xen_port_t){numbers[i]}, XEN_EVENT_PLAIN, note, &log) == -EINVAL, "%u",
                   numbers[i]);
        /* None of these may touch memory; the sanitizer watches. */
        xen_event_mask((xen_port_t){numbers[i]});
        xen_event_unmask((xen_port_t){numbers[i]});
        xen_event_done((xen_port_t){numbers[i]}, true);
        xen_event_close((xen_port_t){numbers[i]});
        TEST_CHECK(!xen_event_is_pending((xen_port_t){numbers[i]}), "%u", numbers[i]);
    }
}

/* Before the tests that use numbers this high: the pages of entries stay. */
TEST(event_a_bind_without_memory_gives_the_port_back)
{
    struct log log = {0};
    xen_port_t port = {777};

    begin();
    fake_pages_left(0);
    next_port = 3000;
    TEST_CHECK(xen_event_alloc_unbound(peer, XEN_EVENT_PLAIN, note, &log, &port) == -ENOMEM);
    TEST_CHECK(closes == 1 && ((struct evtchn_close *)(void *)last_args)->port == 3000);
    TEST_CHECK(port.n == 777 && bit(shared.evtchn_mask, 3000));
    TEST_CHECK(xen_event_adopt((xen_port_t){3000}, XEN_EVENT_PLAIN, note, &log) == -ENOMEM);
    fake_pages_left(-1);
    TEST_CHECK(xen_event_adopt((xen_port_t){3000}, XEN_EVENT_PLAIN, note, &log) == 0);
    raise_event(3000);
    TEST_CHECK(log.calls == 1);
    xen_event_close((xen_port_t){3000});
}

TEST(event_a_port_is_word_times_64_plus_bit)
{
    static const uint32_t numbers[] = {1, 31, 32, 62, 63, 64, 65, 127, 128, 1000, 2047, 2048, 4032, 4095};
    struct log logs[sizeof(numbers) / sizeof(numbers[0])] = {0};

    begin();
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        bound(numbers[i], XEN_EVENT_PLAIN, &logs[i]);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        raise_event(numbers[i]);
        for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
            TEST_CHECK(logs[k].calls == (k <= i), "port %u, after %u", numbers[k], numbers[i]);
        TEST_CHECK(logs[i].port == numbers[i] && !bit(shared.evtchn_pending, numbers[i]), "port %u",
                   numbers[i]);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        xen_event_close((xen_port_t){numbers[i]});
}

TEST(event_all_pending_ports_are_delivered_once_each)
{
    static struct log logs[PORTS];
    uint32_t random = 1;

    begin();
    memset(logs, 0, sizeof(logs));
    for (uint32_t n = 1; n < PORTS; n++)
        bound(n, n % 3 ? XEN_EVENT_PLAIN : XEN_EVENT_LATE, &logs[n]);
    for (unsigned round = 1; round <= 20; round++) {
        unsigned expected = 0, calls = 0;

        xen_upcalls_off();
        for (uint32_t n = 1; n < PORTS; n++) {
            random = random * 1664525 + 1013904223;
            logs[n].calls = 0;
            if (random >> 28 == 0) {
                raise_event(n);
                expected++;
            }
        }
        xen_upcalls_on();
        for (uint32_t n = 1; n < PORTS; n++) {
            TEST_CHECK(logs[n].calls <= 1, "port %u: %u calls", n, logs[n].calls);
            calls += logs[n].calls;
            if (n % 3 == 0 && logs[n].calls)
                xen_event_done((xen_port_t){n}, true);
        }
        TEST_CHECK(expected && calls == expected, "round %u: %u of %u", round, calls, expected);
    }
    for (uint32_t n = 1; n < PORTS; n++)
        xen_event_close((xen_port_t){n});
}

static void raise_again(struct log *log)
{
    if (log->calls == 1)
        raise_event(log->port);
}

TEST(event_dispatch_acknowledges_before_the_handler)
{
    struct log log = {.during = raise_again};
    xen_port_t port;

    begin();
    port = bound(5, XEN_EVENT_PLAIN, &log);
    raise_event(5);
    TEST_CHECK(!log.was_pending);
    TEST_CHECK(log.calls == 2, "an event that came during the handler was delivered %u times", log.calls - 1);
    TEST_CHECK(!xen_event_is_pending(port));
    xen_event_close(port);
}

TEST(event_handlers_run_with_upcalls_off_and_no_lock_held)
{
    struct log log = {0};
    xen_port_t port;

    begin();
    port = bound(5, XEN_EVENT_PLAIN, &log);
    raise_event(5);
    TEST_CHECK(log.calls == 1 && !log.upcalls_were_on && !log.lock_was_held);
    xen_event_close(port);
}

TEST(event_unmask_redelivers_pending)
{
    struct log log = {0};
    xen_port_t port;

    begin();
    port = bound(70, XEN_EVENT_PLAIN, &log);
    xen_event_mask(port);
    raise_event(70);
    TEST_CHECK(log.calls == 0 && upcalls == 0);
    TEST_CHECK(xen_event_is_pending(port));
    xen_event_unmask(port);
    TEST_CHECK(log.calls == 1 && !xen_event_is_pending(port));
    xen_event_unmask(port);
    TEST_CHECK(log.calls == 1, "unmask without an event delivers nothing");
    TEST_CHECK(upcalls_with_locks == 0);
    xen_event_close(port);
}

TEST(event_unmask_with_upcalls_off_delivers_once_they_are_on)
{
    struct log log = {0};
    xen_port_t port;

    begin();
    port = bound(70, XEN_EVENT_PLAIN, &log);
    xen_event_mask(port);
    raise_event(70);
    TEST_CHECK(xen_upcalls_off());
    xen_event_unmask(port);
    TEST_CHECK(log.calls == 0 && vcpu->evtchn_upcall_mask, "unmask does not turn upcalls on");
    xen_upcalls_on();
    TEST_CHECK(log.calls == 1);
    xen_event_close(port);
}

TEST(event_pending_at_bind_is_delivered)
{
    struct log log = {0};

    begin();
    raise_event(33);
    TEST_CHECK(xen_event_adopt((xen_port_t){33}, XEN_EVENT_PLAIN, note, &log) == 0);
    TEST_CHECK(log.calls == 1);
    xen_event_close((xen_port_t){33});
}

TEST(event_close_ends_delivery_and_forgets_the_old_channel)
{
    struct log old = {0}, fresh = {0};
    xen_port_t port;

    begin();
    port = bound(40, XEN_EVENT_PLAIN, &old);
    xen_event_mask(port);
    raise_event(40);
    xen_event_close(port);
    TEST_CHECK(last_op == EVTCHNOP_close && ((struct evtchn_close *)(void *)last_args)->port == 40);
    TEST_CHECK(bit(shared.evtchn_mask, 40) && !bit(shared.evtchn_pending, 40));

    bound(40, XEN_EVENT_PLAIN, &fresh);
    TEST_CHECK(old.calls == 0 && fresh.calls == 0, "the old channel's event went to somebody");
    raise_event(40);
    TEST_CHECK(old.calls == 0 && fresh.calls == 1);
    xen_event_close(port);

    closes = 0;
    xen_event_close(port);
    xen_event_close((xen_port_t){41});
    TEST_CHECK(closes == 0, "ports that are not bound are not closed");
}

static void close_port_51(struct log *log)
{
    (void)log;
    xen_event_close((xen_port_t){51});
}

TEST(event_a_port_closed_by_a_handler_does_not_run_any_more)
{
    struct log first = {.during = close_port_51}, second = {0};
    xen_port_t port;

    begin();
    port = bound(50, XEN_EVENT_PLAIN, &first);
    bound(51, XEN_EVENT_PLAIN, &second);
    xen_upcalls_off();
    raise_event(50);
    raise_event(51);
    xen_upcalls_on();
    TEST_CHECK(first.calls == 1 && second.calls == 0);
    xen_event_close(port);
}

TEST(event_an_unbound_port_that_fires_is_silenced)
{
    begin();
    shared.evtchn_mask[1] = 0;
    raise_event(64 + 9);
    TEST_CHECK(upcalls == 1);
    TEST_CHECK(bit(shared.evtchn_mask, 64 + 9));
    raise_event(64 + 9);
    TEST_CHECK(upcalls == 1, "it came through again");
}

TEST(event_dispatch_survives_a_selector_without_events)
{
    struct log log = {0};
    xen_port_t port;

    begin();
    port = bound(5, XEN_EVENT_PLAIN, &log);
    vcpu->evtchn_pending_sel = ~0ul;
    vcpu->evtchn_upcall_pending = 1;
    upcall();
    TEST_CHECK(log.calls == 0 && vcpu->evtchn_pending_sel == 0 && !vcpu->evtchn_upcall_pending);
    xen_event_close(port);
}

/* ---- ports in late mode ---- */

TEST(event_late_port_stays_masked_until_done)
{
    struct log log = {0};
    xen_port_t port;

    begin();
    port = bound(60, XEN_EVENT_LATE, &log);
    TEST_CHECK(!bit(shared.evtchn_mask, 60));
    raise_event(60);
    TEST_CHECK(log.calls == 1 && log.was_masked && bit(shared.evtchn_mask, 60));
    raise_event(60);
    raise_event(60);
    TEST_CHECK(log.calls == 1 && upcalls == 1);
    xen_event_done(port, true);
    TEST_CHECK(log.calls == 2, "what came meanwhile is delivered by done");
    TEST_CHECK(fake_delayed_deadline() == XEN_FOREVER, "a port with work is not put off");
    xen_event_close(port);
}

TEST(event_done_means_nothing_to_a_plain_port)
{
    struct log log = {0};
    xen_port_t port;

    begin();
    port = bound(61, XEN_EVENT_PLAIN, &log);
    xen_event_mask(port);
    xen_event_done(port, true);
    TEST_CHECK(bit(shared.evtchn_mask, 61));
    xen_event_done((xen_port_t){62}, false);
    TEST_CHECK(bit(shared.evtchn_mask, 62));
    xen_event_close(port);
}

/*
 * An event without work, seen by a consumer that runs at once. Returns for how long the port stays masked;
 * 0 when it is unmasked right away. Moves the clock there.
 */
static uint64_t idle_event(xen_port_t port)
{
    uint64_t before = fake_time(), until;

    fake_delayed_clear();
    raise_event(port.n);
    xen_event_done(port, false);
    if (!bit(shared.evtchn_mask, port.n))
        return 0;
    until = fake_delayed_deadline();
    TEST_CHECK(until > before && until != XEN_FOREVER, "the platform was not told when");
    xen_event_run_delayed(until - 1);
    TEST_CHECK(bit(shared.evtchn_mask, port.n), "unmasked too early");
    fake_time_set(until);
    xen_event_run_delayed(until);
    TEST_CHECK(!bit(shared.evtchn_mask, port.n), "not unmasked in time");
    return until - before;
}

TEST(event_port_without_work_is_unmasked_late_and_later_each_time)
{
    struct log log = {0};
    uint64_t before = 0, delay = 0;
    unsigned longer = 0;
    xen_port_t port;

    begin();
    port = bound(80, XEN_EVENT_LATE, &log);
    /* Once is allowed: an earlier pass over the ring may have done the work. */
    before = idle_event(port);
    TEST_CHECK(before <= 1000000);
    for (unsigned i = 0; i < 30; i++) {
        delay = idle_event(port);
        TEST_CHECK(delay > 0 && delay >= before, "event %u: %lu ns after %lu", i, delay, before);
        longer += delay > before;
        before = delay;
    }
    TEST_CHECK(longer >= 5, "grew only %u times", longer);
    TEST_CHECK(delay >= 100000000 && delay <= 1000000000, "in the end %lu ns", delay);

    raise_event(80);
    xen_event_done(port, true);
    TEST_CHECK(!bit(shared.evtchn_mask, 80), "work is served at once again");
    TEST_CHECK(idle_event(port) <= 1000000, "and forgives");
    xen_event_close(port);
}

/* The worst peer: an event is pending whenever the port is unmasked, and there is never work. */
TEST(event_storm_costs_a_bounded_number_of_wakeups)
{
    struct log log = {0};
    uint64_t end;
    xen_port_t port;

    begin();
    port = bound(81, XEN_EVENT_LATE, &log);
    end = fake_time() + 10000000000ull;
    while (fake_time() < end) {
        unsigned calls = log.calls;

        fake_delayed_clear();
        raise_event(81);
        TEST_REQUIRE(log.calls == calls + 1);
        xen_event_done(port, false);
        if (bit(shared.evtchn_mask, 81)) {
            fake_time_set(fake_delayed_deadline());
            xen_event_run_delayed(fake_time());
        }
        TEST_REQUIRE(log.calls < 1000, "%u calls by %lu", log.calls, fake_time());
    }
    TEST_CHECK(log.calls <= 100, "%u calls in 10 s", log.calls);
    xen_event_close(port);
}

static void raise_always(struct log *log)
{
    raise_event(log->port);
}

TEST(event_storm_during_the_handler_does_not_hold_dispatch)
{
    struct log log = {.during = raise_always};
    xen_port_t port;

    begin();
    port = bound(82, XEN_EVENT_LATE, &log);
    raise_event(82);
    TEST_CHECK(log.calls == 1);
    xen_event_close(port);
}

TEST(event_run_delayed_serves_each_port_at_its_time)
{
    struct log logs[3] = {0};
    static const uint32_t numbers[3] = {90, 91, 200};
    uint64_t deadlines[3];

    begin();
    for (unsigned i = 0; i < 3; i++) {
        xen_port_t port = bound(numbers[i], XEN_EVENT_LATE, &logs[i]);

        raise_event(port.n);
        xen_event_done(port, false);
    }
    for (unsigned i = 0; i < 3; i++) {
        fake_delayed_clear();
        raise_event(numbers[i]);
        xen_event_done((xen_port_t){numbers[i]}, false);
        deadlines[i] = fake_delayed_deadline();
        TEST_REQUIRE(deadlines[i] != XEN_FOREVER);
        fake_time_advance(100);
    }
    for (unsigned i = 0; i < 3; i++) {
        fake_delayed_clear();
        fake_time_set(deadlines[i]);
        xen_event_run_delayed(deadlines[i]);
        for (unsigned k = 0; k < 3; k++)
            TEST_CHECK(bit(shared.evtchn_mask, numbers[k]) == (k > i), "port %u at %u", numbers[k], i);
        TEST_CHECK(fake_delayed_deadline() == (i < 2 ? deadlines[i + 1] : XEN_FOREVER), "at %u", i);
    }
    for (unsigned i = 0; i < 3; i++)
        xen_event_close((xen_port_t){numbers[i]});
}

TEST(event_a_closed_port_is_not_unmasked_by_its_old_delay)
{
    struct log log = {0};
    uint64_t deadline;
    xen_port_t port;

    begin();
    port = bound(95, XEN_EVENT_LATE, &log);
    idle_event(port);
    fake_delayed_clear();
    raise_event(95);
    xen_event_done(port, false);
    deadline = fake_delayed_deadline();
    TEST_REQUIRE(deadline != XEN_FOREVER);
    xen_event_close(port);
    xen_event_run_delayed(deadline);
    TEST_CHECK(bit(shared.evtchn_mask, 95));
}

TEST(event_send_names_the_port_and_returns_what_xen_said)
{
    begin();
    TEST_CHECK(xen_event_send((xen_port_t){123}) == 0);
    TEST_CHECK(last_op == EVTCHNOP_send && ((struct evtchn_send *)(void *)last_args)->port == 123);
    next_result = -EINVAL;
    TEST_CHECK(xen_event_send((xen_port_t){124}) == -EINVAL);
}

int main(void)
{
    return tap_run();
}
