#include "publish.h"

#include <errno.h>
#include <string.h>

#include <stardust/log.h>
#include <stardust/net.h>
#include <stardust/thread.h>
#include <xenlib/format.h>
#include <xenlib/store.h>

#define PORTS_MAX 16

static struct {
    struct xen_lock lock;         /* guards all but `writing` */
    struct xen_waitq has_address; /* may be waited for before the network is started */
    uint8_t address[4];           /* zeros: none */
    struct {
        char protocol[4];
        uint16_t port;
    } ports[PORTS_MAX];
    unsigned count;
    bool changed;
    bool hopeless; /* no address is to come */

    struct sd_mutex writing; /* one writer at a time, so that the last value is the newest */
} state = {.has_address = {{&state.has_address.waiters, &state.has_address.waiters}}};

void sd_net_publish_init(void)
{
    sd_mutex_init(&state.writing);
}

static bool has_address(void)
{
    static const uint8_t none[4];

    return memcmp(state.address, none, sizeof none) != 0;
}

void sd_net_address_changed(uint32_t address)
{
    xen_platform_lock(&state.lock);
    if (memcmp(state.address, &address, sizeof address)) {
        memcpy(state.address, &address, sizeof address);
        state.changed = true;
    }
    xen_platform_unlock(&state.lock);
    if (address)
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

static void write_value(const char *path, const char *value)
{
    int error = xen_store_write(XEN_STORE_NONE, path, value, strlen(value));

    if (error)
        sd_warn("cannot write %s to xenstore: error %d", path, -error);
}

void sd_net_publish(void)
{
    char address[16], ports[PORTS_MAX * sizeof "tcp:65535 "];
    bool due;

    if (!READ_ONCE(state.changed))
        return;
    sd_mutex_lock(&state.writing);
    xen_platform_lock(&state.lock);
    due = state.changed && has_address();
    if (due)
        state.changed = false;
    xen_format(address, sizeof address, "%u.%u.%u.%u", state.address[0], state.address[1], state.address[2],
               state.address[3]);
    format_ports(ports, sizeof ports);
    xen_platform_unlock(&state.lock);
    if (due) {
        write_value("data/stardust/address", address);
        if (ports[0])
            write_value("data/stardust/serving", ports);
    }
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
