/* links: front/net.c front/net_rx.c front/net_tx.c ring.c grant.c */
/* links: fake.c fake_event.c fake_grant.c fake_bus.c fake_netback.c net_fixture.c */
/*
 * The input is what a backend does: a byte for the deed, and bytes for its fields. Whatever it is, the guest
 * survives; once the backend lets go, every page and grant is back, and honest traffic flows over the next
 * connection.
 */
#include <stdlib.h>
#include <string.h>

#include <xenlib/grant.h>

#include "fake.h"
#include "fake_grant.h"
#include "net_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct net_fixture fix;
static uint8_t data[XEN_NET_RX_MAX];
static bool starved; /* memory was short at some time */

struct input {
    const uint8_t *at, *end;
};

static uint8_t next8(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static uint16_t next16(struct input *in)
{
    uint16_t low = next8(in);

    return (uint16_t)(low | next8(in) << 8);
}

static uint32_t next32(struct input *in)
{
    uint32_t low = next16(in);

    return low | (uint32_t)next16(in) << 16;
}

/* Fields are honest unless their bit of `which` says otherwise, so that inputs get deep. */
static void lie_on_rx(struct input *in)
{
    unsigned count = next8(in) % 24 + 1;

    while (count-- && netback_room(&fix.nb)) {
        uint8_t which = next8(in);
        struct netback_raw raw = {
            .is_extra = which & 1,
            .id = which & 2 ? next16(in) : 0,
            .offset = which & 4 ? next16(in) : 0,
            .flags = which & 8 ? next16(in) : which >> 4,
            .status = (int16_t)next16(in),
        };

        if (!(which & 4))
            raw.status &= 0xfff;
        if (raw.is_extra) {
            raw.extra = (struct netif_extra_info){.type = which & 2 ? next8(in) : 1, .flags = which >> 7};
            raw.extra.u.gso.size = next16(in);
            raw.extra.u.gso.type = next8(in);
        }
        netback_rx_raw(&fix.nb, &raw, 1);
    }
}

static void lie_on_tx(struct input *in)
{
    uint8_t which = next8(in);
    uint16_t id = which & 1 ? next16(in) : fix.nb.pending[0].id;

    netback_tx_raw(&fix.nb, id, (int16_t)(which & 2 ? next16(in) : 0));
}

/* Anywhere in a ring page. */
static void scribble(struct input *in)
{
    uint8_t *page = (uint8_t *)(next8(in) & 1 ? (void *)fix.nb.tx.sring : (void *)fix.nb.rx.sring);
    uint32_t value = next32(in);

    memcpy(page + next16(in) % (XEN_PAGE_SIZE - sizeof value), &value, sizeof value);
}

static void send_honestly(struct input *in)
{
    struct netback_offload how = {.gso_type = next8(in) % 3, .gso_size = 1448};

    (void)netback_send(&fix.nb, data, next16(in) + 14u, &how);
}

static void transmit(struct input *in)
{
    struct xen_net_offload how = {.checksum_blank = next8(in) & 1};

    if (next8(in) & 1) {
        how.gso_type = XEN_NET_GSO_TCPV4;
        how.gso_size = 1448;
    }
    (void)net_transmit(&fix, data, next16(in), &how);
    xen_netfront_flush(&fix.front);
}

static void let_go(void)
{
    for (uint32_t ref = GNTTAB_NR_RESERVED_ENTRIES; fake_grant_entry(ref); ref++)
        fake_grant_release(ref);
}

static void act(struct input *in)
{
    switch (next8(in) % 14) {
    case 0:
    case 1:
        lie_on_rx(in);
        break;
    case 2:
        lie_on_tx(in);
        break;
    case 3:
        (next8(in) & 1 ? netback_rx_index : netback_tx_index)(&fix.nb, next32(in));
        break;
    case 4:
        scribble(in);
        break;
    case 5:
        send_honestly(in);
        break;
    case 6:
        transmit(in);
        break;
    case 7:
        netback_answer(&fix.nb, next8(in), (int16_t)(next8(in) % 3 ? 0 : -1));
        break;
    case 8:
        netback_rx_hold(&fix.nb);
        break;
    case 9:
        fix.keep_pages = next8(in) & 1;
        break;
    case 10:
        net_return_all(&fix);
        break;
    case 11:
        fake_pages_left(next8(in) & 1 ? next8(in) : -1);
        starved = true;
        break;
    case 12:
        fix.nb.hold_responses = next8(in) & 1;
        break;
    default:
        net_disconnect(&fix);
        if (net_connect(&fix))
            fake_pages_left(-1);
        break;
    }
}

/* One packet each way: net_traffic() would be most of the run. */
static void check_traffic(void)
{
    if (!netback_send(&fix.nb, data, 5000, NULL) || net_transmit(&fix, data, 5000, NULL))
        abort();
    xen_netfront_flush(&fix.front);
    net_pump(&fix);
    if (fix.received_count != 1 || fix.nb.packet_count != 1 || fix.received[0].length != 5000 ||
        fix.nb.packets[0].length != 5000 || fix.nb.complaint)
        abort();
}

/* Everything let go: what remains must be clean and work. */
static void check_end(void)
{
    fake_pages_left(-1);
    let_go();
    net_disconnect(&fix);
    net_return_all(&fix);
    let_go();
    /* What was lost for want of memory to remember it stays so. */
    if (starved) {
        size_t lost = xen_grant_quarantined() - fix.quarantined_before;

        fix.quarantined_before += lost;
        fix.pages_before += lost;
        fix.grants_before += lost;
    }
    if (!net_is_clean(&fix))
        abort();
    fix.keep_pages = fix.nb.hold_responses = false;
    net_forget_received(&fix);
    netback_forget_packets(&fix.nb);
    fix.nb.complaint = NULL;
    if (net_connect(&fix))
        abort();
    net_pump(&fix);
    check_traffic();
    net_disconnect(&fix);
    if (!net_is_clean(&fix))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input in = {bytes, bytes + size};
    struct xen_netfront_config config = {.first_index = 0u - next8(&in), .rx_buffers = 20u + next8(&in) % 8};

    starved = false;
    if (!net_up(&fix, &config) || net_connect(&fix))
        abort();
    net_pump(&fix);
    while (in.at < in.end && fix.kept_count < 3000) {
        if (fix.nb.attached)
            act(&in);
        else if (net_connect(&fix))
            break;
        fix.nb.complaint = NULL;
        if (next8(&in) & 1)
            net_pump(&fix);
        if (fix.received_count > 250)
            net_forget_received(&fix);
        netback_forget_packets(&fix.nb);
    }
    check_end();
    net_down(&fix);
    return 0;
}
