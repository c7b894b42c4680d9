#include "publish.h"

#include <errno.h>
#include <string.h>

#include <stardust/log.h>
#include <stardust/net.h>
#include <stardust/thread.h>
#include <xenlib/format.h>
#include <xenlib/store.h>

#include "interface.h"
#include "net.h"

#define PORTS_MAX 16

static struct {
    struct xen_lock lock;         /* guards all but `writing`, and every interface's sd_shown.addresses */
    struct xen_waitq has_address; /* may be waited for before the network is started */
    uint8_t address[4];           /* zeros: none */
    struct {
        char protocol[4];
        uint16_t port;
    } ports[PORTS_MAX];
    unsigned count;
    bool changed;
    bool hopeless; /* no address is to come */

    struct sd_mutex writing; /* one writer at a time, so that the last value is the newest; guards the rest */
    uint8_t written_address[4];
    unsigned written_count;
    bool closed; /* attr cannot be written */
} state = {.has_address = {{&state.has_address.waiters, &state.has_address.waiters}}};

void sd_net_publish_init(void)
{
    sd_mutex_init(&state.writing);
}

/* An address, which is never all zeros. */
static bool is_there(const uint8_t *address, size_t size)
{
    static const uint8_t none[SD_SHOWN * 16];

    return memcmp(address, none, size) != 0;
}

static bool has_address(void)
{
    return is_there(state.address, sizeof state.address);
}

static void read_addresses(const struct sd_interface *interface, uint8_t addresses[SD_SHOWN][16])
{
    const struct netif *netif = &interface->netif;

    memset(addresses, 0, SD_SHOWN * sizeof *addresses);
    if (!interface->known)
        return;
    memcpy(addresses[0], &netif_ip4_addr(netif)->addr, 4);
    for (unsigned i = 1; i < SD_SHOWN; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i - 1)))
            memcpy(addresses[i], netif_ip6_addr(netif, i - 1)->addr, 16);
    }
}

void sd_net_addresses_changed(struct sd_interface *interface)
{
    uint8_t addresses[SD_SHOWN][16];
    bool first = !interface->index;

    read_addresses(interface, addresses);
    xen_platform_lock(&state.lock);
    if (memcmp(interface->shown.addresses, addresses, sizeof addresses)) {
        memcpy(interface->shown.addresses, addresses, sizeof addresses);
        if (first)
            memcpy(state.address, addresses[0], sizeof state.address);
        state.changed = true;
    }
    xen_platform_unlock(&state.lock);
    if (first && is_there(addresses[0], 4))
        xen_platform_wake(&state.has_address);
}

void sd_net_no_address(void)
{
    xen_platform_lock(&state.lock);
    state.hopeless = true;
    xen_platform_unlock(&state.lock);
    xen_platform_wake(&state.has_address);
}

int sd_net_wait_address(uint64_t deadline)
{
    int error = 0;

    xen_platform_lock(&state.lock);
    while (!error && !has_address())
        error = state.hopeless ? -ENODEV : xen_platform_wait(&state.has_address, &state.lock, deadline);
    xen_platform_unlock(&state.lock);
    return error;
}

/* Under the lock. */
static void format_ports(char *text, size_t size)
{
    size_t at = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < state.count; i++)
        at += xen_format(text + at, size - at, "%s%s:%u", i ? " " : "", state.ports[i].protocol,
                         (unsigned)state.ports[i].port);
}

static int write_value(const char *path, const char *value)
{
    int error = xen_store_write(XEN_STORE_NONE, path, value, strlen(value));

    if (error)
        sd_warn("cannot write %s to xenstore: error %d", path, -error);
    return error;
}

/* Nothing that is not there can be lost. */
static void remove_value(const char *path)
{
    int error = xen_store_remove(XEN_STORE_NONE, path);

    if (error && error != -ENOENT)
        sd_warn("cannot remove %s from xenstore: error %d", path, -error);
}

