/*
 * Sockets of AF_INET and AF_INET6, on lwIP's raw API. A service calls lwIP on the program's thread, under the
 * network's lock; what arrives is queued at the socket by lwIP's callbacks, which hold it too. Whoever waits
 * lets go of it. All that is not said to be constant is guarded by it. Private to stardust/socket.
 */
#ifndef STARDUST_SOCKET_INET_H
#define STARDUST_SOCKET_INET_H

#include <netinet/in.h>

#include <xenlib/platform.h>

#include "../posix/readiness.h"
#include "../posix/socket.h"
#include "lwip/ip_addr.h"

/* An address and a port, in host byte order. A type of IPADDR_TYPE_ANY stands for both families' wildcard. */
struct sd_end {
    ip_addr_t address;
    uint16_t port;
};

struct sd_inet {
    struct sd_socket socket;
    struct sd_readiness readiness;
    struct xen_waitq queue;
    struct xen_lock lock; /* guards `changes`, which counts what a waiting thread may want to know */
    unsigned changes;

    struct sd_end local, peer; /* as far as they are known */
    bool has_peer, no_more_in, no_more_out;
    int error; /* SO_ERROR, an errno */

    /* Options. */
    bool v6_only, reuse_address, reuse_port, keep_alive, broadcast, gives_info, gives_tos, gives_ttl;
    bool lingers;
    uint8_t tos, ttl; /* 0: the default */
    unsigned linger;  /* seconds */
    int receive_bytes, send_bytes;
    int receive_least; /* SO_RCVLOWAT: of TCP alone it has an effect */
};

/* Linux's defaults for SO_RCVBUF and SO_SNDBUF. */
#define SD_INET_BYTES 212992

static inline struct sd_inet *sd_inet_of(struct sd_socket *socket)
{
    return xen_container_of(socket, struct sd_inet, socket);
}

static inline struct sd_inet *sd_inet_of_file(struct sd_file *file)
{
    return xen_container_of(file, struct sd_inet, socket.file);
}

/* Fills in a zeroed socket, with one reference. */
void sd_inet_init(struct sd_inet *inet, const struct sd_file_ops *file_ops, const struct sd_socket_ops *ops,
                  int family, int type, int protocol);

/* Something of POLL* may have changed: wakes who waits here, and tells who watches. */
void sd_inet_tell(struct sd_inet *inet, unsigned events);

/* Waits for that, without the network's lock. 0; -EAGAIN for MSG_DONTWAIT and at the deadline, -SD_RESTART.
 */
long sd_inet_wait(struct sd_inet *inet, int flags, uint64_t deadline);

/* The error that is told once: 0 or negative. */
int sd_inet_take_error(struct sd_inet *inet);

/* lwIP's err_t as a negative errno. */
int sd_inet_error(int error);

struct sd_readiness *sd_inet_readiness(struct sd_file *file);

/* Of struct sd_socket_ops: the name, for both protocols. */
long sd_inet_name(struct sd_socket *socket, bool peer, void *address, unsigned *bytes);

/* ---- inet_address.c ---- */

/*
 * A program's address for this socket: 0; -EINVAL when it is too short or names no link for a link-local
 * address, -EAFNOSUPPORT for another family's.
 */
int sd_end_take(const struct sd_inet *inet, const void *address, unsigned bytes, struct sd_end *end);

/* As the program knows it; the bytes. */
unsigned sd_end_give(const struct sd_inet *inet, const struct sd_end *end, void *address);

/* A wildcard address of the socket's family. */
void sd_end_any(const struct sd_inet *inet, struct sd_end *end);

bool sd_end_is_any(const struct sd_end *end);
bool sd_end_is_loopback(const struct sd_end *end);

/* Whether an address is one of the guest's own, or a wildcard. */
bool sd_end_is_own(const struct sd_end *end);

/* Whether there is an address that both stand for; ports are not looked at. */
bool sd_end_overlaps(const ip_addr_t *a, const ip_addr_t *b);

/* The address that packets to `to` are sent from: 0 or -ENETUNREACH. */
int sd_end_route(const struct sd_end *from, const ip_addr_t *to, ip_addr_t *own);

/* ---- tcp.c, udp.c: a new socket, or NULL ---- */

struct sd_inet *sd_tcp_open(int family);
struct sd_inet *sd_udp_open(int family);

/* ---- inet_option.c ---- */

/* What both protocols have in common; -ENOPROTOOPT for the rest. Under the network's lock. */
long sd_inet_get_option(struct sd_inet *inet, int level, int option, void *value, unsigned *bytes);
long sd_inet_set_option(struct sd_inet *inet, int level, int option, const void *value, unsigned bytes);

#endif
