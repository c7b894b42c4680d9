#include "random.h"

#include <string.h>

#include <xenlib/time.h>

#include "x86_64/entropy.h"

static struct sd_net_key secret;
static uint64_t drawn;

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void rounds(struct state *s, int count)
{
    while (count--) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void take(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

uint64_t sd_net_siphash(struct sd_net_key key, const void *data, size_t bytes)
{
    struct state s = {
        .v0 = key.k0 ^ 0x736f6d6570736575,
        .v1 = key.k1 ^ 0x646f72616e646f6d,
        .v2 = key.k0 ^ 0x6c7967656e657261,
        .v3 = key.k1 ^ 0x7465646279746573,
    };
    const unsigned char *at = data;
    size_t left = bytes;
    uint64_t word;

    for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
        memcpy(&word, at, sizeof word);
        take(&s, word);
    }
    word = 0;
    memcpy(&word, at, left);
    take(&s, word | (uint64_t)bytes << 56);
    s.v2 ^= 0xff;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t sd_net_hash(const void *data, size_t bytes)
{
    return sd_net_siphash(secret, data, bytes);
}

/* Both halves of the key depend on all of the old key and of the data. */
void sd_net_random_add(const void *data, size_t bytes)
{
    uint64_t first = sd_net_hash(data, bytes);
    struct sd_net_key other = {secret.k1 ^ first, ~secret.k0};

    secret.k1 = sd_net_siphash(other, data, bytes);
    secret.k0 = first;
}

void sd_net_random_init(void)
{
    struct xen_wall_time wall = xen_time_wall();
    bool has_random = sd_cpu_has_random();

    /* Eight turns: the counter's low bits differ a little each time, and the CPU's generator gives 512 bits.
     */
    for (int turn = 0; turn < 8; turn++) {
        uint64_t sources[] = {
            has_random ? sd_cpu_random() : 0,
            sd_cpu_ticks(),
            xen_time_now(),
            wall.seconds,
            wall.nanoseconds,
            (uintptr_t)&sources,
        };

        sd_net_random_add(sources, sizeof sources);
    }
}

uint32_t sd_net_random(void)
{
    drawn++;
    return (uint32_t)sd_net_hash(&drawn, sizeof drawn);
}
