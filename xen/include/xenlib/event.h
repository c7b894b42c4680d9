/*
 * Event channels (xen/event_channel.h): Xen's interrupts.
 *
 * A port is bound with a handler. Dispatch acknowledges (clears pending) first and calls the handler after
 * it, in upcall context: the handler may set a flag and wake a thread, and touches no vector registers.
 * Handlers run with upcalls off.
 *
 * A port bound with XEN_EVENT_LATE is left masked by dispatch until its consumer, having drained its ring,
 * says xen_event_done(). A consumer that found no work there has its port unmasked late, and later each time,
 * so that a peer that only sends events cannot keep the guest busy (XSA-332, XSA-391).
 */
#ifndef XENLIB_EVENT_H
#define XENLIB_EVENT_H

#include <xenlib/types.h>

typedef void xen_event_handler(xen_port_t port, void *arg);

enum xen_event_mode {
    XEN_EVENT_PLAIN, /* unmasked all the time */
    XEN_EVENT_LATE,  /* masked from dispatch to xen_event_done() */
};

/* Brings up dispatch: all ports masked, upcalls on. Once, before any other function here. 0 or -ENOMEM. */
int xen_event_init(void) xen_must_check;

/*
 * Each binds a new port, unmasked, to a handler and gives its number in *port. 0; -ENOSPC when Xen has no
 * port left, -ENOMEM, or the errno that Xen gave (-EINVAL: no such remote port or domain).
 */
int xen_event_bind_interdomain(xen_domid_t remote, uint32_t remote_port, enum xen_event_mode mode,
                               xen_event_handler *handler, void *arg, xen_port_t *port) xen_must_check;
int xen_event_bind_virq(unsigned virq, unsigned vcpu, xen_event_handler *handler, void *arg,
                        xen_port_t *port) xen_must_check;
int xen_event_bind_ipi(unsigned vcpu, xen_event_handler *handler, void *arg, xen_port_t *port) xen_must_check;
/* A port that `remote` may bind to. */
int xen_event_alloc_unbound(xen_domid_t remote, enum xen_event_mode mode, xen_event_handler *handler,
                            void *arg, xen_port_t *port) xen_must_check;
/* A port that exists already: the console's and xenstore's, which the toolstack made. -EINVAL for a bad
 * number. */
int xen_event_adopt(xen_port_t port, enum xen_event_mode mode, xen_event_handler *handler,
                    void *arg) xen_must_check;

/* Unbinds and closes. The handler does not run any more once this returns. A port that is not bound is
 * ignored. */
void xen_event_close(xen_port_t port);

/* Any context. An event that arrives while masked stays pending, and unmask delivers it. */
void xen_event_mask(xen_port_t port);
void xen_event_unmask(xen_port_t port);

/* For a port in XEN_EVENT_LATE mode: its ring is drained, `worked` tells whether anything was there. Thread
 * context. */
void xen_event_done(xen_port_t port, bool worked);

/* Unmasks the ports whose delay is over at `now` (system time, ns). Thread context; see
 * xen_platform_delayed_events. */
void xen_event_run_delayed(uint64_t now);

/* Notifies the other end. 0, or -EINVAL when the port is not connected. Any context. */
int xen_event_send(xen_port_t port);

/* Whether an event is pending on the port, masked or not. */
bool xen_event_is_pending(xen_port_t port);

/* Runs the handlers of everything pending on this vCPU. Called by the upcall entry with upcalls off. */
void xen_event_dispatch(void);

/*
 * Upcalls of the calling vCPU, off and on; off returns whether they were on. xen_upcalls_on() delivers what
 * is pending before it returns.
 */
bool xen_upcalls_off(void);
void xen_upcalls_on(void);

#endif
