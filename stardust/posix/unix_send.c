#define _GNU_SOURCE
#include "unix.h"

#include <errno.h>
#include <poll.h>

#include <stardust/memory.h>

#include "rights.h"
#include "vm_pages.h"

#define STREAM_BYTES 4000 /* in a packet of a stream */

/* A new last packet for the peer, of which the room is paid. */
static struct sd_packet *add_packet(struct sd_unix *to, size_t room)
{
    struct sd_packet *packet = sd_vm_has(1) ? sd_alloc(sizeof(*packet) + room) : NULL;

    if (!packet)
        return NULL;
    *packet = (struct sd_packet){.room = room};
    xen_list_insert(&to->packets, &packet->link);
    to->queued += sd_packet_cost(packet);
    return packet;
}

static void take_back(struct sd_unix *to, struct sd_packet *packet)
{
    xen_list_remove(&packet->link);
    to->queued -= sd_packet_cost(packet);
    sd_packet_drop(packet);
}

#pragma weak sd_unix_find

/* Whom a datagram is for that names somebody. */
static int find(struct sd_unix *end, const struct sd_message *message, struct sd_unix **to)
{
    int error =
        sd_unix_find ? sd_unix_find(message->name, message->name_bytes, SOCK_DGRAM, to) : -ECONNREFUSED;

    /* Who has a peer hears nobody else. */
    return !error && (*to)->peer && (*to)->peer != end ? -EPERM : error;
}

/* Who is to receive it: 0 or why nothing can be sent at all. The lock is held. */
static int choose(struct sd_unix *end, const struct sd_message *message, struct sd_unix **to)
{
    int error = end->error ? sd_unix_take_error(end) : 0;

    *to = end->peer;
    if (error)
        return error;
    if (end->no_more_out)
        return -EPIPE;
    if (sd_unix_is_datagram(end) && message->name_bytes) {
        error = find(end, message, to);
        if (error)
            return error;
    }
    if (*to)
        return (*to)->no_more_in ? -EPIPE : 0;
    if (end->is_connected && !sd_unix_is_datagram(end))
        return -EPIPE;
    error = end->has_lost_peer ? -ECONNREFUSED : -ENOTCONN;
    end->has_lost_peer = false;
    return error;
}

/* A packet as it is, or as much of a stream as goes into one. The bytes or an errno. The lock is held. */
static long send_packet(struct sd_unix *end, struct sd_unix *to, struct sd_message *message,
                        struct sd_rights **rights)
{
    size_t bytes = message->bytes;
    struct sd_packet *packet = xen_container_of(to->packets.prev, struct sd_packet, link);

    /* What came with files is read apart from what follows. */
    if (!sd_unix_is_stream(end) || *rights || xen_list_is_empty(&to->packets) || packet->rights ||
        packet->end == packet->room) {
        size_t room = !sd_unix_is_stream(end) ? bytes : STREAM_BYTES;

        packet = add_packet(to, room);
        if (!packet)
            return -ENOBUFS;
        packet->from = sd_unix_name_get(end->name);
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
    sd_unix_tell(to, POLLIN);
    return (long)bytes;
}

static bool has_room(const struct sd_unix *to, size_t bytes)
{
    return to->queued + (sd_unix_is_stream(to) ? 1 : bytes) <= SD_UNIX_ROOM;
}

/* The lock is held. */
static long send_all(struct sd_unix *end, struct sd_message *message, struct sd_rights **rights)
{
    uint64_t deadline = sd_socket_deadline(end->socket.send_ns);
    long done = 0, result = 0;

    do {
        struct sd_unix *to;

        result = choose(end, message, &to);
        while (!result && !has_room(to, message->bytes)) {
            /* Who is named may be another by then. */
            result = sd_unix_wait(to == end->peer ? &end->writable : &sd_unix_room, message->flags, deadline);
            if (!result)
                result = choose(end, message, &to);
        }
        if (!result)
            result = send_packet(end, to, message, rights);
        if (result < 0)
            break;
        done += result;
    } while (sd_unix_is_stream(end) && message->bytes);
    return done ? done : result;
}

long sd_unix_sendmsg(struct sd_socket *socket, struct sd_message *message)
{
    struct sd_unix *end = sd_unix_of(socket);
    struct sd_rights *rights = NULL;
    long result;

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (message->name_bytes && sd_unix_is_stream(end))
        return end->is_connected ? -EISCONN : -EOPNOTSUPP;
    if (!sd_unix_is_stream(end) && message->bytes > SD_UNIX_ROOM - sizeof(struct sd_packet))
        return -EMSGSIZE;
    if (sd_unix_is_stream(end) && !message->bytes)
        return 0;
    if (message->control_bytes) {
        result = sd_rights_take(message, &rights);
        if (result)
            return result;
    }
    xen_platform_lock(&sd_unix_lock);
    result = send_all(end, message, &rights);
    xen_platform_unlock(&sd_unix_lock);
    sd_rights_drop(rights);
    if (result == -EPIPE && !sd_unix_is_datagram(end))
        sd_socket_broken(message);
    return result;
}
