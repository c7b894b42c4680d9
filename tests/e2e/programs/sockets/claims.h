/* The claims of this program; what they stand on is tests/e2e/claims.h. */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "../../claims.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* Each ends with an entry without a name. */
extern const struct claim stream_claims[], connect_claims[], datagram_claims[], control_claims[],
    ready_claims[], option_claims[], ending_claims[], server_claims[], sendfile_claims[], unix_claims[],
    exhaust_claims[];

/* Where nothing is; the compiler does not know. */
extern char *volatile bad;

/* 300,000 bytes, all but periodic. */
extern char data[300000], back[300000];

/* What poll says of one descriptor, at once, or as soon as it is one of `events`. */
int ready(int fd, int events);
int await(int fd, int events);

/* The loopback address of a family, with a port. */
struct name {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t bytes;
};
struct name here(int family, int port);
struct name name_of(int fd);
struct name peer_of(int fd);
int port_of(struct name name);
bool same(struct name a, struct name b);

/* A socket that listens at the loopback address, on a port that nobody else has. */
int listen_here(int family, int flags);

/* Two that are connected over TCP: [0] did connect, [1] was accepted. */
void connect_pair(int family, int fds[2]);

/* All bytes, or as many as come before the end. */
ssize_t read_all(int fd, void *to, size_t bytes);
ssize_t write_all(int fd, const void *from, size_t bytes);

int get(int fd, int level, int option);
int set(int fd, int level, int option, int value);

#endif
