#include "net_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenlib/event.h>
#include <xenlib/grant.h>
#include <xenlib/platform.h>
#include <xenlib/store.h>

#include "fake.h"
#include "fake_grant.h"

#define SECOND     1000000000ULL
#define STORE_PORT 1
#define LONGEST    XEN_NET_RX_MAX

static _Alignas(4096) uint8_t store_page[4096];

static void kick(void *arg)
{
    struct net_fixture *fix = arg;

    fix->kicked = true;
    fix->kicks++;
}

static void room(void *arg)
{
    struct net_fixture *fix = arg;

    fix->rooms++;
}

static void receive(void *arg, const struct xen_net_packet *packet)
{
    struct net_fixture *fix = arg;
    struct net_received *into = &fix->received[fix->received_count];
    uint32_t at = 0;

    if (fix->received_count == NET_RECEIVED)
        abort();
    *into = (struct net_received){
        .data = malloc(packet->length),
        .length = packet->length,
        .fragments = packet->count,
        .lent = packet->lent,
        .checksum_valid = packet->checksum_valid,
        .checksum_blank = packet->checksum_blank,
        .gso_type = packet->gso_type,
        .gso_size = packet->gso_size,
    };
    for (unsigned i = 0; i < packet->count; i++) {
        const struct xen_net_fragment *fragment = &packet->fragments[i];

        if (!fragment->length || at + fragment->length > packet->length ||
            (uintptr_t)fragment->data % XEN_PAGE_SIZE + fragment->length > XEN_PAGE_SIZE)
            abort();
        memcpy(into->data + at, fragment->data, fragment->length);
        at += fragment->length;
        /* The owner may write there: the page is its own. */
        memset(fragment->data, 0x77, fragment->length);
        if (packet->lent)
            continue;
        if (fix->keep_pages)
            fix->kept[fix->kept_count++] = fragment->data;
        else
            xen_netfront_return(&fix->front, fragment->data + fragment->length - 1);
    }
    if (at != packet->length)
        abort();
    fix->received_count++;
    if (fix->on_receive)
        fix->on_receive(fix);
}

static const struct xen_netfront_ops ops = {kick, receive, room};

bool net_up(struct net_fixture *fix, const struct xen_netfront_config *config)
{
    static const struct xen_netfront_config defaults;

    memset(fix, 0, sizeof *fix);
    fake_reset();
    fake_event_reset();
    fake_grant_reset();
    (void)!xen_grant_init();
    xs_start(&fix->xs, (struct xenstore_domain_interface *)store_page, (xen_port_t){STORE_PORT}, 3, 0);
    netback_start(&fix->nb, &fix->xs);
    fake_on_wait(netback_wait_hook, &fix->nb);
    if (xen_store_init((struct xenstore_domain_interface *)store_page, (xen_port_t){STORE_PORT}))
        return false;
    fix->pages_before = fake_pages_in_use();
    fix->grants_before = xen_grant_in_use();
    fix->quarantined_before = xen_grant_quarantined();
    fix->ports_before = fake_ports_bound();
    return !xen_netfront_open(&fix->front, 0, config ? config : &defaults, &ops, fix);
}

int net_connect(struct net_fixture *fix)
{
    int error = xen_netfront_connect(&fix->front, fake_time() + 10 * SECOND);

    fix->poll_error = 0;
    fix->sends_seen = 0;
    return error;
}

void net_disconnect(struct net_fixture *fix)
{
    xen_netfront_disconnect(&fix->front, fake_time() + 10 * SECOND);
}

void net_return_all(struct net_fixture *fix)
{
    while (fix->kept_count)
        xen_netfront_return(&fix->front, fix->kept[--fix->kept_count]);
}

void net_forget_received(struct net_fixture *fix)
{
    while (fix->received_count)
        free(fix->received[--fix->received_count].data);
}

void net_down(struct net_fixture *fix)
{
    if (fix->front.connected)
        net_disconnect(fix);
    net_return_all(fix);
    xen_netfront_close(&fix->front);
    netback_stop(&fix->nb);
    net_forget_received(fix);
    xs_stop(&fix->xs);
}

bool net_is_clean(struct net_fixture *fix)
{
    size_t quarantined = xen_grant_quarantined(); /* tries them again */
    size_t pages = fake_pages_in_use() - fix->kept_count;

    if (quarantined == fix->quarantined_before && pages == fix->pages_before &&
        xen_grant_in_use() == fix->grants_before && fake_ports_bound() == fix->ports_before)
        return true;
    printf("# pages %zu, were %zu; grants %zu, were %zu; quarantined %zu; ports %u, were %u\n", pages,
           fix->pages_before, xen_grant_in_use(), fix->grants_before, quarantined, fake_ports_bound(),
           fix->ports_before);
    return false;
}

