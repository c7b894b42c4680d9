/* links: random.c */
#include "tap.h"

#include <stdint.h>
#include <string.h>

#include <xenlib/time.h>

#include "net/random.h"

uint64_t xen_time_now(void)
{
    return 12345;
}

struct xen_wall_time xen_time_wall(void)
{
    return (struct xen_wall_time){1700000000, 42};
}

TEST(siphash_gives_its_authors_test_vectors)
{
    /* "SipHash: a fast short-input PRF", appendix A, and vectors.h of the reference implementation: the key
     * is 00 01 … 0f, the input 00 01 … of each length. */
    static const struct {
        size_t length;
        uint64_t hash;
    } cases[] = {
        {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
        {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
    };
    const struct sd_net_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t input[16];

    for (uint8_t i = 0; i < sizeof input; i++)
        input[i] = i;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        TEST_CHECK(sd_net_siphash(key, input, cases[i].length) == cases[i].hash, "length %zu",
                   cases[i].length);
}

TEST(numbers_do_not_repeat_and_have_all_bits)
{
    uint32_t ones = 0, zeros = 0, equal = 0, last = 0;

    sd_net_random_init();
    for (int i = 0; i < 1000; i++) {
        uint32_t number = sd_net_random();

        ones |= number;
        zeros |= ~number;
        equal += number == last;
        last = number;
    }
    TEST_CHECK(ones == UINT32_MAX && zeros == UINT32_MAX);
    TEST_CHECK(equal == 0);
}

TEST(what_is_added_changes_the_secret)
{
    uint64_t before, after;

    sd_net_random_init();
    before = sd_net_hash("x", 1);
    TEST_CHECK(sd_net_hash("x", 1) == before);
    TEST_CHECK(sd_net_hash("y", 1) != before);
    sd_net_random_add("mac", 3);
    after = sd_net_hash("x", 1);
    TEST_CHECK(after != before);
    sd_net_random_add("mac", 3);
    TEST_CHECK(sd_net_hash("x", 1) != after && sd_net_hash("x", 1) != before);
}

TEST(two_starts_have_different_secrets)
{
    uint64_t first;

    sd_net_random_init();
    first = sd_net_hash("x", 1);
    sd_net_random_init();
    TEST_CHECK(sd_net_hash("x", 1) != first);
}

int main(void)
{
    return tap_run();
}
