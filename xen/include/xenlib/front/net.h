/*
 * netfront: the front-end of Xen's network device (xen/io/netif.h).
 *
 * The backend is not trusted. It sees only pages that this module dedicates to it: transmitted bytes are
 * copied into pages granted read-only for as long as the device is connected, received ones arrive in pages
 * whose grant is revoked before anybody looks at them. No hypercall per packet: a pass of the owner's thread
 *
 *     xen_netfront_poll()                     hands up what was received, frees transmit buffers
 *     xen_netfront_append(), …_commit()       builds packets, as many as there are
 *     xen_netfront_flush()                    publishes all of it, at most one event a channel
 *
 * ends with a flush, always: buffers that poll took back reach the backend only with it.
 *
 * Calls for one front are made one at a time, by one thread or under a lock of the owner's; only `kick` comes
 * from elsewhere. Thread context, unless noted.
 */
#ifndef XENLIB_FRONT_NET_H
#define XENLIB_FRONT_NET_H

#include <xenlib/bus.h>
#include <xenlib/ring.h>
#include <xenlib/types.h>

#define XEN_NET_RING_SLOTS 256
/* A packet has at most this many pages: 18 slots, and one for a short first fragment. */
#define XEN_NET_FRAGMENTS_MAX (XEN_NETIF_NR_SLOTS_MIN + 1)
/* Longest packet to transmit, Ethernet header included (the field has 16 bits). */
#define XEN_NET_TX_MAX XEN_NETIF_MAX_TX_SIZE
/* Longest packet received: 65,535 bytes of IP behind an Ethernet header with a VLAN tag. */
#define XEN_NET_RX_MAX (65535 + 18)
/* Shorter packets are lent, not handed over (struct xen_net_packet). */
#define XEN_NET_COPY_MAX 256

/* The numbers are the protocol's. */
enum xen_net_gso {
    XEN_NET_GSO_NONE = XEN_NETIF_GSO_TYPE_NONE,
    XEN_NET_GSO_TCPV4 = XEN_NETIF_GSO_TYPE_TCPV4,
    XEN_NET_GSO_TCPV6 = XEN_NETIF_GSO_TYPE_TCPV6,
};

struct xen_net_fragment {
    uint8_t *data; /* does not cross its page */
    uint32_t length;
};

/*
 * A received packet, starting with its Ethernet header. The struct is the caller's until the callback
 * returns. The pages of the fragments belong to the callee, which gives each back with xen_netfront_return(),
 * in any order, at any time, also from the callback itself or after the device is closed. A packet that is
 * `lent` (one fragment of at most XEN_NET_COPY_MAX bytes) is the exception: its bytes are valid until the
 * callback returns, and nothing is given back.
 */
struct xen_net_packet {
    struct xen_net_fragment fragments[XEN_NET_FRAGMENTS_MAX];
    unsigned count;
    uint32_t length; /* all fragments together */
    bool lent;
    bool checksum_valid; /* the backend vouches for the TCP/UDP checksum, or the field is blank */
    bool checksum_blank; /* the field is blank: the packet never left this host */
    enum xen_net_gso gso_type;
    uint16_t gso_size; /* payload of each segment, when gso_type is not NONE */
};

struct xen_netfront_ops {
    /* Poll soon: an event came, or the device was found broken. Upcall and thread context. */
    void (*kick)(void *arg);
    /* A packet. Called by xen_netfront_poll(). May append, commit and return pages; not poll, flush or
     * disconnect. */
    void (*receive)(void *arg, const struct xen_net_packet *packet);
    /* After xen_netfront_append() gave -EAGAIN: there is room again. Called by xen_netfront_poll(). */
    void (*room)(void *arg);
};

struct xen_netfront_config {
    /* Pages posted for reception, 20 to 256; others are moved into that range, and 0 means 256. */
    uint32_t rx_buffers;
    /* Pages for transmission at most, 18 to 256, 0 means 256; each is taken when it is first needed. */
    uint32_t tx_buffers;
    /* Where the ring indices start: 0, unless a test wants to see them wrap. */
    uint32_t first_index;
};

/* What the backend takes on transmission. */
struct xen_net_features {
    bool scatter;       /* packets of more than one page */
    bool checksum_ipv4; /* TCP and UDP checksums left blank over IPv4 */
    bool checksum_ipv6; /* … over IPv6 */
    bool gso_tcpv4;
    bool gso_tcpv6;
};

struct xen_netfront_stats {
    uint64_t rx_packets, rx_bytes;
    uint64_t tx_packets, tx_bytes;
    /* Packets dropped on reception: */
    uint64_t rx_errors;    /* the backend said so */
    uint64_t rx_malformed; /* impossible fields */
    uint64_t rx_busy;      /* the backend kept the page granted */
    uint64_t rx_memory;    /* no page to take the packet's place */
    uint64_t tx_failed;    /* slots that the backend did not transmit */
    uint64_t broken;       /* times that the backend broke the protocol */
    uint64_t events;       /* received */
    uint64_t notified;     /* sent */
};

struct xen_netfront_rx_slot;
struct xen_netfront_tx_slot;

/* Embedded by the owner. */
struct xen_netfront {
    /* For the owner to read; `device` also to look at or wait for the backend's state. */
    struct xen_bus_device device;
    uint8_t mac[6];
    bool connected;
    struct xen_net_features features;
    struct xen_netfront_stats stats;

