/*
 * Xenstore's ring: a monitor. Requests wait in two lists, `queued` until all of their bytes are in the ring,
 * `sent` until the answer is complete. Whoever waits for anything pumps: moves bytes both ways for everybody,
 * as far as the ring allows, under the one lock. So a request longer than the ring never keeps answers from
 * being taken, and neither end waits for the other.
 *
 * Of the shared page, our own two indices are only written after the start, and the other end's are read once
 * for each pass.
 */
#include <xenlib/store.h>

#include <errno.h>
#include <string.h>

#include <xenlib/event.h>
#include <xenlib/time.h>

#include "store_internal.h"

#define RECONNECT_PATIENCE 1000000000UL /* ns that a request waits for the connection to come back */
#define LOG_INTERVAL       1000000000UL /* ns between two lines about a broken connection */

struct store_monitor xen_store_monitor;

static struct store_monitor *const store = &xen_store_monitor;

static void store_event(xen_port_t port, void *arg)
{
    (void)port, (void)arg;
    xen_platform_wake(&store->changed);
}

static void finish(struct store_request *request, int error)
{
    xen_list_remove(&request->link);
    request->error = error;
    request->done = true;
    store->wake = true;
}

static void finish_all(int error)
{
    xen_list_each(item, &store->queued) finish(xen_container_of(item, struct store_request, link), error);
    xen_list_each(item, &store->sent) finish(xen_container_of(item, struct store_request, link), error);
    memset(&store->in, 0, sizeof store->in);
}

static void break_connection(const char *why)
{
    uint64_t now = xen_time_now();

    store->state = STORE_BROKEN;
    finish_all(-EIO);
    store->wake = true;
    if (store->logged && now - store->logged_at < LOG_INTERVAL)
        return;
    store->logged = true;
    store->logged_at = now;
    xen_platform_log(XEN_LOG_ERROR, "xenstore: connection broken: %s", why);
}

static void notify(void)
{
    if (xen_event_send(store->port))
        break_connection("its event channel is closed");
}

/* ---- the connection ---- */

static bool server_offers(uint32_t feature)
{
    return READ_ONCE(store->ring->server_features) & feature;
}

static bool server_gave_up(void)
{
    return server_offers(XENSTORE_SERVER_FEATURE_ERROR) && READ_ONCE(store->ring->error);
}

/* The indices may stand anywhere; whatever lies unread was meant for somebody before us. */
static void start_connection(void)
{
    store->req_prod = READ_ONCE(store->ring->req_prod);
    store->rsp_cons = __atomic_load_n(&store->ring->rsp_prod, __ATOMIC_ACQUIRE);
    __atomic_store_n(&store->ring->rsp_cons, store->rsp_cons, __ATOMIC_RELEASE);
    memset(&store->in, 0, sizeof store->in);
    store->state = STORE_UP;
    store->epoch++;
    xen_store_forget_set();
}

static void start_reconnection(void)
{
    store->state = STORE_RECONNECTING;
    WRITE_ONCE(store->ring->connection, XENSTORE_RECONNECT);
    notify();
}

/* While it lasts, no other field of the page means anything (docs/misc/xenstore-ring.txt). */
static void look_for_reconnection(void)
{
    if (__atomic_load_n(&store->ring->connection, __ATOMIC_ACQUIRE) != XENSTORE_CONNECTED)
        return;
    start_connection();
    store->wake = true;
}

static void take_over(struct xenstore_domain_interface *ring, xen_port_t port)
{
    store->ring = ring;
    store->port = port;
    if (READ_ONCE(ring->connection) == XENSTORE_CONNECTED)
        start_connection();
    else
        store->state = STORE_RECONNECTING; /* xenstored is not there yet */
}

static int start(struct xenstore_domain_interface *ring, xen_port_t port)
{
    int error = xen_event_adopt(port, XEN_EVENT_PLAIN, store_event, NULL);

    if (!error)
        take_over(ring, port);
    return error;
}

void xen_store_init_late(void (*find)(struct xenstore_domain_interface **ring, xen_port_t *port))
{
    memset(store, 0, sizeof *store);
    xen_waitq_init(&store->changed);
    xen_list_init(&store->queued);
    xen_list_init(&store->sent);
    xen_list_init(&store->watches);
    store->find = find;
    store->state = STORE_LATE;
}

