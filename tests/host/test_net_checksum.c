/* links: checksum.c */
#include "tap.h"

#include <stdint.h>
#include <string.h>

#include "net/checksum.h"

/* As RFC 1071 writes it down: 16-bit words, carries folded in at the end. In memory's byte order. */
static uint16_t reference(const uint8_t *bytes, int count)
{
    uint64_t sum = 0;

    for (int i = 0; i < count; i++)
        sum += (uint64_t)bytes[i] << (8 * (i & 1));
    while (sum >> 16)
        sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

/* Both zeros of one's complement are the same number. */
static bool same(uint16_t a, uint16_t b)
{
    return a % 0xffff == b % 0xffff;
}

TEST(every_length_at_every_alignment_gives_the_sum_of_rfc_1071)
{
    static uint8_t bytes[2100];
    uint32_t state = 1;

    for (size_t i = 0; i < sizeof bytes; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 24);
    }
    for (int offset = 0; offset < 16; offset++) {
        for (int length = 0; length < 2080; length += length < 70 ? 1 : 67)
            TEST_REQUIRE(same(sd_net_checksum(bytes + offset, length), reference(bytes + offset, length)),
                         "offset %d length %d", offset, length);
    }
}

TEST(carries_out_of_64_bits_come_round)
{
    uint8_t bytes[65535];

    memset(bytes, 0xff, sizeof bytes);
    for (int length = 1; length <= (int)sizeof bytes; length = length * 2 + 1)
        TEST_CHECK(same(sd_net_checksum(bytes, length), reference(bytes, length)), "length %d", length);
}

TEST(a_header_with_its_checksum_sums_to_all_ones)
{
    /* The example of an IPv4 header that everybody uses, checksum b861. */
    static const uint8_t header[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                       0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

    TEST_CHECK(sd_net_checksum(header, sizeof header) == 0xffff);
}

TEST(sums_of_parts_add_up)
{
    static const uint8_t bytes[7] = {0xff, 0xfe, 0x80, 0x00, 0xff, 0xff, 0x01};

    for (int cut = 0; cut <= 6; cut += 2)
        TEST_CHECK(
            same(sd_net_checksum_add(sd_net_checksum(bytes, cut), sd_net_checksum(bytes + cut, 7 - cut)),
                 reference(bytes, 7)),
            "cut at %d", cut);
}

int main(void)
{
    return tap_run();
}
