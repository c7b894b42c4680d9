/*
 * The fake platform of the host tests: xenlib/platform.h over malloc, single-threaded, with a clock that only
 * the test moves, and Xen itself played by handlers.
 *
 * fake.c       pages, lock, wait and wake, log, panic, clock, hypercalls, frame numbers
 * fake_event.c event channels, for tests of modules that stand on xenlib/event.h
 *
 * What a real module of xen/src also defines (clock, frame numbers, xensys_hypercall) is weak in fake.c, so a
 * test may link the real one. A test's main file names what it is linked with: "links: store.c fake.c", in a
 * comment at its top
 */
#ifndef TESTS_HOST_FAKE_H
#define TESTS_HOST_FAKE_H

#include <xenlib/event.h>
#include <xenlib/platform.h>
#include <xenlib/types.h>

/* Back to the state of the program's start; pages in use stay in use. */
void fake_reset(void);

/* Pages given out and not freed yet. */
size_t fake_pages_in_use(void);
/* The next `count` allocations succeed, all later ones fail; negative: all succeed. */
void fake_pages_left(long count);

/* The clock (ns of system time). A wait that nothing ends moves it to the wait's deadline. */
uint64_t fake_time(void);
void fake_time_set(uint64_t ns);
void fake_time_advance(uint64_t ns);

/*
 * Called by xen_platform_wait with the lock released: the moment in which everybody else acts. Returns
 * whether anything happened; then, or when a wake-up came, the wait returns 0. If not, it times out, and a
 * wait without a deadline is a dead-lock, which ends the program.
 */
typedef bool fake_wait_hook(void *arg);
void fake_on_wait(fake_wait_hook *hook, void *arg);
unsigned fake_waits(void);
unsigned fake_wakes(void);
unsigned fake_locks_held(void);

/* Events raised while a lock is held are delivered when it is released: fake_event.c sets this. */
extern void (*fake_upcall)(void);

/* What was logged since the last clear, one line each (the oldest text is dropped beyond 64 KiB). */
const char *fake_log(void);
void fake_log_clear(void);
unsigned fake_log_lines(void);

/* Whether function(arg) panics. Outside of this, a panic ends the program. */
bool fake_panics(void (*function)(void *arg), void *arg);

/* The earliest deadline given to xen_platform_delayed_events since the last fake_delayed_clear(). */
uint64_t fake_delayed_deadline(void);
void fake_delayed_clear(void);

/* Hypercalls. One without a handler ends the program. */
typedef long fake_hypercall(long a1, long a2, long a3, long a4, long a5);
void fake_on_hypercall(unsigned long number, fake_hypercall *handler);
unsigned fake_hypercalls(unsigned long number);

/* The stand-in for the P2M: mfn = pfn + this, so that one taken for the other is noticed. */
#define FAKE_MFN_OFFSET 0x100000000UL

/* fake_event.c: one port as the test sees it. */
#define FAKE_PORTS 64
struct fake_port {
    bool bound, masked, pending;
    enum xen_event_mode mode;
    xen_event_handler *handler;
    void *arg;
    xen_domid_t remote;   /* of bind_interdomain and alloc_unbound */
    uint32_t remote_port; /* of bind_interdomain */
    unsigned masks, unmasks, sends, dones, idle_dones;
    void (*on_send)(void *arg); /* runs within xen_event_send, maybe under the module's lock: only note it */
    void *on_send_arg;
};
struct fake_port *fake_port(xen_port_t port);

/* All ports unbound. */
void fake_event_reset(void);
/* The peer notifies the guest: runs the handler now, or when unmasked and no lock is held. */
void fake_event_raise(xen_port_t port);
/* The next bind, alloc or adopt gives this errno. */
void fake_event_fail_next(int error);
unsigned fake_ports_bound(void);

#endif
