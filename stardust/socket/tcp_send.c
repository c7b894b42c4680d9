/*
 * From the program to TCP: one copy, into lwIP's segments. That what is to be copied is there is looked at
 * before, for lwIP does not expect a copy to fail; if one does all the same, the connection is given up.
 */
#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <sys/socket.h>

#include <stardust/kernel.h>
#include <stardust/net.h>
#include <xenlib/types.h>

#include "../net/copy.h"
#include "../net/timers.h"
#include "../posix/copy.h"
#include "message_control.h"

/* How many bytes are there, at most `bytes`. */
static size_t count_present(const char *from, size_t bytes)
{
    size_t there = 0;
    char byte;

    while (there < bytes) {
        if (sd_copy_in(&byte, from + there, 1))
            return there;
        there += XEN_PAGE_SIZE - ((uintptr_t)from + there) % XEN_PAGE_SIZE;
    }
    return bytes;
}

/* As many bytes as lwIP takes: 0 when it takes none now; -EFAULT. */
static long write_some(struct sd_tcp *tcp, const char *from, size_t bytes, bool more)
{
    size_t room = sd_tcp_room(tcp);
    uint8_t flags = TCP_WRITE_FLAG_COPY;
    err_t error = ERR_MEM;

    if (tcp->is_starved || tcp_sndqueuelen(tcp->pcb) >= TCP_SND_QUEUELEN)
        return 0;
    bytes = bytes < room ? bytes : room;
    bytes = bytes < UINT16_MAX ? bytes : UINT16_MAX;
    if (!bytes)
        return 0;
    bytes = count_present(from, bytes);
    if (!bytes)
        return -EFAULT;
    if (more || bytes == room)
        flags |= TCP_WRITE_FLAG_MORE;
    /* Less may fit when there is no memory, or no place in the queue, for all. */
    while (bytes && (error = tcp_write(tcp->pcb, from, (uint16_t)bytes, flags)) == ERR_MEM)
        bytes = bytes > TCP_MSS ? bytes / 2 : 0;
    if (sd_net_copy_has_failed()) {
        tcp_abort(tcp->pcb);
        return -EFAULT;
    }
    if (!error)
        return (long)bytes;
    /* Where nothing is under way, nothing that is acknowledged will say that there is room again. */
    if (!tcp->pcb->unsent && !tcp->pcb->unacked)
        sd_tcp_starve(tcp);
    return 0;
}

static long write_all(struct sd_tcp *tcp, struct sd_message *message, bool more)
{
    long done = 0, result = 0;

    if (!tcp->pcb->unacked && !tcp->pcb->unsent)
        tcp->progress = sd_now();
    while (message->bytes) {
        const char *from;
        size_t bytes;

        result = sd_message_piece(message, &from, &bytes);
        if (!result)
            result = write_some(tcp, from, bytes, more || bytes < message->bytes);
        if (result <= 0)
            break;
        sd_message_skip(message, (size_t)result);
        done += result;
    }
    return done ? done : result;
}

static bool is_held_back(const struct sd_tcp *tcp, bool more)
{
    return more && tcp->pcb->unsent && !tcp->pcb->unsent->next && tcp->pcb->unsent->len < tcp->pcb->mss;
}

/* Why nothing can be sent at all; 0 when it can. */
static long why_not(struct sd_tcp *tcp)
{
    if (tcp->inet.error)
        return sd_inet_take_error(&tcp->inet);
    return tcp->inet.no_more_out || tcp->state != SD_TCP_CONNECTED ? -EPIPE : 0;
}

static long send_all(struct sd_tcp *tcp, struct sd_message *message)
{
    uint64_t deadline = sd_socket_deadline(tcp->inet.socket.send_ns);
    bool more = message->flags & MSG_MORE || tcp->corks;
    long done = 0, result = sd_control_check(message);

    if (result)
        return result;
    result = sd_tcp_await(tcp, message->flags, deadline);
    while (!result) {
        result = why_not(tcp);
        if (result)
            break;
        if (!message->bytes)
            break;
        result = write_all(tcp, message, more);
        if (result < 0)
            break;
        done += result;
        if (tcp->user_timeout)
            sd_tcp_watch(tcp);
        sd_net_timers_tcp_used();
        if (!is_held_back(tcp, more))
            (void)tcp_output(tcp->pcb);
        if (!message->bytes)
            break;
        tcp->wants_room = true;
        result = sd_inet_wait(&tcp->inet, message->flags, deadline);
    }
    return done ? done : result;
}

long sd_tcp_sendmsg(struct sd_socket *socket, struct sd_message *message)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    long result;

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    sd_net_lock();
    result = send_all(tcp, message);
    sd_net_unlock();
    if (result == -EPIPE)
        sd_socket_broken(message);
    return result;
}
