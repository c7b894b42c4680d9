/*
 * The coming and going of vifs, on a thread of its own: talking to a backend through xenstore takes its time,
 * and packets of the other interfaces do not wait for it.
 */
#include "net.h"

#include <errno.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/memory.h>
#include <stardust/net.h>
#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/format.h>
#include <xenlib/store.h>

#include "interface.h"
#include "memory.h"
#include "publish.h"

#define CONNECT_TIME    (10 * SD_SECOND)
#define CLOSE_TIME      (2 * SD_SECOND)
#define RETRY_SHORTEST  SD_SECOND
#define RETRY_DOUBLINGS 6

static int attach(void *arg)
{
    return sd_interface_attach(arg);
}

static int detach(void *arg)
{
    sd_interface_detach(arg, false);
    return 0;
}

static int forget(void *arg)
{
    sd_interface_detach(arg, true);
    return 0;
}

void sd_net_broken(struct sd_interface *interface)
{
    interface->broken = true;
    xen_store_watch_fire(&interface->front.device.watch);
}

/* After each failure in a row twice as long, up to a minute: a backend that fails for ever costs little. */
static void put_off(struct sd_interface *interface)
{
    interface->retry = sd_now() + (RETRY_SHORTEST << interface->failures);
    if (interface->failures < RETRY_DOUBLINGS)
        interface->failures++;
}

static void disconnect(struct sd_interface *interface, int (*how)(void *arg))
{
    (void)sd_net_call(how, interface);
    if (interface->connected)
        xen_netfront_disconnect(&interface->front, sd_now() + CLOSE_TIME);
    interface->connected = false;
    sd_net_publish();
}

/* The kernel's options, else what the toolstack says of the vif, else DHCP. */
static void configure(struct sd_interface *interface)
{
    char name[8] = "ip", value[256];
    int error;

    if (interface->index)
        xen_format(name, sizeof name, "ip%u", (unsigned)interface->index);
    interface->config = (struct sd_net_address){.way = SD_NET_DHCP};
    if (sd_option(name, value, sizeof value)) {
        if (!sd_net_address_parse(value, &interface->config))
            sd_warn("net%u: %s=%s makes no sense; using DHCP", interface->index, name, value);
        return;
    }
    error = xen_bus_read_backend(&interface->front.device, "ip", value, sizeof value);
    /* What stands there is not for the console: anything may. */
    if (error ? error != -ENOENT : !sd_net_address_parse_vif(value, &interface->config))
        sd_warn("net%u: the `ip` of its vif makes no sense; using DHCP", interface->index);
}

static void connect(struct sd_interface *interface)
{
    int error = xen_netfront_connect(&interface->front, sd_now() + CONNECT_TIME);

    if (error) {
        if (error != -ENODEV)
            sd_warn("net%u: cannot connect to its backend: error %d", interface->index, -error);
        put_off(interface);
        return;
    }
    interface->connected = true;
    interface->broken = false;
    if (!interface->known)
        configure(interface);
    error = sd_net_call(attach, interface);
    if (!error)
        return;
    sd_error("net%u: cannot be configured: error %d", interface->index, -error);
    disconnect(interface, forget);
    put_off(interface);
}

static void open_interface(struct sd_interface *interface)
{
    struct xen_netfront_config config = {
        .rx_buffers = sd_net_ring_pages(),
        .tx_buffers = sd_net_ring_pages(),
    };
    int error = xen_netfront_open(&interface->front, interface->index, &config, &sd_interface_ops, interface);

    if (error) {
        if (error != -ENODEV)
            sd_warn("net%u: cannot be opened: error %d", interface->index, -error);
        put_off(interface);
        return;
    }
    interface->open = true;
    interface->failures = 0;
    interface->retry = 0;
}

static void close_interface(struct sd_interface *interface)
{
    disconnect(interface, forget);
    xen_netfront_close(&interface->front);
    interface->open = false;
    interface->retry = 0;
    sd_info("net%u: detached", interface->index);
}

/* The toolstack says whether a device that is closed is to come back (xen/io/xenbus.h); it does when nothing
 * is said. */
