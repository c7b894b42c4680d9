/* From TCP's packets to the program: one copy. The peer's window opens as the program reads. */
#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <sys/socket.h>

#include <stardust/net.h>

#include "../net/memory.h"
#include "../net/timers.h"

void sd_tcp_queue(struct sd_tcp *tcp, struct pbuf *packet)
{
    tcp->queued += packet->tot_len;
    if (tcp->first)
        tcp->last->next = packet;
    else
        tcp->first = packet;
    for (tcp->last = packet; tcp->last->next; tcp->last = tcp->last->next)
        ;
}

bool sd_tcp_is_readable(const struct sd_tcp *tcp)
{
    const struct tcp_pcb *pcb = tcp->pcb;

    if (!tcp->queued || tcp->queued >= (size_t)tcp->inet.receive_least)
        return tcp->queued;
    return !pcb || pcb->rcv_ann_wnd <= 2 * (uint32_t)pcb->mss || sd_net_memory_is_short();
}

void sd_tcp_limit_window(struct sd_tcp *tcp, bool is_new)
{
    struct tcp_pcb *pcb = tcp->pcb;
    int64_t wanted = tcp->window && tcp->window < TCP_WND_MAX(pcb) ? tcp->window : TCP_WND_MAX(pcb);
    int64_t excess = (int64_t)pcb->rcv_wnd + (int64_t)tcp->queued - wanted, untold;

    /* A SYN's window is not scaled; lwIP takes the rest for told, too. */
    if (is_new && tcp->window && pcb->rcv_ann_wnd > UINT16_MAX) {
        pcb->rcv_ann_wnd = UINT16_MAX;
        pcb->rcv_ann_right_edge = pcb->rcv_nxt + UINT16_MAX;
    }
    untold = (int64_t)pcb->rcv_wnd - pcb->rcv_ann_wnd;
    if (excess > 0 && untold > 0) {
        int64_t now = excess < untold ? excess : untold;

        pcb->rcv_wnd -= (tcpwnd_size_t)now;
        excess -= now;
    }
    tcp->window_debt = excess;
    sd_tcp_taken(tcp, 0);
}

void sd_tcp_unlimit_window(struct tcp_pcb *pcb)
{
    if (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT)
        pcb->rcv_wnd = TCP_WND_MAX(pcb);
}

void sd_tcp_taken(struct sd_tcp *tcp, size_t bytes)
{
    struct tcp_pcb *pcb = tcp->pcb;
    int64_t give = (int64_t)bytes - tcp->window_debt;

    if (!pcb)
        return;
    tcp->window_debt = give < 0 ? -give : 0;
    while (give > 0) {
        uint16_t now = give < UINT16_MAX ? (uint16_t)give : UINT16_MAX;

        tcp_recved(pcb, now);
        give -= now;
    }
    /* lwIP says so once a quarter of its own window is free. */
    if (tcp->window && pcb->rcv_nxt + pcb->rcv_ann_wnd - pcb->rcv_ann_right_edge >= tcp->window / 4 + 1) {
        tcp_ack_now(pcb);
        (void)tcp_output(pcb);
    }
    /* There was no memory for one of these. */
    if (pcb->flags & (TF_ACK_NOW | TF_ACK_DELAY))
        sd_net_timers_tcp_touched();
}

static void drop_first(struct sd_tcp *tcp)
{
    struct pbuf *first = tcp->first;

    tcp->first = first->next;
    tcp->taken = 0;
    first->next = NULL;
    first->tot_len = first->len;
    pbuf_free(first);
}

void sd_tcp_drop_received(struct sd_tcp *tcp)
{
    while (tcp->first)
        drop_first(tcp);
    tcp->queued = 0;
}

/* Bytes of one packet's, to the message or, with MSG_TRUNC, to nowhere. */
static int take(struct sd_message *message, const struct pbuf *from, size_t at, size_t bytes, int flags)
{
    if (!(flags & MSG_TRUNC))
        return sd_message_out(message, (const char *)from->payload + at, bytes);
    message->bytes -= bytes;
    return 0;
}

/* The bytes that were there; -EFAULT. */
static long peek(struct sd_tcp *tcp, struct sd_message *message, int flags)
{
    size_t at = tcp->taken;
    long done = 0;

    for (const struct pbuf *from = tcp->first; from && message->bytes; from = from->next, at = 0) {
        size_t bytes = from->len - at;

        bytes = bytes < message->bytes ? bytes : message->bytes;
        if (take(message, from, at, bytes, flags))
            return done ? done : -EFAULT;
        done += (long)bytes;
    }
    return done;
}

static long consume(struct sd_tcp *tcp, struct sd_message *message, int flags)
{
    long done = 0, result = 0;

    while (tcp->first && message->bytes) {
        size_t bytes = (size_t)(tcp->first->len - tcp->taken);

        bytes = bytes < message->bytes ? bytes : message->bytes;
        result = take(message, tcp->first, tcp->taken, bytes, flags);
        if (result)
            break;
        done += (long)bytes;
        tcp->taken = (uint16_t)(tcp->taken + bytes);
        if (tcp->taken == tcp->first->len)
            drop_first(tcp);
    }
    tcp->queued -= (size_t)done;
    sd_tcp_taken(tcp, (size_t)done);
    return done ? done : result;
}

/* Why there will be no bytes: the end, an error, or none of them (1). */
static long why_not(struct sd_tcp *tcp)
{
    if (tcp->inet.error)
        return sd_inet_take_error(&tcp->inet);
    if (tcp->inet.no_more_in || tcp->state == SD_TCP_ENDED)
        return 0;
    if (tcp->state == SD_TCP_CLOSED || tcp->state == SD_TCP_LISTENS)
        return -ENOTCONN;
    return 1;
}

/* How many bytes a call waits for. */
static size_t bytes_wanted(const struct sd_tcp *tcp, const struct sd_message *message, int flags)
{
    size_t least = (size_t)tcp->inet.receive_least;

    return flags & MSG_WAITALL || least > message->bytes ? message->bytes : least;
}

static long receive(struct sd_tcp *tcp, struct sd_message *message, int flags)
{
    uint64_t deadline = sd_socket_deadline(tcp->inet.socket.receive_ns);
    size_t wanted = bytes_wanted(tcp, message, flags);
    long done = 0;

    if (!message->bytes)
        return tcp->state == SD_TCP_CLOSED || tcp->state == SD_TCP_LISTENS ? -ENOTCONN : 0;
    for (;;) {
        long result;

        if (flags & MSG_PEEK) {
            if (tcp->queued >= wanted || (tcp->queued && why_not(tcp) != 1))
                return peek(tcp, message, flags);
        } else {
            result = consume(tcp, message, flags);
            if (result < 0)
                return done ? done : result;
            done += result;
            if ((size_t)done >= wanted)
                return done;
        }
        if (done && tcp->inet.error)
            return done;
        result = why_not(tcp);
        if (result == 1)
            result = sd_inet_wait(&tcp->inet, flags, deadline);
        else
            return done ? done : result;
        if (result)
            return done ? done : flags & MSG_PEEK && tcp->queued ? peek(tcp, message, flags) : result;
    }
}

long sd_tcp_recvmsg(struct sd_socket *socket, struct sd_message *message)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    int flags = message->flags;
    long result;

    message->flags = 0;
    message->control_bytes = 0;
    if (flags & MSG_OOB)
        return -EINVAL;
    if (flags & MSG_ERRQUEUE)
        return -EAGAIN;
    sd_net_lock();
    result = receive(tcp, message, flags);
    sd_net_unlock();
    return result;
}
