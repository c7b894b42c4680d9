/*
 * AF_UNIX sockets: pairs, and those with names. What was sent is a queue of packets at who is to receive it;
 * of a stream, packets are where its bytes are kept and have no meaning but that open files arrive with the
 * bytes that they were sent with. Private to socketpair.c and unix*.c. Thread context.
 */
#ifndef STARDUST_POSIX_UNIX_H
#define STARDUST_POSIX_UNIX_H

#include <sys/socket.h>
#include <sys/un.h>

#include "readiness.h"
#include "socket.h"

#define SD_UNIX_ROOM 212992 /* Linux's default for SO_SNDBUF */

struct sd_node;
struct sd_rights;
struct sd_unix;

/* What a socket is bound to. Kept as long as somebody may ask whom he is connected to. */
struct sd_unix_name {
    struct xen_list link; /* of all that a socket has, while `socket` is there */
    struct sd_unix *socket;
    struct sd_node *node; /* of a path, with a reference; NULL for what is a name alone */
    void (*put_node)(struct sd_node *node);
    unsigned references, bytes;
    struct sockaddr_un address;
};

struct sd_packet {
    struct xen_list link;
    size_t first, end, room;   /* bytes of data: read up to here, written up to here */
    struct sd_unix_name *from; /* with a reference; NULL where the sender has none */
    struct sd_rights *rights;
    char data[];
};

struct sd_unix {
    struct sd_socket socket;
    struct sd_unix *peer; /* where what is sent goes to, and its list of all that send there; NULL for none */
    struct xen_list senders, as_sender;
    struct sd_unix_name *name, *peer_name; /* with a reference each; NULL for none */
    struct xen_list packets;               /* to be received here */
    size_t queued;                         /* what they take of the room */
    struct xen_waitq readable, writable;
    struct sd_readiness readiness;
    bool is_connected;  /* of a stream: for good */
    bool has_lost_peer; /* of datagrams: not told yet */
    bool no_more_in, no_more_out;
    int error; /* SO_ERROR */
    /* Of a listener: connected sockets that wait to be accepted, in one of these its place there. */
    bool listens;
    unsigned backlog, waiting_count;
    struct xen_list waiting;
};

/* Guards all of them, but `socket`. */
extern struct xen_lock sd_unix_lock;
/* Who sends without a peer waits here for room, who connects for a place. */
extern struct xen_waitq sd_unix_room;

static inline struct sd_unix *sd_unix_of(struct sd_socket *socket)
{
    return xen_container_of(socket, struct sd_unix, socket);
}

static inline bool sd_unix_is_stream(const struct sd_unix *end)
{
    return end->socket.type == SOCK_STREAM;
}

static inline bool sd_unix_is_datagram(const struct sd_unix *end)
{
    return end->socket.type == SOCK_DGRAM;
}

/* ---- unix.c ---- */

/* One of these operations, with one reference; NULL when there is no memory. */
struct sd_unix *sd_unix_new(int type, const struct sd_socket_ops *ops);

/* For struct sd_socket_ops. */
long sd_unix_shutdown(struct sd_socket *socket, int how);
long sd_unix_getsockopt(struct sd_socket *socket, int level, int option, void *value, unsigned *bytes);
long sd_unix_setsockopt(struct sd_socket *socket, int level, int option, const void *value, unsigned bytes);
long sd_unix_name(struct sd_socket *socket, bool peer, void *address, unsigned *bytes);

/* Of an unknown type, or a protocol: 0 or an errno. */
int sd_unix_check(int type, int protocol) xen_must_check;

/* The lock is held for all of these but the drop. */

void sd_unix_tell(struct sd_unix *end, unsigned events);
/* Who sends there has room again. */
void sd_unix_tell_room(struct sd_unix *end);

/* What one sends goes to the other, or to nobody any more: NULL. */
void sd_unix_set_peer(struct sd_unix *end, struct sd_unix *peer);

/* What a packet takes of the room. */
size_t sd_packet_cost(const struct sd_packet *packet);

/* Frees a packet that is in no queue; the lock need not be held. */
void sd_packet_drop(struct sd_packet *packet);

/* Waits for a change. 0; -EAGAIN when that is not wanted or its time is over, -SD_RESTART. */
int sd_unix_wait(struct xen_waitq *queue, int flags, uint64_t deadline) xen_must_check;

/* An error that is told once: 0 or negative. */
int sd_unix_take_error(struct sd_unix *end);

static inline struct sd_unix_name *sd_unix_name_get(struct sd_unix_name *name)
{
    if (name)
        name->references++;
    return name;
}
/* NULL is ignored. The lock need not be held. */
void sd_unix_name_put(struct sd_unix_name *name);

/* ---- unix_send.c, unix_receive.c: of struct sd_socket_ops ---- */

long sd_unix_sendmsg(struct sd_socket *socket, struct sd_message *message);
long sd_unix_recvmsg(struct sd_socket *socket, struct sd_message *message);

/* ---- unix_named.c ---- */

long sd_unix_open(int type, int protocol);

/* Who has that name, and is of that type: 0, -EINVAL, -ENOENT and its like, -ECONNREFUSED, -EPROTOTYPE. Weak
 * in who sends: where there are pairs only, nobody has one. The lock is held. */
int sd_unix_find(const void *given, unsigned bytes, int type, struct sd_unix **found);

/* A socket without a name gets one: 0, or bind's errno. */
long sd_unix_bind(struct sd_socket *socket, const void *address, unsigned bytes);

/* ---- unix_connect.c: of struct sd_socket_ops ---- */

long sd_unix_connect(struct sd_socket *socket, const void *address, unsigned bytes);
long sd_unix_listen(struct sd_socket *socket, int backlog);
long sd_unix_accept(struct sd_socket *socket, struct sd_socket **accepted);

#endif
