/* Options that TCP and UDP have in common. */
#define _GNU_SOURCE
#include "inet.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#define BYTES_LEAST  2304 /* Linux's SOCK_MIN_RCVBUF */
#define BYTES_MOST   (1 << 20)
#define IP_TTL_USUAL 64

/* Where a yes or no is kept. */
static bool *switch_of(struct sd_inet *inet, int level, int option)
{
    if (level == SOL_IPV6 && option == IPV6_V6ONLY)
        return &inet->v6_only;
    if (level == SOL_IPV6 || level == SOL_IP) {
        if (option == (level == SOL_IP ? IP_PKTINFO : IPV6_RECVPKTINFO))
            return &inet->gives_info;
        if (option == (level == SOL_IP ? IP_RECVTTL : IPV6_RECVHOPLIMIT))
            return &inet->gives_ttl;
        return option == (level == SOL_IP ? IP_RECVTOS : IPV6_RECVTCLASS) ? &inet->gives_tos : NULL;
    }
    if (level != SOL_SOCKET)
        return NULL;
    switch (option) {
    case SO_REUSEADDR:
        return &inet->reuse_address;
    case SO_REUSEPORT:
        return &inet->reuse_port;
    case SO_KEEPALIVE:
        return &inet->keep_alive;
    case SO_BROADCAST:
        return &inet->broadcast;
    default:
        return NULL;
    }
}

static long get_socket_option(struct sd_inet *inet, int option, void *value, unsigned *bytes)
{
    /* Clang's analyzer takes what switch_of gives for a reason that this may be NULL.
     * NOLINTNEXTLINE(clang-analyzer-core.*) */
    struct linger linger = {.l_onoff = inet->lingers, .l_linger = (int)inet->linger};
    int *number = value;

    switch (option) {
    case SO_ERROR:
        *number = -sd_inet_take_error(inet);
        return 0;
    case SO_LINGER:
        memcpy(value, &linger, sizeof(linger));
        *bytes = sizeof(linger);
        return 0;
    case SO_RCVBUF:
        *number = inet->receive_bytes;
        return 0;
    case SO_SNDBUF:
        *number = inet->send_bytes;
        return 0;
    case SO_RCVLOWAT:
        *number = inet->receive_least;
        return 0;
    case SO_ACCEPTCONN:
    case SO_OOBINLINE:
    case SO_PRIORITY:
    case SO_MARK:
    case SO_DONTROUTE:
    case SO_TIMESTAMP:
        *number = 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static long get_ip_option(const struct sd_inet *inet, int level, int option, int *number)
{
    if ((level == SOL_IP && option == IP_TOS) || (level == SOL_IPV6 && option == IPV6_TCLASS))
        *number = inet->tos;
    else if ((level == SOL_IP && option == IP_TTL) || (level == SOL_IPV6 && option == IPV6_UNICAST_HOPS))
        *number = inet->ttl ? inet->ttl : IP_TTL_USUAL;
    else if ((level == SOL_IP && option == IP_MTU_DISCOVER) ||
             (level == SOL_IPV6 && option == IPV6_MTU_DISCOVER))
        *number = IP_PMTUDISC_WANT;
    else
        return -ENOPROTOOPT;
    return 0;
}

long sd_inet_get_option(struct sd_inet *inet, int level, int option, void *value, unsigned *bytes)
{
    const bool *is_on = switch_of(inet, level, option);
    int *number = value;

    if (level == SOL_IPV6 && inet->socket.family != AF_INET6)
        return -EOPNOTSUPP;
    *bytes = sizeof(*number);
    if (is_on) {
        *number = *is_on;
        return 0;
    }
    if (level == SOL_SOCKET)
        return get_socket_option(inet, option, value, bytes);
    if (level == SOL_IP || level == SOL_IPV6)
        return get_ip_option(inet, level, option, number);
    return -EOPNOTSUPP;
}

/* As Linux: twice what is asked for, for what is kept besides; within limits. */
static int clamp_bytes(int wanted)
{
    if (wanted < 0 || wanted > BYTES_MOST / 2)
        return BYTES_MOST;
    return 2 * wanted < BYTES_LEAST ? BYTES_LEAST : 2 * wanted;
}

static long set_socket_option(struct sd_inet *inet, int option, const void *value, unsigned bytes)
{
    struct linger linger;
    int number;

    memcpy(&number, value, sizeof(number));
    switch (option) {
    case SO_LINGER:
        if (bytes < sizeof(linger))
            return -EINVAL;
        memcpy(&linger, value, sizeof(linger));
        inet->lingers = linger.l_onoff;
        inet->linger = (unsigned)linger.l_linger;
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        inet->receive_bytes = clamp_bytes(number);
        return 0;
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        inet->send_bytes = clamp_bytes(number);
        return 0;
    case SO_RCVLOWAT:
        inet->receive_least = number < 0 ? INT_MAX : number ? number : 1;
        return 0;
    case SO_OOBINLINE:
    case SO_PRIORITY:
    case SO_DONTROUTE:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static long set_ip_option(struct sd_inet *inet, int level, int option, int number)
{
    bool is_v6 = level == SOL_IPV6;

    if (option == (is_v6 ? IPV6_TCLASS : IP_TOS)) {
        if (is_v6 && (number < -1 || number > 255))
            return -EINVAL;
        inet->tos = (uint8_t)(number < 0 ? 0 : number);
        return 0;
    }
    if (option == (is_v6 ? IPV6_UNICAST_HOPS : IP_TTL)) {
        if (number < -1 || number > 255 || !number)
            return -EINVAL;
        inet->ttl = (uint8_t)(number < 0 ? 0 : number);
        return 0;
    }
    if (option == (is_v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER))
        return 0;
    return -ENOPROTOOPT;
}

long sd_inet_set_option(struct sd_inet *inet, int level, int option, const void *value, unsigned bytes)
{
    bool *is_on = switch_of(inet, level, option);
    int number = 0;

    if (level == SOL_IPV6 && inet->socket.family != AF_INET6)
        return -ENOPROTOOPT;
    /* IP's take a byte as well. */
    if (level == SOL_IP && bytes && bytes < sizeof(number))
        number = *(const uint8_t *)value;
    else if (bytes < sizeof(number))
        return -EINVAL;
    else
        memcpy(&number, value, sizeof(number));
    if (is_on) {
        *is_on = number;
        return 0;
    }
    if (level == SOL_SOCKET)
        return set_socket_option(inet, option, value, bytes);
    if (level == SOL_IP || level == SOL_IPV6)
        return set_ip_option(inet, level, option, number);
    return -ENOPROTOOPT;
}