static bool is_online(struct sd_interface *interface)
{
    uint64_t online = 1;

    (void)!xen_bus_read_backend_uint(&interface->front.device, "online", 1, &online);
    return online;
}

/* One look at an interface that is there. */
static void supervise(struct sd_interface *interface, uint64_t now)
{
    enum xenbus_state state = XenbusStateUnknown;

    if (!interface->open && now >= interface->retry)
        open_interface(interface);
    if (!interface->open || xen_bus_backend_state(&interface->front.device, &state))
        return;
    if (interface->connected && (state != XenbusStateConnected || interface->broken)) {
        sd_warn("net%u: %s", interface->index,
                interface->broken ? "connecting anew" : "its backend closes the connection");
        disconnect(interface, detach);
        put_off(interface);
    } else if (interface->connected) {
        interface->failures = 0;
    } else if (now >= interface->retry && state != XenbusStateUnknown && is_online(interface)) {
        connect(interface);
    }
}

static struct sd_interface *find(uint32_t index)
{
    unsigned i = 0;

    for (; sd_interfaces[i]; i++) {
        if (sd_interfaces[i]->index == index)
            return sd_interfaces[i];
    }
    if (i == SD_INTERFACES_MAX)
        return NULL;
    sd_interfaces[i] = sd_calloc(1, sizeof *sd_interfaces[i]);
    if (sd_interfaces[i])
        sd_interfaces[i]->index = index;
    return sd_interfaces[i];
}

static bool contains(const uint32_t *indices, size_t count, uint32_t index)
{
    for (size_t i = 0; i < count; i++) {
        if (indices[i] == index)
            return true;
    }
    return false;
}

static void look_around(uint64_t now)
{
    uint32_t indices[SD_INTERFACES_MAX];
    size_t count;
    int error = xen_bus_enumerate("vif", indices, SD_INTERFACES_MAX, &count);

    if (error == -ERANGE) {
        sd_warn("net: more than %u vifs; the first ones are served", SD_INTERFACES_MAX);
    } else if (error) {
        sd_warn("net: cannot list the vifs: error %d", error);
        return;
    }
    for (unsigned i = 0; sd_interfaces[i]; i++) {
        if (sd_interfaces[i]->open && !contains(indices, count, sd_interfaces[i]->index))
            close_interface(sd_interfaces[i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct sd_interface *interface = find(indices[i]);

        if (interface)
            supervise(interface, now);
        else
            sd_warn("net%u: there is no room for another interface", indices[i]);
    }
}

/* When to look again although nothing has changed: XEN_FOREVER if all is well. `now` is when it was looked
 * last: what became due since has had no turn yet. */
static uint64_t next_retry(uint64_t now)
{
    uint64_t next = XEN_FOREVER;

    for (unsigned i = 0; sd_interfaces[i]; i++) {
        const struct sd_interface *interface = sd_interfaces[i];

        if (!interface->connected && interface->retry > now && interface->retry < next)
            next = interface->retry;
    }
    return next;
}

static void wait_for_change(struct xen_store_watch *vifs, uint64_t now)
{
    struct xen_store_watch *watches[SD_INTERFACES_MAX + 1] = {vifs};
    size_t count = 1, which;
    int error;

    for (unsigned i = 0; sd_interfaces[i]; i++) {
        if (sd_interfaces[i]->open)
            watches[count++] = &sd_interfaces[i]->front.device.watch;
    }
    error = xen_store_watch_wait_any(watches, count, next_retry(now), &which);
    if (error == -EIO)
        sd_thread_sleep_until(sd_now() + SD_SECOND);
}

static bool has_vif(void)
{
    for (unsigned i = 0; sd_interfaces[i]; i++) {
        if (sd_interfaces[i]->open)
            return true;
    }
    return false;
}

void sd_net_control(void *arg)
{
    struct xen_store_watch vifs;
    int error = xen_store_watch(&vifs, "device/vif");

    (void)arg;
    if (error) {
        sd_error("net: cannot watch for vifs: error %d", -error);
        sd_net_no_address();
        return;
    }
    for (;;) {
        uint64_t now = sd_now();

        look_around(now);
        if (!has_vif())
            sd_net_no_address();
        wait_for_change(&vifs, now);
    }
}
