/* Control data that a program sends with a message (cmsg(3)). Private to stardust/socket. */
#ifndef STARDUST_SOCKET_MESSAGE_CONTROL_H
#define STARDUST_SOCKET_MESSAGE_CONTROL_H

#include "inet.h"

/* What holds for one datagram. */
struct sd_control {
    bool has_source;
    ip_addr_t source;
    unsigned interface; /* to send by; 0: as routed */
    int tos, ttl;       /* -1: the socket's */
};

/*
 * As Linux: of a datagram of IPv4, or of IPv6. 0; -EINVAL for what is malformed or unknown of these levels;
 * for an address that is not the guest's -ENETUNREACH of IPv4, -EINVAL of IPv6; for an interface that is not
 * there -ENODEV; -EFAULT.
 */
int sd_control_take(const struct sd_inet *inet, const struct sd_message *message, bool is_v6,
                    struct sd_control *control);

/* Of a stream, which heeds none: the same for what is malformed, or unknown of SOL_SOCKET. */
int sd_control_check(const struct sd_message *message);

#endif
