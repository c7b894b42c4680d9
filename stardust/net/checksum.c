#include "checksum.h"

#include <string.h>

/* With the carry that comes out added in again. */
static uint64_t add_around(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

static uint64_t last_bytes(const unsigned char *at, size_t left)
{
    uint64_t word = left & 1 ? at[left - 1] : 0;
    uint16_t first;

    if (left < 2)
        return word;
    memcpy(&first, at, sizeof first);
    return word << 16 | first;
}

/* Words of 64 bits give the same sum as words of 16, once folded: 2^16 and 2^64 are both 1 modulo 2^16 - 1.
 */
uint16_t sd_net_checksum(const void *data, int bytes)
{
    const unsigned char *at = data;
    size_t left = bytes > 0 ? (size_t)bytes : 0;
    uint64_t sum = 0, word;

    for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
        memcpy(&word, at, sizeof word);
        sum = add_around(sum, word);
    }
    /* A constant number of bytes is no call. */
    word = 0;
    if (left & 4) {
        memcpy(&word, at, 4);
        at += 4;
    }
    sum = add_around(sum, word);
    return fold(add_around(sum, last_bytes(at, left & 3)));
}
