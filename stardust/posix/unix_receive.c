#define _GNU_SOURCE
#include "unix.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "rights.h"

static struct sd_packet *first_of(const struct sd_unix *end)
{
    return xen_list_is_empty(&end->packets) ? NULL
                                            : xen_container_of(end->packets.next, struct sd_packet, link);
}

/* Waits for a packet. NULL with 0 for the end of what there will be, or an errno. The lock is held. */
static struct sd_packet *wait_for_packet(struct sd_unix *end, int flags, uint64_t deadline, long *result)
{
    *result = 0;
    for (;;) {
        if (first_of(end))
            return first_of(end);
        if (end->error) {
            *result = sd_unix_take_error(end);
            return NULL;
        }
        if (end->no_more_in)
            return NULL;
        if (!sd_unix_is_datagram(end) && !end->is_connected) {
            *result = sd_unix_is_stream(end) ? -EINVAL : -ENOTCONN;
            return NULL;
        }
        *result = sd_unix_wait(&end->readable, flags, deadline);
        if (*result)
            return NULL;
    }
}

/* It is off the queue; who sends has room again. */
static void finish(struct sd_unix *end, struct sd_packet *packet)
{
    xen_list_remove(&packet->link);
    end->queued -= sd_packet_cost(packet);
    sd_unix_tell_room(end);
}

/* Who sent it; nothing where he has no name. */
static void tell_name(const struct sd_packet *packet, struct sd_message *message)
{
    if (!message->name_room)
        return;
    message->name_bytes = packet->from ? packet->from->bytes : 0;
    if (packet->from)
        memcpy(message->name_room, &packet->from->address, packet->from->bytes);
}

/* One packet, whole. The lock is held. */
static long receive_packet(struct sd_unix *end, struct sd_message *message, struct sd_packet **done)
{
    long result;
    struct sd_packet *packet =
        wait_for_packet(end, message->flags, sd_socket_deadline(end->socket.receive_ns), &result);
    int asked = message->flags;
    size_t bytes;

    message->flags &= MSG_CMSG_CLOEXEC;
    if (!packet) {
        message->control_bytes = 0;
        return result;
    }
    bytes = packet->end < message->bytes ? packet->end : message->bytes;
    if (sd_message_out(message, packet->data, bytes))
        return -EFAULT;
    tell_name(packet, message);
    if (bytes < packet->end)
        message->flags |= MSG_TRUNC;
    if (end->socket.type == SOCK_SEQPACKET)
        message->flags |= MSG_EOR;
    sd_rights_give(packet->rights, message);
    result = (long)(asked & MSG_TRUNC ? packet->end : bytes);
    if (!(asked & MSG_PEEK)) {
        finish(end, packet);
        *done = packet;
    }
    return result;
}

/* Bytes of a stream, from one packet after the other, but not beyond what came with files, which are
 * left in *done_with. The lock is held. */
static long receive_stream(struct sd_unix *end, struct sd_message *message, struct sd_rights **done_with)
{
    uint64_t deadline = sd_socket_deadline(end->socket.receive_ns);
    struct sd_rights *rights = NULL;
    int asked = message->flags;
    long done = 0, result = 0;

    while (message->bytes && !rights) {
        bool waits = !done || (asked & MSG_WAITALL && !(asked & MSG_PEEK));
        struct sd_packet *packet = waits ? wait_for_packet(end, asked, deadline, &result) : first_of(end);
        size_t bytes;

        if (!packet || (done && packet->rights))
            break;
        bytes = packet->end - packet->first;
        bytes = bytes < message->bytes ? bytes : message->bytes;
        result = sd_message_out(message, packet->data + packet->first, bytes);
        if (result)
            break;
        if (!done)
            tell_name(packet, message);
        done += (long)bytes;
        rights = packet->rights;
        if (asked & MSG_PEEK) {
            /* Once more from the same place would be the same bytes. */
            message->flags = asked & MSG_CMSG_CLOEXEC;
            sd_rights_give(rights, message);
            return done;
        }
        packet->first += bytes;
        packet->rights = NULL;
        if (packet->first == packet->end) {
            finish(end, packet);
            sd_packet_drop(packet);
        }
    }
    message->flags = asked & MSG_CMSG_CLOEXEC;
    sd_rights_give(rights, message);
    *done_with = rights;
    return done ? done : result;
}

long sd_unix_recvmsg(struct sd_socket *socket, struct sd_message *message)
{
    struct sd_unix *end = sd_unix_of(socket);
    struct sd_packet *packet = NULL;
    struct sd_rights *rights = NULL;
    long result;

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    xen_platform_lock(&sd_unix_lock);
    result = sd_unix_is_stream(end) ? receive_stream(end, message, &rights)
                                    : receive_packet(end, message, &packet);
    xen_platform_unlock(&sd_unix_lock);
    /* Closing one of the files may lead back here. */
    sd_rights_drop(rights);
    if (packet)
        sd_packet_drop(packet);
    message->flags &= ~MSG_CMSG_CLOEXEC;
    return result;
}
