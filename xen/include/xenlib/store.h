/*
 * Xenstore (xen/io/xs_wire.h; docs/misc/xenstore.txt and xenstore-ring.txt in Xen's tree).
 *
 * Any number of threads may have requests outstanding. There is no thread of its own: whoever waits for a
 * reply or for a watch takes messages from the ring for everybody. Nothing that xenstored sends is trusted:
 * an answer that breaks the protocol gives -EPROTO to the one who asked, and if the stream itself can no
 * longer be followed, every request outstanding and later gives -EIO, until a reconnection succeeds. The next
 * request, or whoever next waits for a watch, asks for one if xenstored offers that; a request waits a second
 * for it. Then all watches are set up again, and fire. For an answer that does not come a request waits for
 * ever.
 *
 * Paths are absolute, or relative to the domain's own home; at most 3,071 characters absolute or 2,047
 * relative. Values are bytes; together with its path a value fits a payload of 4,096.
 *
 * All functions: thread context. Errors common to all: what xenstored answered, as a negative errno (-ENOENT,
 * -EACCES, -EINVAL, -ENOSPC, -EAGAIN …; an unknown name gives -EIO); -E2BIG for what does not fit a payload;
 * -EPROTO; -EIO.
 */
#ifndef XENLIB_STORE_H
#define XENLIB_STORE_H

#include <stdarg.h>

#include <xenlib/list.h>
#include <xenlib/types.h>

struct xenstore_domain_interface;

#define XEN_STORE_PAYLOAD_MAX 4096
/* Longest path that this library builds itself (bus, devices); longer ones are the caller's own. */
#define XEN_STORE_PATH_MAX 256

/* A transaction, or XEN_STORE_NONE for a single operation. */
typedef struct {
    uint32_t id;
    uint32_t epoch; /* the connection it belongs to; on a later one its operations give -EAGAIN */
} xen_store_tx;
#define XEN_STORE_NONE ((xen_store_tx){0})

/* Takes over the ring and the port. Once. 0 or a negative errno. */
int xen_store_init(struct xenstore_domain_interface *ring, xen_port_t port) xen_must_check;

/*
 * As xen_store_init, at the first request: only then `find` (xen_start_store) is asked where the ring is. For
 * a boot that does not want to pay for what a program may never use. If the port cannot be taken over, that
 * request and all others give -EIO.
 */
void xen_store_init_late(void (*find)(struct xenstore_domain_interface **ring, xen_port_t *port));

/*
 * Reads a value into `buffer`, followed by a NUL that *length does not count. -ERANGE when it does not fit
 * `size` (with its NUL); *length then says how long it is. `length` may be NULL.
 */
int xen_store_read(xen_store_tx tx, const char *path, char *buffer, size_t size,
                   size_t *length) xen_must_check;

/* Reads a decimal number. -EINVAL when the value is not one, or has anything before or after it; -ERANGE when
 * it is larger than `max`. */
int xen_store_read_uint(xen_store_tx tx, const char *path, uint64_t max, uint64_t *value) xen_must_check;

int xen_store_write(xen_store_tx tx, const char *path, const void *value, size_t length) xen_must_check;

/* Writes formatted text, at most 255 characters of it. */
int xen_store_printf(xen_store_tx tx, const char *path, const char *format, ...) xen_must_check
    xen_printf(3, 4);

int xen_store_mkdir(xen_store_tx tx, const char *path) xen_must_check;
int xen_store_remove(xen_store_tx tx, const char *path) xen_must_check;

/*
 * Lists a directory: names one after another in `buffer`, each with its NUL, *count of them, *length bytes in
 * all. Directories of any size are read, in parts where xenstored needs that. -ERANGE when they do not fit
 * `size`.
 */
int xen_store_list(xen_store_tx tx, const char *path, char *buffer, size_t size, size_t *count,
                   size_t *length) xen_must_check;

/* Access rights: the first entry's domain owns the node, its access is everybody else's. 'n' none, 'r' read,
 * 'w' write, 'b' both. */
struct xen_store_permission {
    xen_domid_t domain;
    char access;
};
int xen_store_get_permissions(xen_store_tx tx, const char *path, struct xen_store_permission *list,
                              size_t size, size_t *count) xen_must_check;
int xen_store_set_permissions(xen_store_tx tx, const char *path, const struct xen_store_permission *list,
                              size_t count) xen_must_check;

/*
 * Runs `body` in a transaction, and again from its start each time the transaction ends in -EAGAIN, at most
 * 32 times (then -EAGAIN). A negative result of `body` aborts and is returned.
 */
int xen_store_transaction(int (*body)(xen_store_tx tx, void *arg), void *arg) xen_must_check;

/*
 * A watch. Events are merged: `fired` tells that something at or below the path changed since it was last
 * taken, and the owner reads again what it cares for. Set up, every watch fires once. The owner embeds the
 * struct and keeps `path` alive.
 */
struct xen_store_watch {
    struct xen_list link; /* the module's */
    const char *path;
    uint32_t id; /* the module's */
    bool fired;  /* under the module's lock */
    bool set;    /* the module's: this connection knows it */
};
int xen_store_watch(struct xen_store_watch *watch, const char *path) xen_must_check;
void xen_store_unwatch(struct xen_store_watch *watch);

/* Waits until `watch` fires, and takes it. 0; -ETIMEDOUT at `deadline` (ns); -EIO when the connection is lost
 * for good. */
int xen_store_watch_wait(struct xen_store_watch *watch, uint64_t deadline) xen_must_check;
/* The same for any of several; *which is its index. */
int xen_store_watch_wait_any(struct xen_store_watch *const *watches, size_t count, uint64_t deadline,
                             size_t *which) xen_must_check;
/* Fires a watch that is set up, as if something had changed there: for whoever has other news for its owner.
 * Asks xenstore nothing, and does not wait. Any context. */
void xen_store_watch_fire(struct xen_store_watch *watch);

/*
 * After the domain was resumed, with new ring and port: outstanding requests end with -EAGAIN, watches are
 * set up again. The old port is Xen's to forget: it is not closed. 0 or a negative errno.
 */
int xen_store_resume(struct xenstore_domain_interface *ring, xen_port_t port) xen_must_check;

#endif
