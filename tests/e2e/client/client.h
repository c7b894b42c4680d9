/* Parts of the client: its modes, and what they share. */
#ifndef E2E_CLIENT_H
#define E2E_CLIENT_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Says what is wrong on standard output, where the test finds it, and ends with status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same bytes for the same seed, from any offset that is a multiple of 8. */
void fill(uint8_t *bytes, size_t count, uint64_t seed, uint64_t offset);
/* Fails with the offset of the first byte that is not what fill() makes; `offset` may be any. */
void check(const uint8_t *bytes, size_t count, uint64_t seed, uint64_t offset);

struct peer {
    struct sockaddr_storage address;
    socklen_t length;
};

/* `host` is an IPv4 or IPv6 address, the latter with %INTERFACE where it is link-local. */
struct peer parse_peer(const char *host, const char *port);
/* A connected TCP socket with send and receive buffers of `buffers` bytes, or 0 for the system's. */
int connect_to(const struct peer *peer, int buffers);
void set_buffers(int fd, int bytes);
void write_all(int fd, const uint8_t *bytes, size_t count);
/* Returns what there is, `count` bytes or fewer if the peer finishes before. */
size_t read_all(int fd, uint8_t *bytes, size_t count);
void expect_end(int fd);

/* The modes (see client.c), with the words after the port. */
void mode_stream(const struct peer *peer, char **words);
void mode_serial(const struct peer *peer, char **words);
void mode_parallel(const struct peer *peer, char **words);
void mode_half_close(const struct peer *peer, char **words);
void mode_stall(const struct peer *peer, char **words);
void mode_trickle(const struct peer *peer, char **words);
void mode_flood(const struct peer *peer, char **words);
void mode_reset(const struct peer *peer, char **words);
void mode_crowd(const struct peer *peer, char **words);
void mode_udp(const struct peer *peer, char **words);
_Noreturn void mode_names(const struct peer *peer, char **words);

#endif