    /* The module's own. */
    struct xen_netfront_config config;
    const struct xen_netfront_ops *ops;
    void *arg;
    struct xen_netfront_channel {
        xen_port_t port;
        bool fired;         /* the handler ran, and the port is masked; written by the handler */
        bool worked;        /* responses were found since the last xen_event_done */
    } channels[2];          /* the first for rx, the last in use for tx */
    unsigned channel_count; /* 1 where the backend has only one for both */
    bool told_of_two;       /* a backend, ever */
    bool broken;
    uint64_t next_log; /* system time before which no line about the backend is written */

    struct {
        struct xen_ring ring;
        void *page; /* the ring's */
        xen_gref_t page_ref;
        struct xen_netfront_rx_slot *slots; /* a page of them, by ring slot */
        uint32_t posted;                    /* slots that hold a page */
        void *spare;                        /* pages to post, linked through their first bytes */
        uint32_t spares;
        uint32_t held;                /* pages with the owner */
        uint32_t kept;                /* pages that the backend answered and did not let go */
        struct xen_net_packet packet; /* what is being put together */
        uint32_t slots_taken, extras; /* … taken from the ring for it so far, 0 before its first */
        bool more, extra;             /* another fragment, another extra belongs to it */
        uint64_t *drop;               /* why it will not be delivered: a counter of `stats`, or NULL */
    } rx;

    struct {
        struct xen_ring ring;
        void *page;
        xen_gref_t page_ref;
        struct xen_netfront_tx_slot *slots; /* a page of them, by id */
        uint16_t free;                      /* first of a list of ids, most recently used first */
        uint32_t in_flight;                 /* ids given to the backend */
        uint32_t extras;                    /* extra slots given to the backend */
        bool waiting;                       /* somebody was told -EAGAIN */
        uint16_t build[XEN_NETIF_NR_SLOTS_MIN];
        uint32_t build_slots, build_bytes;
    } tx;
};

/*
 * Finds device/vif/`index` and watches its backend. `ops`, and the front itself, stay until close. 0, or
 * -ENODEV and what else xen_bus_open() gives.
 */
int xen_netfront_open(struct xen_netfront *front, uint32_t index, const struct xen_netfront_config *config,
                      const struct xen_netfront_ops *ops, void *arg) xen_must_check;

/*
 * Connects, also again after a disconnect: negotiates, posts the receive buffers, waits for the backend. 0;
 * -EOPNOTSUPP when the backend cannot copy; -EINVAL for a bad `mac`; -ENOMEM, -ENOSPC (grants);
 * -EBUSY while more pages than one device uses are in quarantine; what xen_bus_connect() gives. On an error
 * nothing is held.
 */
int xen_netfront_connect(struct xen_netfront *front, uint64_t deadline) xen_must_check;

/*
 * Disconnects, waiting for the backend up to `deadline`. Every page and grant is given back, or in quarantine
 * if the backend does not let go; pages with the owner stay its own. A packet being built is gone.
 */
void xen_netfront_disconnect(struct xen_netfront *front, uint64_t deadline);

/* Ends the watch. The device must be disconnected. */
void xen_netfront_close(struct xen_netfront *front);

/*
 * Receives everything that is there, and takes back transmit buffers. 0; -ENOTCONN; -EPROTO when the backend
 * broke the protocol: the device does nothing any more until it was disconnected and connected again.
 */
int xen_netfront_poll(struct xen_netfront *front) xen_must_check;

/*
 * Gives back the page of a fragment, by any address in it. Once the front itself is gone,
 * xen_platform_page_free(xen_page_of(data)) does it.
 */
void xen_netfront_return(struct xen_netfront *front, void *data);

/*
 * Transmission: one packet at a time is put together from its first byte on, and committed. append copies all
 * of `bytes` or nothing. 0; -EAGAIN when the buffers are used up: `room` is called once there are some (the
 * caller aborts or keeps what it has built); -EMSGSIZE beyond XEN_NET_TX_MAX, or beyond a page without
 * features.scatter; -ENOMEM; -ENOTCONN, also when broken.
 */
int xen_netfront_append(struct xen_netfront *front, const void *data, size_t bytes) xen_must_check;

/* Bytes of the packet being built: 0 when there is none. */
size_t xen_netfront_building(const struct xen_netfront *front);

/*
 * The first bytes of the packet being built, up to 4,096 of them in one piece, to be changed until commit (a
 * header whose length is known last). NULL when there is none.
 */
void *xen_netfront_head(struct xen_netfront *front);

/*
 * What the backend is to do with a packet. checksum_blank: fill in the TCP or UDP checksum; its field holds
 * the sum of the pseudo-header, as Linux wants it. gso_type: cut into segments of gso_size bytes of payload;
 * implies checksum_blank.
 */
struct xen_net_offload {
    bool checksum_blank;
    enum xen_net_gso gso_type;
    uint16_t gso_size;
};

/*
 * Puts the packet on the ring; `offload` may be NULL. Published by the next flush. 0; -EINVAL for a packet
 * shorter than an Ethernet header or an impossible offload; -EOPNOTSUPP for one that the backend does not do;
 * -ENOTCONN. After an error the packet is still being built.
 */
int xen_netfront_commit(struct xen_netfront *front, const struct xen_net_offload *offload) xen_must_check;

/* Gives up the packet being built. */
void xen_netfront_abort(struct xen_netfront *front);

/* Publishes what was committed, and the buffers for reception. Sends an event for each ring whose backend
 * wants one; one for both where they share a channel. */
void xen_netfront_flush(struct xen_netfront *front);

#endif
