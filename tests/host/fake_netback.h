/*
 * A network backend at the other end of netfront's rings: honest, as Linux's netback is, and with ways to lie
 * in every field.
 *
 * It lives on the fake xenstored, follows the front-end's state there, and reads and writes the rings with
 * the macros of Xen's own header. It checks what an honest backend may rely on, and notes the first thing
 * that is wrong in `complaint`.
 */
#ifndef TESTS_HOST_FAKE_NETBACK_H
#define TESTS_HOST_FAKE_NETBACK_H

#include <xensys/abi.h>

#include <xenlib/types.h>

#include "fake_xenstored.h"

#define NETBACK_DOMAIN  5 /* not 0: the front must take it from xenstore */
#define NETBACK_PACKETS 512
#define NETBACK_MAC     "00:16:3e:0a:Bc:9f"
#define NETBACK_BACKEND "/local/domain/5/backend/vif/3/0"

struct netback_packet {
    uint8_t *data;
    uint32_t length;
    unsigned slots; /* with a page */
    bool checksum_blank;
    uint8_t gso_type;
    uint16_t gso_size;
};

struct netback {
    struct fake_xenstored *xs;

    /* what a test may turn */
    unsigned answer_state; /* what it goes to when the front is Connected, instead of Connected */
    bool never_lets_go;    /* keeps the ring pages mapped after it has closed */
    bool silent;           /* reacts to nothing in xenstore */
    bool hold_responses;   /* does not answer transmissions until told */

    /* what a test may look at */
    const char *complaint;
    bool attached;
    uint32_t port, tx_port;                         /* the same, unless the front has one for each ring */
    struct netback_packet packets[NETBACK_PACKETS]; /* received from the front, oldest first */
    unsigned packet_count;
    unsigned connections, raised;

    /* its own */
    struct netif_tx_back_ring tx;
    struct netif_rx_back_ring rx;
    uint32_t tx_ref, rx_ref;
    unsigned state;
    struct {
        uint16_t id;
        bool extra;
    } pending[256];
    unsigned pending_count;
};

/* Sets up device/vif/0 and its backend in xenstore, InitWait, with every feature. */
void netback_start(struct netback *nb, struct fake_xenstored *xs);
void netback_stop(struct netback *nb);
void netback_feature(struct netback *nb, const char *key, const char *value); /* NULL: removed */
void netback_set_state(struct netback *nb, unsigned state);

/* For fake_on_wait: xenstored and the backend act until the guest was woken or nothing moves. */
bool netback_wait_hook(void *nb);

/* ---- honest ---- */

struct netback_offload {
    bool checksum_blank, validated;
    uint8_t gso_type;
    uint16_t gso_size;
    uint16_t offset;     /* of the first fragment in its page */
    uint16_t slot_bytes; /* most of a fragment; 0: a page */
};

/* Puts a packet for the front on the ring, and notifies as the ring says. False: no room, nothing done. */
bool netback_send(struct netback *nb, const uint8_t *data, uint32_t length,
                  const struct netback_offload *how);
/* Receive buffers that the front has posted and that are not used up. */
unsigned netback_room(struct netback *nb);

/* Takes everything that the front has transmitted, and answers it unless told to hold. */
void netback_take(struct netback *nb);
/* Answers `count` held slots. */
void netback_answer(struct netback *nb, unsigned count, int16_t status);
void netback_forget_packets(struct netback *nb);

/* ---- lies ---- */

/* One receive response as it is to be: `id` is added to the honest one. As an extra: the 8 bytes. */
struct netback_raw {
    bool is_extra;
    uint16_t id;
    uint16_t offset, flags;
    int16_t status;
    struct netif_extra_info extra;
};
void netback_rx_raw(struct netback *nb, const struct netback_raw *raw, unsigned count);
/* The page of the next receive buffer stays mapped; its reference. */
uint32_t netback_rx_hold(struct netback *nb);
void netback_tx_raw(struct netback *nb, uint16_t id, int16_t status);
/* Moves the response producers by this much, and notifies. */
void netback_rx_index(struct netback *nb, uint32_t by);
void netback_tx_index(struct netback *nb, uint32_t by);
/* An event, whatever the rings say. */
void netback_raise(struct netback *nb);

#endif
