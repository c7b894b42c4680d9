/*
 * A small xenstored at the other end of the ring: tree, transactions, watches, permissions, directories in
 * parts, reconnection. It acts only in xs_act(), and looks at the ring only if it was notified or has work
 * left, so that a client which forgets to notify is found out.
 */
#ifndef TESTS_HOST_FAKE_XENSTORED_H
#define TESTS_HOST_FAKE_XENSTORED_H

#include <xensys/abi.h>

#include <xenlib/types.h>

enum xs_fault_kind {
    XS_FAULT_NONE,
    XS_FAULT_ERROR,     /* XS_ERROR with `bytes` */
    XS_FAULT_PAYLOAD,   /* the right type with `bytes` */
    XS_FAULT_ID,        /* `number` is added to the request id */
    XS_FAULT_TYPE,      /* the answer's type is `number` */
    XS_FAULT_LENGTH,    /* the header's length is `number`; the payload stays */
    XS_FAULT_TWICE,     /* the answer comes twice */
    XS_FAULT_RAW,       /* `bytes` as they are, instead of an answer */
    XS_FAULT_BEFORE,    /* `bytes` as they are, then the answer */
    XS_FAULT_RSP_INDEX, /* rsp_prod jumps by `number` */
    XS_FAULT_REQ_INDEX, /* req_cons jumps by `number` */
    XS_FAULT_GIVE_UP,   /* the page's error field becomes `number` */
    XS_FAULT_PORT,      /* the event channel is closed */
    XS_FAULT_DROP,      /* no answer; only the next one */
};

struct xs_fault {
    enum xs_fault_kind kind;
    unsigned at; /* the how-manyth request from the arming on, from 1; 0: every one */
    uint32_t number;
    const char *bytes;
    size_t length;
};

struct xs_node {
    char *path, *value;
    size_t length;
    char permissions[64]; /* as on the wire, with '|' for NUL: "n0|r5" */
    uint64_t generation;
};

struct xs_tree {
    struct xs_node *nodes;
    size_t count;
};

struct xs_bytes {
    char *bytes;
    size_t length, size;
};

#define XS_WATCHES      32
#define XS_TRANSACTIONS 16

struct fake_xenstored {
    struct xenstore_domain_interface *ring;
    xen_port_t port;
    unsigned domain;

    /* what a test may turn */
    size_t chunk;             /* at most so many bytes each way in one turn; 0: no limit */
    size_t directory_max;     /* a larger directory is E2BIG, and comes in parts of about so much */
    unsigned conflicts;       /* so many transactions end in EAGAIN */
    bool no_reconnection;     /* asked for, it never comes */
    bool newest_first;        /* of several requests at hand, the last is answered first */
    bool event_first;         /* an event for nobody's watch before every answer */
    uint32_t reconnect_index; /* where the indices stand after a reconnection */
    struct xs_fault fault;
    void (*on_request)(struct fake_xenstored *xs, uint32_t type, const char *path, void *arg);
    void (*on_change)(struct fake_xenstored *xs, const char *path, void *arg);
    void *arg;

    /* what a test may look at */
    unsigned requests, answers, connections;
    unsigned asked[XS_TYPE_COUNT]; /* requests by type */
    struct xs_tree tree;
    struct {
        bool used;
        char *path, *token;
    } watches[XS_WATCHES];

    /* its own */
    struct {
        uint32_t id;
        uint64_t base;
        struct xs_tree tree;
    } transactions[XS_TRANSACTIONS];
    struct xs_bytes in, out;
    struct xs_bytes held; /* newest_first: answers of this turn */
    uint64_t generation;
    uint32_t last_transaction;
    unsigned notifications_seen, fault_count;
    bool dead, acting, busy;
};

/* Starts at ring indices `index`, with the home directory of `domain`. */
void xs_start(struct fake_xenstored *xs, struct xenstore_domain_interface *ring, xen_port_t port,
              unsigned domain, uint32_t index);
void xs_stop(struct fake_xenstored *xs);

/* One turn. Returns whether anything moved. */
bool xs_act(struct fake_xenstored *xs);
/* For fake_on_wait: turns until the guest was woken or nothing moves. Always false: only a wake-up ends a
 * wait. */
bool xs_wait_hook(void *xs);

void xs_arm(struct fake_xenstored *xs, struct xs_fault fault);

/* As domain 0: paths are absolute, or relative to the guest's home. The node's owner is the guest. */
void xs_set(struct fake_xenstored *xs, const char *path, const char *value);
void xs_set_bytes(struct fake_xenstored *xs, const char *path, const void *value, size_t length);
void xs_set_owner(struct fake_xenstored *xs, const char *path, const char *permissions);
const char *xs_get(struct fake_xenstored *xs, const char *path); /* NULL: none */
void xs_delete(struct fake_xenstored *xs, const char *path);
unsigned xs_watch_count(const struct fake_xenstored *xs);

/* A message as it lies in the ring. Returns its length. */
size_t xs_message(char *to, uint32_t type, uint32_t id, uint32_t length, const void *payload, size_t bytes);

#endif
