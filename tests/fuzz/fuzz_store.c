/* links: bus.c store.c store_wire.c store_watch.c store_ops.c format.c fake.c fake_event.c */
/*
 * A xenstored made of the fuzzer's bytes: they say what appears in the ring, and when, while a fixed script
 * runs every operation of the store and a front-end's life on the bus. Once the bytes are used up the ring
 * becomes invalid, so that no wait outlives them.
 */
#include <xenlib/bus.h>
#include <xenlib/store.h>

#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define PORT ((xen_port_t){3})

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xenstore_domain_interface *ring;
static const uint8_t *input;
static size_t left;
static uint32_t last_id; /* of the latest request whose header was seen whole */

static uint8_t next_byte(void)
{
    if (!left)
        return 0;
    left--;
    return *input++;
}

static uint32_t next_word(void)
{
    uint32_t word = 0;

    for (unsigned i = 0; i < 4; i++)
        word = word << 8 | next_byte();
    return word;
}

static void respond(const void *bytes, size_t count)
{
    const char *from = bytes;

    for (size_t i = 0; i < count; i++)
        ring->rsp[MASK_XENSTORE_IDX(ring->rsp_prod++)] = from[i];
}

static void respond_from_input(size_t count)
{
    while (count--) {
        char c = (char)next_byte();

        respond(&c, 1);
    }
}

/* Answers that get past the header are where the interesting code is. */
static void respond_well(uint32_t type, size_t length)
{
    struct xsd_sockmsg header = {.type = type, .req_id = last_id, .len = (uint32_t)length};

    respond(&header, sizeof header);
    respond_from_input(length);
}

static void respond_text(uint32_t type, const char *text, size_t length)
{
    struct xsd_sockmsg header = {.type = type, .req_id = last_id, .len = (uint32_t)length};

    respond(&header, sizeof header);
    respond(text, length);
}

/* The last request in the ring begins somewhere in it: its header is found by its type and length. */
static void look_at_requests(void)
{
    uint32_t at = ring->req_cons;

    if (ring->req_prod - at > XENSTORE_RING_SIZE)
        at = ring->req_prod - XENSTORE_RING_SIZE;
    for (; ring->req_prod - at >= sizeof(struct xsd_sockmsg); at++) {
        struct xsd_sockmsg header;

        for (size_t i = 0; i < sizeof header; i++)
            ((char *)&header)[i] = ring->req[MASK_XENSTORE_IDX(at + (uint32_t)i)];
        if (header.type < XS_TYPE_COUNT && header.len && header.len <= XENSTORE_PAYLOAD_MAX &&
            header.req_id && header.req_id < 1000)
            last_id = header.req_id;
    }
}

/* From now on only what has a deadline may wait. */
static bool end_of_input(void)
{
    ring->server_features = 0;
    if (ring->rsp_prod - ring->rsp_cons > XENSTORE_RING_SIZE)
        return false;
    ring->rsp_prod = ring->rsp_cons + 5000;
    fake_event_raise(PORT);
    return true;
}

static bool act(void *arg)
{
    static const char *const errors[] = {"ENOENT", "EAGAIN", "E2BIG", "EEXIST", "nonsense"};
    uint8_t what;

    (void)arg;
    if (!left)
        return end_of_input();
    what = next_byte();
    look_at_requests();
    switch (what % 16) {
    case 0:
    case 1:
    case 2:
        ring->req_cons = ring->req_prod;
        respond_text(what / 16 ? what / 16 : XS_READ, "OK", 3);
        break;
    case 3:
        ring->req_cons = ring->req_prod;
        respond_well(next_byte(), next_byte());
        break;
    case 4:
        respond_well(next_byte(), next_word() % 1008);
        break;
    case 5:
        respond_text(XS_ERROR, errors[what / 16 % 5], strlen(errors[what / 16 % 5]) + what / 128);
        break;
    case 6:
        respond_well(XS_WATCH_EVENT, next_byte());
        break;
    case 7:
        respond_text(XS_WATCH_EVENT,
                     "path\0"
                     "1",
                     7);
        break;
    case 8:
        respond_from_input(what);
        break;
    case 9:
        ring->req_cons += next_byte();
        break;
    case 10:
        ring->rsp_prod = next_word();
        break;
    case 11:
        ring->req_cons = next_word();
        break;
    case 12:
        ring->server_features = next_byte();
        ring->error = next_byte();
        break;
    case 13:
        ring->connection = 0;
        break;
    case 14:
        respond_text(XS_TRANSACTION_START, "7", 2);
        break;
    default:
        fake_time_advance(1000000000);
    }
    fake_event_raise(PORT);
    return true;
}

