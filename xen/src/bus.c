#include <xenlib/bus.h>

#include <errno.h>
#include <string.h>

#include <xenlib/format.h>
#include <xenlib/platform.h>
#include <xenlib/time.h>

#define VALUE_MAX 256

/* Waited for when we are about to close, and when we have. */
#define LETTING_GO                                                                                           \
    (XEN_BUS_IN(XenbusStateClosing) | XEN_BUS_IN(XenbusStateClosed) | XEN_BUS_IN(XenbusStateUnknown))
#define LET_GO                                                                                               \
    (XEN_BUS_IN(XenbusStateInitWait) | XEN_BUS_IN(XenbusStateClosed) | XEN_BUS_IN(XenbusStateUnknown))

/* ---- finding a device ---- */

static bool parse_index(const char *name, uint32_t *index)
{
    uint64_t number = 0;

    if (!*name || (name[0] == '0' && name[1]))
        return false;
    for (; *name; name++) {
        if (*name < '0' || *name > '9')
            return false;
        number = number * 10 + (uint64_t)(*name - '0');
        if (number > UINT32_MAX)
            return false;
    }
    *index = (uint32_t)number;
    return true;
}

/* Names that are no numbers are no devices. */
static int collect_indices(const char *names, size_t length, uint32_t *indices, size_t size, size_t *count)
{
    size_t found = 0;

    for (const char *name = names; name < names + length; name += strlen(name) + 1) {
        uint32_t index;

        if (!parse_index(name, &index))
            continue;
        *count = found;
        if (found == size)
            return -ERANGE;
        indices[found++] = index;
    }
    *count = found;
    return 0;
}

int xen_bus_enumerate(const char *class, uint32_t *indices, size_t size, size_t *count)
{
    char path[XEN_STORE_PATH_MAX];
    size_t names, length;
    char *page;
    int error;

    if (xen_format(path, sizeof path, "device/%s", class) >= sizeof path)
        return -EINVAL;
    page = xen_platform_page_alloc();
    if (!page)
        return -ENOMEM;
    error = xen_store_list(XEN_STORE_NONE, path, page, XEN_PAGE_SIZE, &names, &length);
    if (!error)
        error = collect_indices(page, length, indices, size, count);
    if (error == -ENOENT) {
        *count = 0;
        error = 0;
    }
    xen_platform_page_free(page);
    return error;
}

static bool is_path_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_@/", c);
}

/* A path as xenstore allows it (docs/misc/xenstore.txt): absolute, no empty component. */
static bool is_backend_path(const char *path, size_t length)
{
    if (length < 2 || path[0] != '/' || path[length - 1] == '/')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!path[i] || !is_path_character(path[i]) || (path[i] == '/' && path[i + 1] == '/'))
            return false;
    return true;
}

/* The toolstack may be taking the device away: what is missing means that it is gone. */
static int gone(int error)
{
    return error == -ENOENT ? -ENODEV : error;
}

static int read_backend_path(struct xen_bus_device *device)
{
    char path[XEN_STORE_PATH_MAX];
    size_t length = 0;
    int error;

    if (xen_format(path, sizeof path, "%s/backend", device->path) >= sizeof path)
        return -EINVAL;
    error = xen_store_read(XEN_STORE_NONE, path, device->backend, sizeof device->backend, &length);
    if (error)
        return error == -ERANGE ? -EPROTO : gone(error);
    if (!is_backend_path(device->backend, length) ||
        xen_format(device->backend_state, sizeof device->backend_state, "%s/state", device->backend) >=
            sizeof device->backend_state)
        return -EPROTO;
    return 0;
}

static int read_backend_domain(struct xen_bus_device *device)
{
    char path[XEN_STORE_PATH_MAX];
    uint64_t id;
    int error;

    if (xen_format(path, sizeof path, "%s/backend-id", device->path) >= sizeof path)
        return -EINVAL;
    error = xen_store_read_uint(XEN_STORE_NONE, path, DOMID_FIRST_RESERVED - 1, &id);
    if (error)
        return error == -ERANGE || error == -EINVAL ? -EPROTO : gone(error);
    device->backend_domain.n = (uint16_t)id;
    return 0;
}

