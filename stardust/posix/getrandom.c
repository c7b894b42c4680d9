/*
 * Random numbers: ChaCha20 under a key that is replaced by the stream's own beginning at every request, so
 * that what was given out cannot be computed again.
 *
 * The key is gathered at the first request: from the CPU's generator, and from the time-stamp counter around
 * hypercalls, whose duration nobody foresees; from the latter alone, much more of it. That is the seeding for
 * which callers wait, so that GRND_NONBLOCK has nothing to refuse. When a program first asks, the CPU's
 * source of noise and what the toolstack has left in xenstore are stirred in; not for the start's own needs,
 * which shall not cost that.
 */
#include "sys.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <xenlib/sched.h>
#include <xenlib/store.h>
#include <xenlib/time.h>

#include "../net/x86_64/entropy.h"
#include "chacha.h"
#include "copy.h"

#define TURNS        16
#define TURNS_ALONE  1024
#define REQUEST_MAX  0x1fffffful /* Linux's for one call */
#define OUTPUT_BYTES 256
#define GIVEN_KEY    "data/stardust/seed"
#define GIVEN_BYTES  256

static uint32_t key[8];
static bool seeded;

/* The key becomes one that depends on all of it and on the words. */
static void stir(const uint32_t words[8])
{
    static const uint32_t nonce[3] = {0x64656573};
    uint32_t block[16];

    for (int i = 0; i < 8; i++)
        key[i] ^= words[i];
    sd_chacha20(key, 0, nonce, block);
    memcpy(key, block, sizeof(key));
}

static void seed(void)
{
    bool has_random = sd_cpu_has_random();
    struct xen_wall_time wall = xen_time_wall();

    for (int turn = has_random ? TURNS : TURNS_ALONE; turn--;) {
        uint64_t words[4] = {
            has_random ? sd_cpu_random() : wall.seconds,
            has_random ? sd_cpu_random() : wall.nanoseconds,
            xen_time_now(),
            0,
        };
        uint32_t halves[8];

        xen_sched_yield();
        words[3] = sd_cpu_ticks();
        memcpy(halves, words, sizeof(halves));
        stir(halves);
    }
    seeded = true;
}

void sd_random(void *buffer, size_t bytes)
{
    static const uint32_t nonce[3];
    unsigned char *to = buffer;
    uint32_t block[16], next[8];

    if (!seeded)
        seed();
    sd_chacha20(key, 0, nonce, block);
    memcpy(next, block, sizeof(next));
    for (uint32_t number = 1; bytes; number++) {
        size_t now = bytes < sizeof(block) ? bytes : sizeof(block);

        sd_chacha20(key, number, nonce, block);
        memcpy(to, block, now);
        to += now;
        bytes -= now;
    }
    memcpy(key, next, sizeof(key));
}

/* Straight from the CPU's source of noise. */
static void stir_in_noise(void)
{
    uint64_t noise[4];
    uint32_t words[8];

    if (!sd_cpu_has_seed())
        return;
    for (int i = 0; i < 4; i++)
        noise[i] = sd_cpu_seed();
    memcpy(words, noise, sizeof(words));
    stir(words);
}

/* From then on nobody can read it any more. That there is none, or no more than a part of it, is no error. */
static void stir_in_given(void)
{
    char given[GIVEN_BYTES + 1] = {0};
    uint32_t words[8];

    if (xen_store_read(XEN_STORE_NONE, GIVEN_KEY, given, sizeof(given), NULL))
        return;
    for (size_t at = 0; at < GIVEN_BYTES; at += sizeof(words)) {
        memcpy(words, given + at, sizeof(words));
        stir(words);
    }
    if (xen_store_remove(XEN_STORE_NONE, GIVEN_KEY)) {
        /* The toolstack keeps it for itself: it is stirred in all the same. */
    }
}

void sd_random_for_program(void *buffer, size_t bytes)
{
    static bool is_stirred;

    if (!is_stirred) {
        is_stirred = true;
        if (!seeded)
            seed();
        stir_in_noise();
        stir_in_given();
    }
    sd_random(buffer, bytes);
}

long sd_sys_getrandom(void *buffer, size_t bytes, unsigned flags)
{
    char *to = buffer;

    if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if (bytes > REQUEST_MAX)
        bytes = REQUEST_MAX;
    for (size_t done = 0; done < bytes;) {
        size_t now = bytes - done < OUTPUT_BYTES ? bytes - done : OUTPUT_BYTES;
        unsigned char output[OUTPUT_BYTES];

        sd_random_for_program(output, now);
        if (sd_copy_out(to + done, output, now))
            return done ? (long)done : -EFAULT;
        done += now;
    }
    return (long)bytes;
}
