/*
 * An event's way: a guest that sends to itself, each time until the handler has run. What is in between is
 * the hypercall, Xen's delivery, the entry, dispatch and return. Domain 0 has its turns meanwhile: the best
 * batch is one without.
 */
#include <stardust/kernel.h>
#include <stardust/log.h>

#include <xenlib/event.h>

#define BATCHES 40
#define EVENTS  250

static void handled(xen_port_t port, void *arg)
{
    uint32_t *count = arg;

    (void)port;
    WRITE_ONCE(*count, *count + 1);
}

/* Sends and waits. */
static int send_one(xen_port_t port, const uint32_t *count)
{
    uint32_t before = READ_ONCE(*count);
    int error = xen_event_send(port);

    while (!error && READ_ONCE(*count) == before)
        ;
    return error;
}

static int send_batch(xen_port_t port, const uint32_t *count, uint64_t *took)
{
    uint64_t start = sd_now();
    int error = 0;

    for (unsigned i = 0; i < EVENTS && !error; i++)
        error = send_one(port, count);
    *took = sd_now() - start;
    return error;
}

int main(int argc, char **argv)
{
    static uint32_t count;
    uint64_t best = UINT64_MAX, took;
    xen_port_t port;
    int error = xen_event_bind_ipi(0, handled, &count, &port);

    (void)argc, (void)argv;
    for (unsigned i = 0; i < BATCHES && !error; i++) {
        error = send_batch(port, &count, &took);
        if (took < best)
            best = took;
    }
    if (error) {
        sd_error("event: error %d", error);
        return 1;
    }
    sd_printf("event_ns %lu\n", best / EVENTS);
    return 0;
}
