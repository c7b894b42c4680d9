/*
 * lwIP's view of compiler and kernel (lwip/arch.h).
 */
#ifndef STARDUST_NET_PORT_ARCH_CC_H
#define STARDUST_NET_PORT_ARCH_CC_H

#include <stddef.h>
#include <stdint.h>

#include <xenlib/platform.h>

#ifndef BYTE_ORDER
#define LITTLE_ENDIAN 1234
#define BIG_ENDIAN    4321
#define BYTE_ORDER    LITTLE_ENDIAN
#endif

/* An instruction each, and no call: every header of every segment asks for a dozen. */
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_UNISTD_H   1
#define LWIP_NO_LIMITS_H   1
#define LWIP_NO_CTYPE_H    1
#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
typedef long lwip_ssize_t;
#define ssize_t lwip_ssize_t
#endif

/* An invariant of lwIP's is broken. The backtrace of the report tells the file, so no text is kept. */
#define LWIP_PLATFORM_ASSERT(text) xen_platform_panic("lwIP: the assertion in line %d failed", __LINE__)
#define LWIP_PLATFORM_DIAG(text)   ((void)0)

/* Unpredictable to outsiders. */
uint32_t sd_net_random(void);
#define LWIP_RAND() sd_net_random()

/* The Internet checksum (RFC 1071), not complemented, in network byte order. */
uint16_t sd_net_checksum(const void *data, int bytes);
#define LWIP_CHKSUM sd_net_checksum

#endif
