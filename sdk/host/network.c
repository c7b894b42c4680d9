/*
 * The devices of a guest's network, which a process has none of: a program finds the loopback interface
 * alone. What is never called, for want of a device, says that there is none.
 */
#include <errno.h>

#include <stardust/thread.h>
#include <xenlib/bus.h>
#include <xenlib/front/net.h>
#include <xenlib/store.h>

int xen_store_watch(struct xen_store_watch *watch, const char *path)
{
    (void)watch;
    (void)path;
    return 0;
}

int xen_store_watch_wait_any(struct xen_store_watch *const *watches, size_t count, uint64_t deadline,
                             size_t *which)
{
    (void)watches;
    (void)count;
    (void)which;
    sd_thread_sleep_until(deadline);
    return -ETIMEDOUT;
}

void xen_store_watch_fire(struct xen_store_watch *watch)
{
    (void)watch;
}

int xen_store_write(xen_store_tx tx, const char *path, const void *value, size_t length)
{
    (void)tx;
    (void)path;
    (void)value;
    (void)length;
    return 0;
}

int xen_bus_enumerate(const char *type, uint32_t *indices, size_t max, size_t *count)
{
    (void)type;
    (void)indices;
    (void)max;
    *count = 0;
    return 0;
}

int xen_bus_backend_state(struct xen_bus_device *device, enum xenbus_state *state)
{
    (void)device;
    (void)state;
    return -ENODEV;
}

int xen_bus_read_backend_uint(struct xen_bus_device *device, const char *key, uint64_t max, uint64_t *value)
{
    (void)device;
    (void)key;
    (void)max;
    (void)value;
    return -ENODEV;
}

int xen_bus_read_backend(struct xen_bus_device *device, const char *key, char *buffer, size_t size)
{
    (void)device;
    (void)key;
    (void)buffer;
    (void)size;
    return -ENODEV;
}

int xen_netfront_open(struct xen_netfront *front, uint32_t index, const struct xen_netfront_config *config,
                      const struct xen_netfront_ops *ops, void *arg)
{
    (void)front;
    (void)index;
    (void)config;
    (void)ops;
    (void)arg;
    return -ENODEV;
}

int xen_netfront_connect(struct xen_netfront *front, uint64_t deadline)
{
    (void)front;
    (void)deadline;
    return -ENODEV;
}

void xen_netfront_disconnect(struct xen_netfront *front, uint64_t deadline)
{
    (void)front;
    (void)deadline;
}

void xen_netfront_close(struct xen_netfront *front)
{
    (void)front;
}

int xen_netfront_poll(struct xen_netfront *front)
{
    (void)front;
    return -ENOTCONN;
}

void xen_netfront_return(struct xen_netfront *front, void *data)
{
    (void)front;
    (void)data;
}

int xen_netfront_append(struct xen_netfront *front, const void *data, size_t bytes)
{
    (void)front;
    (void)data;
    (void)bytes;
    return -ENOTCONN;
}

size_t xen_netfront_building(const struct xen_netfront *front)
{
    (void)front;
    return 0;
}

void *xen_netfront_head(struct xen_netfront *front)
{
    (void)front;
    return NULL;
}

int xen_netfront_commit(struct xen_netfront *front, const struct xen_net_offload *offload)
{
    (void)front;
    (void)offload;
    return -ENOTCONN;
}

void xen_netfront_abort(struct xen_netfront *front)
{
    (void)front;
}

void xen_netfront_flush(struct xen_netfront *front)
{
    (void)front;
}
