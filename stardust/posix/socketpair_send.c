#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <poll.h>

#include <stardust/memory.h>

#include "rights.h"

#define STREAM_BYTES 4000 /* in a packet of a stream */

/* A new last packet for the peer, of which the room is paid. */
static struct sd_packet *add_packet(struct sd_pair_end *to, size_t room)
{
    struct sd_packet *packet = sd_alloc(sizeof(*packet) + room);

    if (!packet)
        return NULL;
    *packet = (struct sd_packet){.room = room};
    xen_list_insert(&to->packets, &packet->link);
    to->queued += sd_packet_cost(packet);
    return packet;
}

static void take_back(struct sd_pair_end *to, struct sd_packet *packet)
{
    xen_list_remove(&packet->link);
    to->queued -= sd_packet_cost(packet);
    sd_packet_drop(packet);
}

/* Why nothing can be sent at all; 0 when it can. The lock is held. */
static int why_not(struct sd_pair_end *end)
{
    if (end->error)
        return sd_pair_take_error(end);
    if (end->no_more_out)
        return -EPIPE;
    if (!end->peer->is_closed)
        return end->peer->no_more_in ? -EPIPE : 0;
    return end->socket.type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
}

/* A packet as it is, or as much of a stream as goes into one. The bytes or an errno. The lock is held. */
static long send_packet(struct sd_pair_end *end, struct sd_message *message, struct sd_rights **rights)
{
    struct sd_pair_end *to = end->peer;
    size_t bytes = message->bytes;
    struct sd_packet *packet = xen_container_of(to->packets.prev, struct sd_packet, link);

    /* What came with files is read apart from what follows. */
    if (!sd_pair_is_stream(end) || *rights || xen_list_is_empty(&to->packets) || packet->rights ||
        packet->end == packet->room) {
        size_t room = !sd_pair_is_stream(end) ? bytes : STREAM_BYTES;

        packet = add_packet(to, room);
        if (!packet)
            return -ENOBUFS;
    }
    if (bytes > packet->room - packet->end)
        bytes = packet->room - packet->end;
    if (sd_message_in(message, packet->data + packet->end, bytes)) {
        if (!packet->end)
            take_back(to, packet);
        return -EFAULT;
    }
    packet->end += bytes;
    if (*rights) {
        packet->rights = *rights;
        *rights = NULL;
    }
    sd_pair_tell(to, POLLIN);
    return (long)bytes;
}

static bool has_room(const struct sd_pair_end *end, size_t bytes)
{
    return end->peer->queued + (sd_pair_is_stream(end) ? 1 : bytes) <= SD_PAIR_ROOM;
}

/* The lock is held. */
static long send_all(struct sd_pair_end *end, struct sd_message *message, struct sd_rights **rights)
{
    uint64_t deadline = sd_socket_deadline(end->socket.send_ns);
    long done = 0, result = 0;

    do {
        result = why_not(end);
        while (!result && !has_room(end, message->bytes)) {
            result = sd_pair_wait(end, &end->writable, message->flags, deadline);
            if (!result)
                result = why_not(end);
        }
        if (!result)
            result = send_packet(end, message, rights);
        if (result < 0)
            break;
        done += result;
    } while (sd_pair_is_stream(end) && message->bytes);
    return done ? done : result;
}

long sd_pair_sendmsg(struct sd_socket *socket, struct sd_message *message)
{
    struct sd_pair_end *end = sd_pair_end_of(socket);
    struct sd_rights *rights = NULL;
    long result;

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (message->name_bytes)
        return -EISCONN;
    if (!sd_pair_is_stream(end) && message->bytes > SD_PAIR_ROOM - sizeof(struct sd_packet))
        return -EMSGSIZE;
    if (sd_pair_is_stream(end) && !message->bytes)
        return 0;
    if (message->control_bytes) {
        result = sd_rights_take(message, &rights);
        if (result)
            return result;
    }
    xen_platform_lock(&end->pair->lock);
    result = send_all(end, message, &rights);
    xen_platform_unlock(&end->pair->lock);
    sd_rights_drop(rights);
    if (result == -EPIPE && socket->type != SOCK_DGRAM)
        sd_socket_broken(message);
    return result;
}
