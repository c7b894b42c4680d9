/*
 * The device bus in xenstore (xen/io/xenbus.h): the front-end's side of every device.
 *
 * A device has a directory here (device/vif/0), and another in its backend's domain, named by `backend` and
 * `backend-id` in ours. Each end writes its `state` and watches the other's. The backend may be anywhere, say
 * anything, and close at any moment, twice; a path may vanish between listing and reading.
 */
#ifndef XENLIB_BUS_H
#define XENLIB_BUS_H

#include <xensys/abi.h>

#include <xenlib/store.h>
#include <xenlib/types.h>

struct xen_bus_device {
    char path[XEN_STORE_PATH_MAX];          /* "device/vif/0" */
    char backend[XEN_STORE_PATH_MAX];       /* "/local/domain/0/backend/vif/7/0" */
    char backend_state[XEN_STORE_PATH_MAX]; /* what the watch watches */
    xen_domid_t backend_domain;
    uint32_t index;               /* the last part of `path`, as a number */
    bool trusted;                 /* `trusted` is not "0": the backend may see whole pages */
    struct xen_store_watch watch; /* on the backend's state; set up by open */
};

/* The numbers of the devices of a class ("vif") that exist now. -ERANGE when there are more than `size`:
 * these are the first ones then. No directory: none, and 0. */
int xen_bus_enumerate(const char *class, uint32_t *indices, size_t size, size_t *count) xen_must_check;

/* Reads where the device's other end is and watches its state. -ENODEV when the device or its backend node is
 * gone, -EPROTO when what stands there makes no sense. */
int xen_bus_open(struct xen_bus_device *device, const char *class, uint32_t index) xen_must_check;

/* Ends the watch. */
void xen_bus_close(struct xen_bus_device *device);

/* The backend's state; XenbusStateUnknown when there is none, or none that makes sense. */
int xen_bus_backend_state(struct xen_bus_device *device, enum xenbus_state *state) xen_must_check;

/* Our state, as the backend sees it. */
int xen_bus_set_state(struct xen_bus_device *device, xen_store_tx tx, enum xenbus_state state) xen_must_check;

/*
 * Waits until the backend's state is in `wanted`, a set of XEN_BUS_IN(state) bits. 0 with the state in
 * *state; -ETIMEDOUT; -ENODEV when the backend's node vanishes while Unknown is not wanted.
 */
#define XEN_BUS_IN(state) (1u << (unsigned)(state))
int xen_bus_wait(struct xen_bus_device *device, unsigned wanted, uint64_t deadline,
                 enum xenbus_state *state) xen_must_check;

/* Values in the two directories: features and settings. */
int xen_bus_read_backend_uint(struct xen_bus_device *device, const char *key, uint64_t max,
                              uint64_t *value) xen_must_check;
/* Text: -EINVAL when there is a NUL in it. */
int xen_bus_read_backend(struct xen_bus_device *device, const char *key, char *buffer,
                         size_t size) xen_must_check;
int xen_bus_read_front(struct xen_bus_device *device, const char *key, char *buffer,
                       size_t size) xen_must_check;
int xen_bus_write_front(struct xen_bus_device *device, xen_store_tx tx, const char *key, const char *format,
                        ...) xen_must_check xen_printf(4, 5);
/* 0 also when it was not there. */
int xen_bus_remove_front(struct xen_bus_device *device, xen_store_tx tx, const char *key) xen_must_check;

/*
 * The life of a front-end, the same for every class. A driver supplies the steps:
 *   probe      reads features, allocates
 *   publish    writes the rings and what belongs to them, in a transaction; runs again when that conflicts
 *   connected  the backend is Connected
 *   closing    stops using the rings, ends every grant: the backend has let go, or was given the time to
 */
struct xen_bus_driver {
    const char *class;
    int (*probe)(struct xen_bus_device *device, void *instance);
    int (*publish)(xen_store_tx tx, struct xen_bus_device *device, void *instance);
    int (*connected)(struct xen_bus_device *device, void *instance);
    void (*closing)(struct xen_bus_device *device, void *instance);
};

/*
 * Connects: sets our state back to Initialising, waits for the backend's InitWait (letting it finish closing
 * before), probes, publishes in a transaction that also makes our state Connected, waits for the backend's
 * Connected, calls connected. 0; -ECONNRESET when the backend closes meanwhile, -ENODEV when it vanishes,
 * -ETIMEDOUT, or the errno of a step. After an error the device is closed, by xen_bus_disconnect if `probe`
 * had succeeded: so `closing` has been called then.
 */
int xen_bus_connect(struct xen_bus_device *device, const struct xen_bus_driver *driver, void *instance,
                    uint64_t deadline) xen_must_check;

/*
 * Closes, from our side or because the backend does: Closing, waits for the backend's answer, Closed, waits
 * for it to let go, both up to `deadline`, and calls `closing`. Always leaves the device closed.
 */
void xen_bus_disconnect(struct xen_bus_device *device, const struct xen_bus_driver *driver, void *instance,
                        uint64_t deadline);

#endif