/* "0" is a warning of the toolstack's, and everything else is not (xen/io/netif.h, xen/io/blkif.h). */
static int read_trusted(struct xen_bus_device *device)
{
    char value[2];
    int error = xen_bus_read_front(device, "trusted", value, sizeof value);

    device->trusted = error || strcmp(value, "0");
    return error == -ENOENT || error == -ERANGE ? 0 : error;
}

/* Whether the other end has a directory at all. */
static int check_backend(struct xen_bus_device *device)
{
    char value[VALUE_MAX];
    int error = xen_store_read(XEN_STORE_NONE, device->backend, value, sizeof value, NULL);

    return error == -ERANGE ? 0 : gone(error);
}

int xen_bus_open(struct xen_bus_device *device, const char *class, uint32_t index)
{
    int error;

    device->index = index;
    if (xen_format(device->path, sizeof device->path, "device/%s/%u", class, index) >= sizeof device->path)
        return -EINVAL;
    error = read_backend_path(device);
    if (!error)
        error = read_backend_domain(device);
    if (!error)
        error = read_trusted(device);
    if (!error)
        error = check_backend(device);
    return error ? error : xen_store_watch(&device->watch, device->backend_state);
}

void xen_bus_close(struct xen_bus_device *device)
{
    xen_store_unwatch(&device->watch);
}

/* ---- states ---- */

/* As the public function, but tells a node that is gone: -ENOENT. */
static int read_backend_state(const struct xen_bus_device *device, enum xenbus_state *state)
{
    uint64_t value = XenbusStateUnknown;
    int error = xen_store_read_uint(XEN_STORE_NONE, device->backend_state, XenbusStateReconfigured, &value);

    if (error == -EINVAL || error == -ERANGE)
        error = 0;
    if (!error)
        *state = (enum xenbus_state)value;
    return error;
}

int xen_bus_backend_state(struct xen_bus_device *device, enum xenbus_state *state)
{
    int error = read_backend_state(device, state);

    if (error != -ENOENT)
        return error;
    *state = XenbusStateUnknown;
    return 0;
}

int xen_bus_set_state(struct xen_bus_device *device, xen_store_tx tx, enum xenbus_state state)
{
    return xen_bus_write_front(device, tx, "state", "%u", (unsigned)state);
}

/* The clock is asked in every turn: a backend that changes its state all the time must not hold us. */
int xen_bus_wait(struct xen_bus_device *device, unsigned wanted, uint64_t deadline, enum xenbus_state *state)
{
    for (;;) {
        enum xenbus_state now = XenbusStateUnknown;
        int error = read_backend_state(device, &now);
        bool vanished = error == -ENOENT;

        if (error && !vanished)
            return error;
        if (wanted & XEN_BUS_IN(now)) {
            *state = now;
            return 0;
        }
        if (vanished)
            return -ENODEV;
        if (xen_time_now() >= deadline)
            return -ETIMEDOUT;
        error = xen_store_watch_wait(&device->watch, deadline);
        if (error && error != -ETIMEDOUT)
            return error;
    }
}

/* ---- values ---- */

int xen_bus_read_backend_uint(struct xen_bus_device *device, const char *key, uint64_t max, uint64_t *value)
{
    char path[XEN_STORE_PATH_MAX];

    if (xen_format(path, sizeof path, "%s/%s", device->backend, key) >= sizeof path)
        return -EINVAL;
    return xen_store_read_uint(XEN_STORE_NONE, path, max, value);
}

int xen_bus_read_backend(struct xen_bus_device *device, const char *key, char *buffer, size_t size)
{
    char path[XEN_STORE_PATH_MAX];
    size_t length;
    int error;

    if (xen_format(path, sizeof path, "%s/%s", device->backend, key) >= sizeof path)
        return -EINVAL;
    error = xen_store_read(XEN_STORE_NONE, path, buffer, size, &length);
    return error ? error : strlen(buffer) == length ? 0 : -EINVAL;
}

int xen_bus_read_front(struct xen_bus_device *device, const char *key, char *buffer, size_t size)
{
    char path[XEN_STORE_PATH_MAX];

    if (xen_format(path, sizeof path, "%s/%s", device->path, key) >= sizeof path)
        return -EINVAL;
    return xen_store_read(XEN_STORE_NONE, path, buffer, size, NULL);
}