int xen_store_init(struct xenstore_domain_interface *ring, xen_port_t port)
{
    xen_store_init_late(NULL);
    store->state = STORE_DOWN;
    return start(ring, port);
}

/* With the lock held. */
static void start_late(void)
{
    struct xenstore_domain_interface *ring;
    xen_port_t port;
    int error;

    store->state = STORE_DOWN;
    store->find(&ring, &port);
    error = start(ring, port);
    if (error)
        xen_platform_log(XEN_LOG_ERROR, "xenstore: port %u: error %d", port.n, error);
}

/* The oldest request in `sent`, and all since. */
static void note_stale(void)
{
    store->stale_count = 0;
    if (xen_list_is_empty(&store->sent))
        return;
    store->stale_first = xen_container_of(store->sent.next, struct store_request, link)->header.req_id;
    store->stale_count = store->last_request + 1 - store->stale_first;
}

/*
 * The old port is not closed: on the new host its number may already be somebody else's. Answers to what was
 * outstanding may still come, if the domain was never really away.
 */
int xen_store_resume(struct xenstore_domain_interface *ring, xen_port_t port)
{
    int error = xen_event_adopt(port, XEN_EVENT_PLAIN, store_event, NULL);

    xen_platform_lock(&store->lock);
    note_stale();
    finish_all(-EAGAIN);
    store->state = STORE_DOWN;
    store->wake = true;
    if (!error)
        take_over(ring, port);
    xen_store_pump();
    xen_platform_unlock(&store->lock);
    return error;
}

/* ---- arriving ---- */

static struct store_request *find(const struct xen_list *list, uint32_t id)
{
    xen_list_each(item, list)
    {
        struct store_request *request = xen_container_of(item, struct store_request, link);

        if (request->header.req_id == id)
            return request;
    }
    return NULL;
}

static void start_message(struct store_incoming *in)
{
    if (in->header.len > XENSTORE_PAYLOAD_MAX) {
        break_connection("a message longer than the protocol allows");
        return;
    }
    in->left = in->header.len;
    if (in->header.type == XS_WATCH_EVENT)
        return;
    in->to = find(&store->sent, in->header.req_id);
    /* Whoever asked would wait for ever for the answer that went to nobody. */
    if (!in->to && in->header.req_id - store->stale_first >= store->stale_count)
        break_connection("an answer that nobody asked for");
}

static void end_message(struct store_incoming *in)
{
    uint32_t id;

    if (in->header.type == XS_WATCH_EVENT) {
        if (xen_store_event_id(in, &id))
            xen_store_fire(id);
    } else if (in->to) {
        finish(in->to, xen_store_verdict(in));
    }
    memset(in, 0, sizeof *in);
}

static void take(struct store_incoming *in, const char *bytes, size_t count)
{
    while (count && store->state == STORE_UP) {
        bool heading = in->header_got < sizeof in->header;
        size_t step = heading ? sizeof in->header - in->header_got : in->left;

        if (step > count)
            step = count;
        if (heading) {
            memcpy((char *)&in->header + in->header_got, bytes, step);
            in->header_got += step;
            if (in->header_got == sizeof in->header)
                start_message(in);
        } else {
            xen_store_take_payload(in, bytes, step);
        }
        bytes += step;
        count -= step;
        if (in->header_got == sizeof in->header && !in->left)
            end_message(in);
    }
}

/* How much of a stretch of `count` bytes at `index` lies before the ring wraps. */
static size_t unwrapped(uint32_t index, size_t count)
{
    size_t to_end = XENSTORE_RING_SIZE - MASK_XENSTORE_IDX(index);

    return count < to_end ? count : to_end;
}

/* Returns whether anything was taken. */
static bool receive(void)
{
    uint32_t available = __atomic_load_n(&store->ring->rsp_prod, __ATOMIC_ACQUIRE) - store->rsp_cons;

    if (!available)
        return false;
    if (available > XENSTORE_RING_SIZE) {
        break_connection("its response index is out of range");
        return false;
    }
    while (available && store->state == STORE_UP) {
        size_t step = unwrapped(store->rsp_cons, available);

        take(&store->in, store->ring->rsp + MASK_XENSTORE_IDX(store->rsp_cons), step);
        store->rsp_cons += (uint32_t)step;
        available -= (uint32_t)step;
    }
    /* Read by xenstored, which may write over these bytes from now on. */
    __atomic_store_n(&store->ring->rsp_cons, store->rsp_cons, __ATOMIC_RELEASE);
    return true;
}

