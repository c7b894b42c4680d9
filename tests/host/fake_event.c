#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake_port ports[FAKE_PORTS];
static int fail_next;
static bool upcalls = true;

struct fake_port *fake_port(xen_port_t port)
{
    if (!port.n || port.n >= FAKE_PORTS) {
        printf("Bail out! port %u is none\n", port.n);
        abort();
    }
    return &ports[port.n];
}

void fake_event_reset(void)
{
    memset(ports, 0, sizeof ports);
    fail_next = 0;
    upcalls = true;
}

void fake_event_fail_next(int error)
{
    fail_next = error;
}

unsigned fake_ports_bound(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < FAKE_PORTS; i++)
        count += ports[i].bound;
    return count;
}

static void deliver(uint32_t n)
{
    struct fake_port *port = &ports[n];

    if (!port->pending || port->masked || !port->bound || !upcalls || fake_locks_held())
        return;
    port->pending = false;
    if (port->mode == XEN_EVENT_LATE)
        port->masked = true;
    if (port->handler) {
        upcalls = false;
        port->handler((xen_port_t){n}, port->arg);
        upcalls = true;
    }
}

void xen_event_dispatch(void)
{
    for (uint32_t n = 1; n < FAKE_PORTS; n++)
        deliver(n);
}

void fake_event_raise(xen_port_t port)
{
    fake_port(port)->pending = true;
    fake_upcall = xen_event_dispatch;
    deliver(port.n);
}

int xen_event_init(void)
{
    return 0;
}

static int bind(uint32_t n, enum xen_event_mode mode, xen_event_handler *handler, void *arg)
{
    int error = fail_next;

    fail_next = 0;
    if (error)
        return error;
    ports[n].bound = true;
    ports[n].masked = false;
    ports[n].pending = false;
    ports[n].mode = mode;
    ports[n].handler = handler;
    ports[n].arg = arg;
    return 0;
}

static int bind_any(enum xen_event_mode mode, xen_event_handler *handler, void *arg, xen_port_t *port)
{
    uint32_t n = 1;
    int error;

    while (n < FAKE_PORTS && ports[n].bound)
        n++;
    if (n == FAKE_PORTS)
        return -ENOSPC;
    error = bind(n, mode, handler, arg);
    if (!error)
        port->n = n;
    return error;
}

int xen_event_bind_interdomain(xen_domid_t remote, uint32_t remote_port, enum xen_event_mode mode,
                               xen_event_handler *handler, void *arg, xen_port_t *port)
{
    int error = bind_any(mode, handler, arg, port);

    if (!error) {
        fake_port(*port)->remote = remote;
        fake_port(*port)->remote_port = remote_port;
    }
    return error;
}

int xen_event_alloc_unbound(xen_domid_t remote, enum xen_event_mode mode, xen_event_handler *handler,
                            void *arg, xen_port_t *port)
{
    return xen_event_bind_interdomain(remote, 0, mode, handler, arg, port);
}

int xen_event_bind_virq(unsigned virq, unsigned vcpu, xen_event_handler *handler, void *arg, xen_port_t *port)
{
    (void)virq, (void)vcpu;
    return bind_any(XEN_EVENT_PLAIN, handler, arg, port);
}

int xen_event_bind_ipi(unsigned vcpu, xen_event_handler *handler, void *arg, xen_port_t *port)
{
    (void)vcpu;
    return bind_any(XEN_EVENT_PLAIN, handler, arg, port);
}

int xen_event_adopt(xen_port_t port, enum xen_event_mode mode, xen_event_handler *handler, void *arg)
{
    if (!port.n || port.n >= FAKE_PORTS)
        return -EINVAL;
    return bind(port.n, mode, handler, arg);
}

void xen_event_close(xen_port_t port)
{
    if (port.n && port.n < FAKE_PORTS)
        ports[port.n].bound = false;
}

void xen_event_mask(xen_port_t port)
{
    fake_port(port)->masks++;
    fake_port(port)->masked = true;
}

void xen_event_unmask(xen_port_t port)
{
    fake_port(port)->unmasks++;
    fake_port(port)->masked = false;
    deliver(port.n);
}

void xen_event_done(xen_port_t port, bool worked)
{
    fake_port(port)->dones++;
    fake_port(port)->idle_dones += !worked;
    xen_event_unmask(port);
}

void xen_event_run_delayed(uint64_t now)
{
    (void)now;
}

int xen_event_send(xen_port_t port)
{
    struct fake_port *entry = fake_port(port);

    if (!entry->bound)
        return -EINVAL;
    entry->sends++;
    if (entry->on_send)
        entry->on_send(entry->on_send_arg);
    return 0;
}

bool xen_event_is_pending(xen_port_t port)
{
    return fake_port(port)->pending;
}

bool xen_upcalls_off(void)
{
    bool were = upcalls;

    upcalls = false;
    return were;
}

void xen_upcalls_on(void)
{
    upcalls = true;
    xen_event_dispatch();
}
