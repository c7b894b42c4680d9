/*
 * Numbers that an outsider cannot predict: for sequence numbers, ports and transaction ids. Thread context.
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012) under a secret key, over a counter. The key is gathered once
 * from the CPU's generator where there is one, and from what differs between starts: time-stamp counter,
 * system time, wall clock. The key is not better than that: this is not for long-lived secrets.
 */
#ifndef STARDUST_NET_RANDOM_H
#define STARDUST_NET_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct sd_net_key {
    uint64_t k0, k1;
};

/* Gathers the secret key. Once, before the others. */
void sd_net_random_init(void);

/* Adds what the caller knows (a MAC address) to the key. */
void sd_net_random_add(const void *data, size_t bytes);

uint32_t sd_net_random(void);

/* A keyed hash of `data` under the secret key. */
uint64_t sd_net_hash(const void *data, size_t bytes);

/* SipHash-2-4, for the above and for its test. */
uint64_t sd_net_siphash(struct sd_net_key key, const void *data, size_t bytes);

#endif
