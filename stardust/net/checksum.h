/*
 * The Internet checksum (RFC 1071).
 */
#ifndef STARDUST_NET_CHECKSUM_H
#define STARDUST_NET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The one's complement sum of 16-bit words as they lie in memory, the last byte padded with 0; not
 * complemented. Any alignment.
 */
uint16_t sd_net_checksum(const void *data, int bytes);

/* Two such sums added, when the first covers an even number of bytes. */
static inline uint16_t sd_net_checksum_add(uint16_t a, uint16_t b)
{
    uint32_t sum = (uint32_t)a + b;

    return (uint16_t)(sum + (sum >> 16));
}

#endif