/* ---- leaving ---- */

void xen_store_submit(struct store_request *request)
{
    do
        store->last_request++;
    while (find(&store->queued, store->last_request) || find(&store->sent, store->last_request));
    request->tx.epoch = store->epoch;
    request->header.type = request->type;
    request->header.req_id = store->last_request;
    request->header.tx_id = request->tx.id;
    request->header.len = 0;
    for (size_t i = 0; i < request->part_count; i++)
        request->header.len += (uint32_t)request->parts[i].length;
    xen_list_insert(&store->queued, &request->link);
}

/* As much of the request as fits; one that has left altogether now awaits its answer. */
static size_t put(struct store_request *request, size_t space)
{
    size_t before = space, length;
    const char *piece;

    while ((piece = xen_store_next_piece(request, &length)) && space) {
        length = unwrapped(store->req_prod, length < space ? length : space);
        memcpy(store->ring->req + MASK_XENSTORE_IDX(store->req_prod), piece, length);
        store->req_prod += (uint32_t)length;
        request->sent += length;
        space -= length;
    }
    if (!piece) {
        xen_list_remove(&request->link);
        xen_list_insert(&store->sent, &request->link);
    }
    return before - space;
}

/* Returns whether anything was sent. */
static bool send(void)
{
    uint32_t used = store->req_prod - __atomic_load_n(&store->ring->req_cons, __ATOMIC_ACQUIRE);
    size_t space = XENSTORE_RING_SIZE - used;

    if (used > XENSTORE_RING_SIZE) {
        break_connection("its request index is out of range");
        return false;
    }
    if (!space || xen_list_is_empty(&store->queued))
        return false;
    while (space && !xen_list_is_empty(&store->queued))
        space -= put(xen_container_of(store->queued.next, struct store_request, link), space);
    /* Read by xenstored, which then reads the bytes before it. */
    __atomic_store_n(&store->ring->req_prod, store->req_prod, __ATOMIC_RELEASE);
    return true;
}

/* ---- waiting ---- */

void xen_store_pump(void)
{
    bool moved = false;

    if (store->state == STORE_RECONNECTING)
        look_for_reconnection();
    if (store->state == STORE_UP && server_gave_up())
        break_connection("xenstored reports an error");
    if (store->state == STORE_UP)
        moved = receive();
    if (store->state == STORE_UP)
        xen_store_restore_watches();
    if (store->state == STORE_UP)
        moved |= send();
    if (store->state == STORE_UP && moved)
        notify();
    if (store->wake) {
        store->wake = false;
        xen_platform_wake(&store->changed);
    }
}

int xen_store_await_connection(uint64_t deadline)
{
    bool asked = false;
    int late = 0;

    for (;;) {
        xen_store_pump();
        if (store->state == STORE_UP)
            return 0;
        if (store->state == STORE_BROKEN && !asked && server_offers(XENSTORE_SERVER_FEATURE_RECONNECTION)) {
            asked = true;
            start_reconnection();
        }
        if (store->state != STORE_RECONNECTING)
            return -EIO;
        if (late)
            return late;
        late = xen_platform_wait(&store->changed, &store->lock, deadline);
    }
}

static bool fits_payload(const struct store_request *request)
{
    size_t left = XENSTORE_PAYLOAD_MAX;

    for (size_t i = 0; i < request->part_count; i++) {
        if (request->parts[i].length > left)
            return false;
        left -= request->parts[i].length;
    }
    return true;
}

static int call(struct store_request *request)
{
    if (store->state == STORE_LATE)
        start_late();
    if (store->state != STORE_UP && xen_store_await_connection(xen_time_now() + RECONNECT_PATIENCE))
        return -EIO;
    if (request->tx.id && request->tx.epoch != store->epoch)
        return -EAGAIN;
    xen_store_submit(request);
    xen_store_pump();
    while (!request->done) {
        (void)xen_platform_wait(&store->changed, &store->lock, XEN_FOREVER);
        xen_store_pump();
    }
    return request->error;
}

int xen_store_call(struct store_request *request)
{
    int error;

    if (!fits_payload(request))
        return -E2BIG;
    xen_platform_lock(&store->lock);
    error = call(request);
    xen_platform_unlock(&store->lock);
    return error;
}
