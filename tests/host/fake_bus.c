/*
 * The bus and xenstore as a few cells in memory, in place of bus.c, store.c and fake_xenstored.c: for fuzzing
 * what stands on the bus at a speed that finds something.
 */
#include "fake.h"
#include "fake_netback.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenlib/bus.h>

#define CELLS 64

static struct cell {
    uint64_t key;
    char value[64];
} cells[CELLS];

static struct cell *find(const char *path, bool make)
{
    uint64_t key = 14695981039346656037u;
    struct cell *cell = cells;

    while (*path)
        key = (key ^ (uint8_t)*path++) * 1099511628211u;
    while (cell->key && cell->key != key)
        if (++cell == cells + CELLS)
            abort();
    if (!cell->key && !make)
        return NULL;
    cell->key = key;
    return cell;
}

void xs_start(struct fake_xenstored *xs, struct xenstore_domain_interface *ring, xen_port_t port,
              unsigned domain, uint32_t index)
{
    (void)xs, (void)ring, (void)port, (void)domain, (void)index;
    memset(cells, 0, sizeof cells);
}

void xs_stop(struct fake_xenstored *xs)
{
    (void)xs;
}

bool xs_wait_hook(void *xs)
{
    (void)xs;
    return false;
}

void xs_set(struct fake_xenstored *xs, const char *path, const char *value)
{
    (void)xs;
    snprintf(find(path, true)->value, sizeof cells->value, "%s", value);
}

void xs_set_owner(struct fake_xenstored *xs, const char *path, const char *permissions)
{
    (void)xs, (void)path, (void)permissions;
}

const char *xs_get(struct fake_xenstored *xs, const char *path)
{
    const struct cell *cell = find(path, false);

    (void)xs;
    return cell ? cell->value : NULL;
}

void xs_delete(struct fake_xenstored *xs, const char *path)
{
    xs_set(xs, path, "");
}

int xen_store_init(struct xenstore_domain_interface *ring, xen_port_t port)
{
    (void)ring, (void)port;
    return 0;
}

int xen_bus_open(struct xen_bus_device *device, const char *class, uint32_t index)
{
    memset(device, 0, sizeof *device);
    snprintf(device->path, sizeof device->path, "device/%s/%u", class, index);
    device->backend_domain.n = NETBACK_DOMAIN;
    device->index = index;
    return 0;
}

void xen_bus_close(struct xen_bus_device *device)
{
    (void)device;
}

int xen_bus_read_backend_uint(struct xen_bus_device *device, const char *key, uint64_t max, uint64_t *value)
{
    char path[128];
    const char *text;

    (void)device, (void)max;
    snprintf(path, sizeof path, NETBACK_BACKEND "/%s", key);
    text = xs_get(NULL, path);
    if (!text)
        return -ENOENT;
    *value = strtoul(text, NULL, 10);
    return 0;
}

int xen_bus_read_front(struct xen_bus_device *device, const char *key, char *buffer, size_t size)
{
    char path[sizeof device->path + 32];
    const char *text;

    snprintf(path, sizeof path, "%s/%s", device->path, key);
    text = xs_get(NULL, path);
    if (!text)
        return -ENOENT;
    return (size_t)snprintf(buffer, size, "%s", text) < size ? 0 : -ERANGE;
}

int xen_bus_write_front(struct xen_bus_device *device, xen_store_tx tx, const char *key, const char *format,
                        ...)
{
    char path[sizeof device->path + 32], value[64];
    va_list args;

    (void)tx;
    snprintf(path, sizeof path, "%s/%s", device->path, key);
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    xs_set(NULL, path, value);
    return 0;
}

int xen_bus_remove_front(struct xen_bus_device *device, xen_store_tx tx, const char *key)
{
    char path[sizeof device->path + 32];

    (void)tx;
    snprintf(path, sizeof path, "%s/%s", device->path, key);
    xs_delete(NULL, path);
    return 0;
}

/* Our state becomes `state`, the other end acts; whether its own is `wanted` then. */
static bool step(struct xen_bus_device *device, enum xenbus_state state, enum xenbus_state wanted)
{
    struct xen_lock lock = {0};
    struct xen_waitq queue;
    uint64_t now = 0;

    xen_waitq_init(&queue);
    (void)!xen_bus_write_front(device, XEN_STORE_NONE, "state", "%u", (unsigned)state);
    xen_platform_lock(&lock);
    (void)xen_platform_wait(&queue, &lock, fake_time() + 1);
    xen_platform_unlock(&lock);
    return !xen_bus_read_backend_uint(device, "state", 9, &now) && now == wanted;
}

int xen_bus_connect(struct xen_bus_device *device, const struct xen_bus_driver *driver, void *instance,
                    uint64_t deadline)
{
    int error;

    (void)deadline;
    if (!step(device, XenbusStateInitialising, XenbusStateInitWait))
        return -ETIMEDOUT;
    error = driver->probe(device, instance);
    if (error)
        return error;
    error = driver->publish(XEN_STORE_NONE, device, instance);
    if (!error && !step(device, XenbusStateConnected, XenbusStateConnected))
        error = -ETIMEDOUT;
    if (!error)
        error = driver->connected(device, instance);
    if (error)
        xen_bus_disconnect(device, driver, instance, deadline);
    return error;
}

void xen_bus_disconnect(struct xen_bus_device *device, const struct xen_bus_driver *driver, void *instance,
                        uint64_t deadline)
{
    (void)deadline;
    (void)step(device, XenbusStateClosing, XenbusStateClosing);
    (void)step(device, XenbusStateClosed, XenbusStateClosed);
    driver->closing(device, instance);
}
