/*
 * Between the files of the store module:
 *   store.c       the ring and the connection; moves bytes for all threads
 *   store_wire.c  one message, leaving or arriving
 *   store_watch.c watches
 *   store_ops.c   what each request means
 */
#ifndef XEN_STORE_INTERNAL_H
#define XEN_STORE_INTERNAL_H

#include <xensys/abi.h>

#include <xenlib/platform.h>
#include <xenlib/store.h>

/* A stretch of a request's payload; the requester's memory. */
struct store_part {
    const void *bytes;
    size_t length;
};

/*
 * One request, on the stack of the thread that makes it; nothing points to it any more once xen_store_call
 * has returned. The reply is copied from the ring straight to where the requester wants it.
 */
struct store_request {
    /* asked */
    uint32_t type;
    xen_store_tx tx; /* its epoch becomes the one in which the request left */
    const struct store_part *parts;
    size_t part_count;

    /* where the reply goes: when `head` is not NULL, its first string there, and the rest to `reply` */
    char *head;
    size_t head_size;
    char *reply;
    size_t reply_size;

    /* answered */
    bool done;
    int error;
    bool head_done;     /* the first string was terminated */
    size_t head_length; /* its bytes, NUL included; above head_size when it was cut */
    size_t length;      /* bytes after it; above reply_size when they were cut */
    char last_cut;      /* the last of the bytes that were cut */

    /* the module's */
    struct xen_list link;
    struct xsd_sockmsg header;
    size_t sent;
};

/* The message that is arriving. */
#define STORE_TEXT_MAX 16 /* more than the longest error name or token */
struct store_incoming {
    struct xsd_sockmsg header;
    size_t header_got;
    size_t left;               /* payload bytes to come */
    struct store_request *to;  /* NULL: an event, or nobody wants it */
    unsigned strings;          /* event: NULs seen */
    char text[STORE_TEXT_MAX]; /* error name, or token of an event */
    size_t text_length;        /* above STORE_TEXT_MAX when it was cut */
};

enum store_state {
    STORE_DOWN, /* no ring */
    STORE_LATE, /* none yet: the first request asks `find` for it */
    STORE_UP,
    STORE_RECONNECTING, /* xenstored is to reset the ring, or has yet to appear */
    STORE_BROKEN,
};

struct store_monitor {
    struct xen_lock lock; /* guards all of this, the ring, and the module's fields of every watch */
    struct xen_waitq changed;
    enum store_state state;
    void (*find)(struct xenstore_domain_interface **ring, xen_port_t *port);
    uint32_t epoch; /* which connection this is; transactions do not outlive theirs */
    struct xenstore_domain_interface *ring;
    xen_port_t port;
    uint32_t req_prod, rsp_cons; /* ours; the page only gets copies */
    uint32_t last_request;
    uint32_t stale_first, stale_count; /* requests of before a resume: their answers are dropped */
    struct xen_list queued, sent;
    struct store_incoming in;
    bool wake; /* this pass finished something that a thread may wait for */
    bool logged;
    uint64_t logged_at;

    struct xen_list watches;
    uint32_t last_watch;
    struct xen_store_watch *restoring; /* being set up again on a new connection, by `restore` */
    struct store_request restore;
    struct store_part restore_parts[2];
    char restore_token[STORE_TEXT_MAX];
};
extern struct store_monitor xen_store_monitor;

/* store.c. Sends and waits for the answer: its error, or why nothing was sent. */
int xen_store_call(struct store_request *request) xen_must_check;

/* The rest with the lock held. Queues; a pump sends. */
void xen_store_submit(struct store_request *request);
/* Moves bytes both ways for everybody, as far as that goes now, and wakes whom it concerns. */
void xen_store_pump(void);
/* Waits until the connection is up, and asks for a new one if it was lost. 0, -EIO or -ETIMEDOUT. */
int xen_store_await_connection(uint64_t deadline) xen_must_check;

/* store_wire.c. The bytes of a request from `sent` on, as far as they lie together; NULL at its end. */
const char *xen_store_next_piece(const struct store_request *request, size_t *length);
/* Takes payload from the ring to where it belongs. */
void xen_store_take_payload(struct store_incoming *in, const char *bytes, size_t count);
/* What a complete answer to in->to comes to: 0 or a negative errno. */
int xen_store_verdict(const struct store_incoming *in);
/* The watch that a complete event names. False when it names none. */
bool xen_store_event_id(const struct store_incoming *in, uint32_t *id);
/* The whole of a text as a decimal number. 0, -EINVAL for anything else, -ERANGE above max. */
int xen_store_parse_uint(const char *text, size_t length, uint64_t max, uint64_t *value) xen_must_check;

/* store_watch.c, with the lock held. */
void xen_store_fire(uint32_t id);
void xen_store_forget_set(void); /* a new connection knows no watch */
void xen_store_restore_watches(void);

/* store_ops.c. As xen_store_call, for what is answered by "OK": -EPROTO for any other answer. */
int xen_store_call_for_ok(struct store_request *request) xen_must_check;
/* 0, or -EINVAL for a path that is empty or longer than the protocol allows. */
int xen_store_check_path(const char *path) xen_must_check;

#endif
