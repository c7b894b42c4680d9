/*
 * TCP sockets. All of it under the network's lock. Private to stardust/socket/tcp*.c.
 *
 * lwIP forgets a PCB whose both sides are closed without a word, so the socket lets go of it at that point
 * (sd_tcp_let_go); from then on, as after an error, `pcb` is NULL and only what was received before is left.
 */
#ifndef STARDUST_SOCKET_TCP_H
#define STARDUST_SOCKET_TCP_H

#include "inet.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

enum sd_tcp_state { SD_TCP_CLOSED, SD_TCP_LISTENS, SD_TCP_CONNECTS, SD_TCP_CONNECTED, SD_TCP_ENDED };

struct sd_tcp {
    struct sd_inet inet;
    enum sd_tcp_state state;
    struct tcp_pcb *pcb; /* NULL until it is needed, and once it is gone */
    bool is_bound;
    bool told;           /* the program knows that it is connected */
    bool wants_room;     /* somebody is to be told when there is room to send */
    bool is_starved;     /* of memory to send, since the last tick */
    bool peer_has_ended; /* its FIN came */

    /* Received: linked by hand, for a chain cannot be longer than 65,535 bytes. */
    struct pbuf *first, *last;
    size_t queued; /* bytes, the first `taken` of `first` not among them */
    uint16_t taken;

    /* Connections that wait to be accepted, and those that TCP_DEFER_ACCEPT holds back, which count with
     * them; of such a one, its place there. */
    struct xen_list waiting, deferred;
    unsigned waiting_count, backlog;
    struct sd_tcp_group *group; /* of a listener */
    struct xen_list member;
    struct sd_tcp *deferred_by;
    uint64_t defer_until;

    /* Options. */
    bool no_delay, corks;
    uint32_t keep_idle, keep_interval, keep_count; /* ms, ms; 0: the default */
    int defer_accept, user_timeout, syn_count, quick_ack;
    uint64_t progress; /* when the peer last acknowledged something, or there was nothing to acknowledge */
    uint64_t give_up;  /* when an attempt to connect ends */
    /* Limits that the program has set; 0: lwIP's own. Of the window, what is not yet taken off again. */
    uint32_t window, send_room;
    int64_t window_debt;
};

/* Sockets that listen at one place, each by SO_REUSEPORT if there are several. lwIP has one listener for all,
 * and connections go to them by who connects. */
struct sd_tcp_group {
    struct tcp_pcb *pcb;
    struct xen_list members;
    unsigned count;
};

static inline struct sd_tcp *sd_tcp_of(struct sd_socket *socket)
{
    return xen_container_of(socket, struct sd_tcp, inet.socket);
}

static inline struct sd_tcp *sd_tcp_of_file(struct sd_file *file)
{
    return xen_container_of(file, struct sd_tcp, inet.socket.file);
}

/* A new socket without a PCB. */
struct sd_tcp *sd_tcp_new(int family);

/* Frees it. Its PCB is gone, or somebody else's. */
void sd_tcp_free(struct sd_tcp *tcp);

/* Makes lwIP tell this socket what happens to a connection; or nobody, as if it were closed: an orphan. */
void sd_tcp_hold(struct sd_tcp *tcp, struct tcp_pcb *pcb);
void sd_tcp_let_go(struct sd_tcp *tcp);

/* Tells the PCB what the options say. */
void sd_tcp_apply(struct sd_tcp *tcp);

/* Whether enough can be sent for a program to be woken. */
bool sd_tcp_has_room(const struct sd_tcp *tcp);

/* There was no memory for anything to send: half a second later it is tried again. */
void sd_tcp_starve(struct sd_tcp *tcp);

/* Looks twice a second after what a clock ends: TCP_USER_TIMEOUT, TCP_SYNCNT, TCP_DEFER_ACCEPT. */
void sd_tcp_watch(struct sd_tcp *tcp);

/* How much may be sent beyond what is under way. */
size_t sd_tcp_room(const struct sd_tcp *tcp);

/* The window becomes what SO_RCVBUF says: what the peer was not told of goes at once, the rest is not given
 * back when it is used. Of a new connection the peer knows what its SYN was answered with, 64 KiB at most. */
void sd_tcp_limit_window(struct sd_tcp *tcp, bool is_new);
/* Before a connection is closed of which the program has read all: lwIP takes a window that is not its own
 * for a sign that it has not, and resets. */
void sd_tcp_unlimit_window(struct tcp_pcb *pcb);
/* The program took bytes. */
void sd_tcp_taken(struct sd_tcp *tcp, size_t bytes);

/* Waits until it is connected: 0, -EPIPE when it is not about to, the connection's error, what sd_inet_wait
 * gives. */
long sd_tcp_await(struct sd_tcp *tcp, int flags, uint64_t deadline);

/* ---- tcp_receive.c, tcp_send.c, tcp_option.c, tcp_connect.c, tcp_listen.c: of struct sd_socket_ops ---- */

long sd_tcp_recvmsg(struct sd_socket *socket, struct sd_message *message);
long sd_tcp_sendmsg(struct sd_socket *socket, struct sd_message *message);
long sd_tcp_getsockopt(struct sd_socket *socket, int level, int option, void *value, unsigned *bytes);
long sd_tcp_setsockopt(struct sd_socket *socket, int level, int option, const void *value, unsigned bytes);
long sd_tcp_bind(struct sd_socket *socket, const void *address, unsigned bytes);
long sd_tcp_connect(struct sd_socket *socket, const void *address, unsigned bytes);
long sd_tcp_listen(struct sd_socket *socket, int backlog);
long sd_tcp_accept(struct sd_socket *socket, struct sd_socket **accepted);

/* Nobody will accept connections any more; its PCB is gone. */
void sd_tcp_end_listening(struct sd_tcp *listener);

/* Whether a socket must not bind, or listen, at a place because of who listens there; with SO_REUSEPORT,
 * whom to join. */
bool sd_tcp_is_listened_on(const struct sd_tcp *tcp, const struct sd_end *end, struct sd_tcp_group **join);

/* A deferred connection has what it waited for. One that is lost is freed: true. */
void sd_tcp_undefer(struct sd_tcp *tcp);
bool sd_tcp_lose_deferred(struct sd_tcp *tcp);

/* Binds it to a place, with a PCB: tcp_connect.c. Where that leaves the port open, one that others may have
 * too if they are not connected to `peer`; NULL: no others. The names of its PCB's ends. */
long sd_tcp_bind_to(struct sd_tcp *tcp, const struct sd_end *end, const struct sd_end *peer);
void sd_tcp_remember_names(struct sd_tcp *tcp);

/* What was received and not read; whether it is as much as the program waits for (SO_RCVLOWAT), or all that
 * there is room for. */
bool sd_tcp_is_readable(const struct sd_tcp *tcp);
void sd_tcp_queue(struct sd_tcp *tcp, struct pbuf *packet);
void sd_tcp_drop_received(struct sd_tcp *tcp);

#endif
