/*
 * Pairs of AF_UNIX sockets. Both are one object, with a queue of packets for each; of a stream, packets are
 * where its bytes are kept and have no meaning but that open files arrive with the bytes that they were sent
 * with. Private to socketpair*.c. Thread context.
 */
#ifndef STARDUST_POSIX_SOCKETPAIR_H
#define STARDUST_POSIX_SOCKETPAIR_H

#include <sys/socket.h>

#include "readiness.h"
#include "socket.h"

#define SD_PAIR_ROOM 212992 /* Linux's default for SO_SNDBUF */

struct sd_rights;

struct sd_packet {
    struct xen_list link;
    size_t first, end, room; /* bytes of data: read up to here, written up to here */
    struct sd_rights *rights;
    char data[];
};

struct sd_pair;

struct sd_pair_end {
    struct sd_socket socket;
    struct sd_pair *pair;
    struct sd_pair_end *peer;
    struct xen_list packets; /* to be received here */
    size_t queued;           /* what they take of the room */
    struct xen_waitq readable, writable;
    struct sd_readiness readiness;
    bool no_more_in, no_more_out, is_closed;
    int error; /* SO_ERROR */
};

struct sd_pair {
    struct xen_lock lock; /* guards the rest, of the ends what is not `socket` */
    struct sd_pair_end ends[2];
    unsigned open;
};

static inline struct sd_pair_end *sd_pair_end_of(struct sd_socket *socket)
{
    return xen_container_of(socket, struct sd_pair_end, socket);
}

static inline bool sd_pair_is_stream(const struct sd_pair_end *end)
{
    return end->socket.type == SOCK_STREAM;
}

/* The lock is held for all of these. */

void sd_pair_tell(struct sd_pair_end *end, unsigned events);

/* What a packet takes of the room. */
size_t sd_packet_cost(const struct sd_packet *packet);

/* Frees a packet that is in no queue; the lock need not be held. */
void sd_packet_drop(struct sd_packet *packet);

/* Waits for a change. 0; -EAGAIN when that is not wanted or its time is over, -SD_RESTART. */
int sd_pair_wait(struct sd_pair_end *end, struct xen_waitq *queue, int flags,
                 uint64_t deadline) xen_must_check;

/* An error that is told once: 0 or negative. */
int sd_pair_take_error(struct sd_pair_end *end);

/* ---- socketpair_send.c, socketpair_receive.c: of struct sd_socket_ops ---- */

long sd_pair_sendmsg(struct sd_socket *socket, struct sd_message *message);
long sd_pair_recvmsg(struct sd_socket *socket, struct sd_message *message);

#endif