int xen_bus_write_front(struct xen_bus_device *device, xen_store_tx tx, const char *key, const char *format,
                        ...)
{
    char path[XEN_STORE_PATH_MAX], value[VALUE_MAX];
    size_t length;
    va_list args;

    if (xen_format(path, sizeof path, "%s/%s", device->path, key) >= sizeof path)
        return -EINVAL;
    va_start(args, format);
    length = xen_vformat(value, sizeof value, format, args);
    va_end(args);
    return length < sizeof value ? xen_store_write(tx, path, value, length) : -E2BIG;
}

int xen_bus_remove_front(struct xen_bus_device *device, xen_store_tx tx, const char *key)
{
    char path[XEN_STORE_PATH_MAX];
    int error;

    if (xen_format(path, sizeof path, "%s/%s", device->path, key) >= sizeof path)
        return -EINVAL;
    error = xen_store_remove(tx, path);
    return error == -ENOENT ? 0 : error;
}

/* ---- the life of a front-end ---- */

struct publication {
    struct xen_bus_device *device;
    const struct xen_bus_driver *driver;
    void *instance;
};

/* Values and state in one step: the backend sees the state only with everything that belongs to it. */
static int publish(xen_store_tx tx, void *arg)
{
    const struct publication *all = arg;
    int error = all->driver->publish(tx, all->device, all->instance);

    return error ? error : xen_bus_set_state(all->device, tx, XenbusStateConnected);
}

/*
 * A backend that is still closing the connection before this one hears that we have closed, and is given time
 * to finish; then we begin again.
 */
static int await_init_wait(struct xen_bus_device *device, uint64_t deadline)
{
    for (;;) {
        enum xenbus_state state;
        int error = xen_bus_set_state(device, XEN_STORE_NONE, XenbusStateInitialising);

        if (!error)
            error = xen_bus_wait(device, XEN_BUS_IN(XenbusStateInitWait) | XEN_BUS_IN(XenbusStateClosing),
                                 deadline, &state);
        if (error || state == XenbusStateInitWait)
            return gone(error);
        error = xen_bus_set_state(device, XEN_STORE_NONE, XenbusStateClosed);
        if (!error)
            error = xen_bus_wait(device, ~XEN_BUS_IN(XenbusStateClosing) & ~XEN_BUS_IN(XenbusStateUnknown),
                                 deadline, &state);
        if (error)
            return gone(error);
        if (xen_time_now() >= deadline)
            return -ETIMEDOUT;
    }
}

static int await_connected(struct xen_bus_device *device, uint64_t deadline)
{
    enum xenbus_state state;
    int error = xen_bus_wait(device,
                             XEN_BUS_IN(XenbusStateConnected) | XEN_BUS_IN(XenbusStateClosing) |
                                 XEN_BUS_IN(XenbusStateClosed),
                             deadline, &state);

    if (error)
        return error;
    return state == XenbusStateConnected ? 0 : -ECONNRESET;
}

int xen_bus_connect(struct xen_bus_device *device, const struct xen_bus_driver *driver, void *instance,
                    uint64_t deadline)
{
    struct publication all = {device, driver, instance};
    int error = await_init_wait(device, deadline);

    if (error)
        goto closed;
    error = driver->probe(device, instance);
    if (error)
        goto closed;
    error = gone(xen_store_transaction(publish, &all));
    if (!error)
        error = await_connected(device, deadline);
    if (!error)
        error = driver->connected(device, instance);
    if (error)
        xen_bus_disconnect(device, driver, instance, deadline);
    return error;

closed:
    if (error != -ENODEV)
        (void)!xen_bus_set_state(device, XEN_STORE_NONE, XenbusStateClosed);
    return error;
}

/*
 * The backend lets go of the rings when it sees Closing, or only when it sees Closed, as its class has it; so
 * the driver takes them away last. The errors do not matter: the device, or xenstore itself, may be gone.
 */
void xen_bus_disconnect(struct xen_bus_device *device, const struct xen_bus_driver *driver, void *instance,
                        uint64_t deadline)
{
    enum xenbus_state state;

    if (!xen_bus_set_state(device, XEN_STORE_NONE, XenbusStateClosing))
        (void)!xen_bus_wait(device, LETTING_GO, deadline, &state);
    if (!xen_bus_set_state(device, XEN_STORE_NONE, XenbusStateClosed))
        (void)!xen_bus_wait(device, LET_GO, deadline, &state);
    driver->closing(device, instance);
}
