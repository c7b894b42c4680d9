#define _GNU_SOURCE
#include "message_control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "../posix/copy.h"
#include "lwip/netif.h"
#include "lwip/udp.h"

#define ALIGN(bytes) (((bytes) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))
#define DATA_MAX     64 /* more than is known of any */

/* One piece, copied: the kernel's, as far as it can mean something. */
struct piece {
    int level, type;
    size_t bytes; /* of the data */
    union {
        int number;
        uint8_t byte;
        struct in_pktinfo v4;
        struct in6_pktinfo v6;
        uint8_t data[DATA_MAX];
    };
};

/* The next piece at *at, which moves on: 1, 0 at the end, -EINVAL, -EFAULT. */
static int next_piece(const struct sd_message *message, size_t *at, struct piece *piece)
{
    size_t left = message->control_bytes > *at ? message->control_bytes - *at : 0, copied;
    const char *from = (const char *)message->control + *at;
    struct cmsghdr header;

    if (left < sizeof(header))
        return 0;
    if (sd_copy_in(&header, from, sizeof(header)))
        return -EFAULT;
    if (header.cmsg_len < sizeof(header) || header.cmsg_len > left)
        return -EINVAL;
    memset(piece, 0, sizeof(*piece));
    piece->level = header.cmsg_level;
    piece->type = header.cmsg_type;
    piece->bytes = header.cmsg_len - sizeof(header);
    copied = piece->bytes < DATA_MAX ? piece->bytes : DATA_MAX;
    if (sd_copy_in(piece->data, from + sizeof(header), copied))
        return -EFAULT;
    *at += ALIGN((size_t)header.cmsg_len);
    return 1;
}

/* SOL_SOCKET's: descriptors and credentials are of Unix sockets alone, and nobody minds. */
static int check_socket(const struct piece *piece)
{
    return piece->type == SCM_RIGHTS || piece->type == SCM_CREDENTIALS ? 0 : -EINVAL;
}

/* A number of `least` to `most`, -1 for the usual if that is allowed. */
static int take_number(const struct piece *piece, int least, int most, int *number)
{
    if (piece->bytes != sizeof(int) || piece->number < least || piece->number > most)
        return -EINVAL;
    *number = piece->number;
    return 0;
}

static int take_interface(unsigned interface, struct sd_control *control)
{
    if (interface && (interface > UINT8_MAX || !netif_get_by_index((uint8_t)interface)))
        return -ENODEV;
    if (interface)
        control->interface = interface;
    return 0;
}

static int take_source(const struct sd_end *source, struct sd_control *control)
{
    if (sd_end_is_any(source))
        return 0;
    if (ip_addr_ismulticast(&source->address))
        return -EINVAL;
    if (!sd_end_is_own(source))
        return IP_IS_V4_VAL(source->address) ? -ENETUNREACH : -EINVAL;
    control->has_source = true;
    ip_addr_copy(control->source, source->address);
    return 0;
}

static int take_info4(uint32_t address, unsigned interface, struct sd_control *control)
{
    struct sd_end source = {.port = 0};
    int error = take_interface(interface, control);

    ip_addr_set_ip4_u32_val(source.address, address);
    return error ? error : take_source(&source, control);
}

static int take_info6(const struct in6_pktinfo *info, struct sd_control *control)
{
    struct sd_end source = {.port = 0};
    ip6_addr_t *address = ip_2_ip6(&source.address);
    int error = take_interface(info->ipi6_ifindex, control);

    IP_SET_TYPE_VAL(source.address, IPADDR_TYPE_V6);
    memcpy(address->addr, info->ipi6_addr.s6_addr, sizeof(address->addr));
    if (!error && ip6_addr_islinklocal(address)) {
        if (!info->ipi6_ifindex)
            return -EINVAL;
        ip6_addr_set_zone(address, (uint8_t)info->ipi6_ifindex);
    }
    return error ? error : take_source(&source, control);
}

static int take4(const struct piece *piece, struct sd_control *control)
{
    switch (piece->type) {
    case IP_PKTINFO:
        if (piece->bytes != sizeof(piece->v4))
            return -EINVAL;
        return take_info4(piece->v4.ipi_spec_dst.s_addr, (unsigned)piece->v4.ipi_ifindex, control);
    case IP_TTL:
        return take_number(piece, 1, 255, &control->ttl);
    case IP_TOS:
        if (piece->bytes != sizeof(piece->byte))
            return take_number(piece, 0, 255, &control->tos);
        control->tos = piece->byte;
        return 0;
    default:
        return -EINVAL;
    }
}

static int take6(const struct piece *piece, struct sd_control *control)
{
    int number;

    switch (piece->type) {
    case IPV6_PKTINFO:
        return piece->bytes < sizeof(piece->v6) ? -EINVAL : take_info6(&piece->v6, control);
    case IPV6_HOPLIMIT:
        return take_number(piece, -1, 255, &control->ttl);
    case IPV6_TCLASS:
        return take_number(piece, -1, 255, &control->tos);
    case IPV6_DONTFRAG: /* as the option: fragments are what there is */
        return take_number(piece, 0, 1, &number);
    default:
        return -EINVAL;
    }
}

/* Also from a socket of IPv6 to an address of IPv4. */
static int take_mapped(const struct piece *piece, struct sd_control *control)
{
    struct in6_addr mapped = piece->v6.ipi6_addr;
    uint32_t address;

    if (piece->bytes < sizeof(piece->v6) || !IN6_IS_ADDR_V4MAPPED(&mapped))
        return -EINVAL;
    memcpy(&address, mapped.s6_addr + 12, sizeof(address));
    return take_info4(address, piece->v6.ipi6_ifindex, control);
}

int sd_control_take(const struct sd_inet *inet, const struct sd_message *message, bool is_v6,
                    struct sd_control *control)
{
    struct piece piece;
    size_t at = 0;
    int result;

    *control = (struct sd_control){.tos = -1, .ttl = -1};
    while ((result = next_piece(message, &at, &piece)) > 0) {
        int error = 0;

        if (piece.level == SOL_SOCKET)
            error = check_socket(&piece);
        else if (piece.level == IPPROTO_UDP)
            error = -EINVAL; /* segments, of which none are made here */
        else if (piece.level == SOL_IPV6 && is_v6)
            error = take6(&piece, control);
        else if (piece.level == SOL_IPV6 && piece.type == IPV6_PKTINFO && inet->socket.family == AF_INET6)
            error = take_mapped(&piece, control);
        else if (piece.level == SOL_IP && !is_v6)
            error = take4(&piece, control);
        if (error)
            return error;
    }
    return result;
}

int sd_control_check(const struct sd_message *message)
{
    struct piece piece;
    size_t at = 0;
    int result;

    while ((result = next_piece(message, &at, &piece)) > 0) {
        if (piece.level == SOL_SOCKET && check_socket(&piece))
            return -EINVAL;
    }
    return result;
}