static bool backend_step(struct net_fixture *fix)
{
    unsigned sends;

    if (!fix->nb.attached)
        return false;
    sends = fake_port((xen_port_t){fix->nb.port})->sends + fake_port((xen_port_t){fix->nb.tx_port})->sends;
    if (sends == fix->sends_seen)
        return false;
    fix->sends_seen = sends;
    netback_take(&fix->nb);
    return true;
}

static bool owner_step(struct net_fixture *fix)
{
    if (!fix->kicked)
        return false;
    fix->kicked = false;
    fix->poll_error = xen_netfront_poll(&fix->front);
    xen_netfront_flush(&fix->front);
    return true;
}

void net_pump(struct net_fixture *fix)
{
    bool moved;

    do {
        moved = backend_step(fix);
        moved |= owner_step(fix);
    } while (moved);
}

void net_pattern(uint8_t *data, uint32_t length, uint32_t seed)
{
    uint32_t x = seed * 2654435761u + length + 1;

    for (uint32_t i = 0; i < length; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = (uint8_t)(x >> 24) & 0x7f; /* never what fills the guest's own pages */
    }
}

int net_transmit(struct net_fixture *fix, const uint8_t *data, uint32_t length,
                 const struct xen_net_offload *offload)
{
    for (uint32_t at = 0; at < length;) {
        uint32_t part = at % 1000 + 1 < length - at ? at % 1000 + 1 : length - at;
        int error = xen_netfront_append(&fix->front, data + at, part);

        if (error) {
            xen_netfront_abort(&fix->front);
            return error;
        }
        at += part;
    }
    return xen_netfront_commit(&fix->front, offload);
}

static const uint32_t sizes[] = {14, 60, 255, 256, 257, 1514, 4095, 4096, 4097, 9000, 40000, 65535};

static const char *inward(struct net_fixture *fix, const uint8_t *data, uint32_t length, uint32_t seed)
{
    struct netback_offload how = {
        .checksum_blank = seed & 1,
        .validated = seed & 2,
        .gso_type = (uint8_t)(length > 1514 ? 1 + seed % 2 : 0),
        .gso_size = (uint16_t)(length > 1514 ? 1448 : 0),
        .offset = (uint16_t)(seed % 3 * 100),
    };
    const struct net_received *got = fix->received;

    if (!netback_send(&fix->nb, data, length, &how))
        return "no room for a packet inward";
    net_pump(fix);
    if (fix->received_count != 1)
        return "a packet inward was lost";
    if (got->length != length || memcmp(got->data, data, length))
        return "a packet inward was changed";
    if (got->checksum_blank != how.checksum_blank || got->gso_type != (enum xen_net_gso)how.gso_type ||
        got->checksum_valid != (how.checksum_blank || how.validated) || got->gso_size != how.gso_size)
        return "a packet inward has other properties";
    if (got->lent != (got->fragments == 1 && length <= XEN_NET_COPY_MAX))
        return "a packet inward is lent wrongly";
    return NULL;
}

static const char *outward(struct net_fixture *fix, const uint8_t *data, uint32_t length, uint32_t seed)
{
    struct xen_net_offload how = {
        .checksum_blank = (seed & 1) || length > 1514,
        .gso_type = length > 1514 ? (enum xen_net_gso)(1 + seed % 2) : XEN_NET_GSO_NONE,
        .gso_size = (uint16_t)(length > 1514 ? 1448 : 0),
    };
    const struct netback_packet *got = fix->nb.packets;

    if (net_transmit(fix, data, length, seed % 5 ? &how : NULL))
        return "transmission failed";
    xen_netfront_flush(&fix->front);
    net_pump(fix);
    if (fix->nb.complaint)
        return fix->nb.complaint;
    if (fix->nb.packet_count != 1)
        return "a packet outward was lost";
    if (got->length != length || memcmp(got->data, data, length))
        return "a packet outward was changed";
    if (seed % 5 && (got->checksum_blank != how.checksum_blank || got->gso_size != how.gso_size))
        return "a packet outward has other properties";
    return NULL;
}

const char *net_traffic(struct net_fixture *fix, uint32_t seed)
{
    static uint8_t data[LONGEST];
    const char *wrong = NULL;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !wrong; i++) {
        net_forget_received(fix);
        netback_forget_packets(&fix->nb);
        net_pattern(data, sizes[i], seed + (uint32_t)i);
        wrong = inward(fix, data, sizes[i], seed + (uint32_t)i);
        if (!wrong)
            wrong = outward(fix, data, sizes[i], seed + (uint32_t)i);
    }
    net_forget_received(fix);
    netback_forget_packets(&fix->nb);
    return wrong ? wrong : fix->nb.complaint;
}