/* ---- the script ---- */

static int body(xen_store_tx tx, void *arg)
{
    uint64_t value;

    (void)arg;
    if (xen_store_read_uint(tx, "number", 100, &value))
        return -1;
    return xen_store_printf(tx, "number", "%u", 5u);
}

static int step(struct xen_bus_device *device, void *instance)
{
    (void)device, (void)instance;
    return 0;
}

static int publish(xen_store_tx tx, struct xen_bus_device *device, void *instance)
{
    (void)instance;
    return xen_bus_write_front(device, tx, "ring-ref", "%u", 9u);
}

static void closing(struct xen_bus_device *device, void *instance)
{
    (void)device, (void)instance;
}

static void run_store(void)
{
    static char large[4000], names[8192];
    char *value = malloc(17);
    struct xen_store_permission list[3];
    struct xen_store_watch watch;
    size_t count, length;

    (void)!xen_store_read(XEN_STORE_NONE, "key", value, 17, &length);
    (void)!xen_store_write(XEN_STORE_NONE, "key", large, sizeof large);
    (void)!xen_store_mkdir(XEN_STORE_NONE, "dir");
    (void)!xen_store_remove(XEN_STORE_NONE, "dir");
    if (!xen_store_list(XEN_STORE_NONE, "dir", names, sizeof names, &count, &length) && length > sizeof names)
        abort();
    if (!xen_store_list(XEN_STORE_NONE, "dir", value, 17, &count, &length) && (length > 17 || count > length))
        abort();
    if (!xen_store_get_permissions(XEN_STORE_NONE, "key", list, 3, &count) && count > 3)
        abort();
    (void)!xen_store_transaction(body, NULL);
    if (!xen_store_watch(&watch, "path")) {
        (void)!xen_store_watch_wait(&watch, fake_time() + 3000000000);
        (void)!xen_store_read(XEN_STORE_NONE, "key", value, 17, NULL);
        (void)!xen_store_watch_wait(&watch, fake_time() + 1000000000);
        xen_store_unwatch(&watch);
    }
    free(value);
}

static void run_bus(void)
{
    static const struct xen_bus_driver driver = {"vif", step, publish, step, closing};
    struct xen_bus_device *device = malloc(sizeof *device);
    uint32_t indices[4];
    size_t count;

    if (!xen_bus_enumerate("vif", indices, 4, &count) && count > 4)
        abort();
    if (!xen_bus_open(device, "vif", 0)) {
        if (!xen_bus_connect(device, &driver, NULL, fake_time() + 3000000000))
            xen_bus_disconnect(device, &driver, NULL, fake_time() + 1000000000);
        xen_bus_close(device);
    }
    free(device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t index;

    input = data;
    left = size;
    last_id = 1;
    fake_reset();
    fake_event_reset();
    ring = malloc(sizeof *ring);
    memset(ring, 0, sizeof *ring);
    index = next_word();
    ring->req_cons = ring->req_prod = ring->rsp_cons = ring->rsp_prod = index;
    ring->server_features = next_byte();
    fake_on_wait(act, NULL);
    if (xen_store_init(ring, PORT))
        abort();
    run_store();
    run_bus();
    if (fake_pages_in_use() || fake_locks_held())
        abort();
    free(ring);
    return 0;
}