static void format_address(char *text, size_t size, const uint8_t *address, bool ipv6)
{
    ip6_addr_t ip6 = {0};

    if (!ipv6) {
        xen_format(text, size, "%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
        return;
    }
    memcpy(ip6.addr, address, sizeof ip6.addr);
    sd_interface_format_ipv6(text, size, &ip6);
}

static void publish_address(const uint8_t address[4])
{
    char text[16];

    if (!memcmp(state.written_address, address, sizeof state.written_address))
        return;
    memcpy(state.written_address, address, sizeof state.written_address);
    format_address(text, sizeof text, address, false);
    if (is_there(address, 4))
        (void)write_value("data/stardust/address", text);
    else
        remove_value("data/stardust/address");
}

static void publish_ports(void)
{
    char ports[PORTS_MAX * sizeof "tcp:65535 "];
    unsigned count;

    xen_platform_lock(&state.lock);
    count = has_address() ? state.count : state.written_count;
    format_ports(ports, sizeof ports);
    xen_platform_unlock(&state.lock);
    if (count == state.written_count)
        return;
    state.written_count = count;
    (void)write_value("data/stardust/serving", ports);
}

static void publish_slot(struct sd_interface *interface, unsigned slot, const uint8_t *address)
{
    char path[32], text[IP6ADDR_STRLEN_MAX];
    uint8_t *written = interface->shown.written[slot];

    if (!memcmp(written, address, 16))
        return;
    memcpy(written, address, 16);
    xen_format(path, sizeof path, slot ? "attr/vif/%u/ipv6/%u" : "attr/vif/%u/ipv4/%u", interface->index,
               slot ? slot - 1 : 0);
    format_address(text, sizeof text, address, slot);
    if (is_there(address, 16))
        state.closed = write_value(path, text) != 0;
    else
        remove_value(path);
}

/* One warning is enough where the toolstack does not let us write there. */
static void publish_interface(struct sd_interface *interface)
{
    uint8_t addresses[SD_SHOWN][16];
    char path[24];

    xen_platform_lock(&state.lock);
    memcpy(addresses, interface->shown.addresses, sizeof addresses);
    xen_platform_unlock(&state.lock);
    if (state.closed || !memcmp(interface->shown.written, addresses, sizeof addresses))
        return;
    if (is_there(addresses[0], sizeof addresses)) {
        for (unsigned i = 0; i < SD_SHOWN && !state.closed; i++)
            publish_slot(interface, i, addresses[i]);
        return;
    }
    memset(interface->shown.written, 0, sizeof interface->shown.written);
    xen_format(path, sizeof path, "attr/vif/%u", interface->index);
    remove_value(path);
}

void sd_net_publish(void)
{
    uint8_t address[4];

    if (!READ_ONCE(state.changed))
        return;
    sd_mutex_lock(&state.writing);
    xen_platform_lock(&state.lock);
    state.changed = false;
    memcpy(address, state.address, sizeof address);
    xen_platform_unlock(&state.lock);
    publish_address(address);
    publish_ports();
    for (unsigned i = 0; sd_interfaces[i]; i++)
        publish_interface(sd_interfaces[i]);
    sd_mutex_unlock(&state.writing);
}

static bool is_told(const char *protocol, uint16_t port)
{
    for (unsigned i = 0; i < state.count; i++) {
        if (state.ports[i].port == port && !strcmp(state.ports[i].protocol, protocol))
            return true;
    }
    return false;
}

int sd_net_serving(const char *protocol, uint16_t port)
{
    int error = 0;

    xen_platform_lock(&state.lock);
    if (is_told(protocol, port)) {
        /* Served again. */
    } else if (state.count == PORTS_MAX || strlen(protocol) >= sizeof state.ports->protocol) {
        error = -ENOSPC;
    } else {
        xen_format(state.ports[state.count].protocol, sizeof state.ports->protocol, "%s", protocol);
        state.ports[state.count++].port = port;
        state.changed = true;
    }
    xen_platform_unlock(&state.lock);
    if (!error)
        sd_net_publish();
    return error;
}
