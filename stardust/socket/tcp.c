#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <stardust/kernel.h>
#include <stardust/memory.h>
#include <stardust/net.h>
#include <stardust/timer.h>

#include "../net/memory.h"
#include "../net/orphan.h"
#include "../net/timers.h"
#include "../posix/copy.h"

/* ---- lwIP's callbacks: the argument is NULL once the socket has let go ---- */

static void end(struct sd_tcp *tcp, int error)
{
    tcp->pcb = NULL;
    if (sd_tcp_lose_deferred(tcp))
        return;
    tcp->inet.error = error;
    tcp->inet.no_more_in = tcp->inet.no_more_out = true;
    tcp->state = SD_TCP_ENDED;
    sd_inet_tell(&tcp->inet, ~0u);
}

/* The PCB is gone. As Linux: a reset after the peer's FIN is a broken pipe. */
static void on_error(void *arg, err_t error)
{
    struct sd_tcp *tcp = arg;

    if (!tcp)
        return;
    if (error == ERR_CLSD)
        end(tcp, 0);
    else if (error != ERR_RST)
        end(tcp, ETIMEDOUT);
    else if (tcp->state == SD_TCP_CONNECTS)
        end(tcp, ECONNREFUSED);
    else
        end(tcp, tcp->peer_has_ended ? EPIPE : ECONNRESET);
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    struct sd_tcp *tcp = arg;

    (void)error;
    if (!tcp) {
        if (packet) {
            tcp_recved(pcb, packet->tot_len);
            pbuf_free(packet);
        }
        return ERR_OK;
    }
    if (packet) {
        sd_tcp_queue(tcp, packet);
        sd_tcp_undefer(tcp);
        if (sd_tcp_is_readable(tcp))
            sd_inet_tell(&tcp->inet, POLLIN | POLLRDNORM);
        return ERR_OK;
    }
    tcp->peer_has_ended = true;
    tcp->inet.no_more_in = true;
    if (tcp->inet.no_more_out)
        sd_tcp_let_go(tcp);
    sd_tcp_undefer(tcp);
    sd_inet_tell(&tcp->inet, ~0u);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    struct sd_tcp *tcp = arg;

    (void)pcb;
    if (tcp && bytes)
        tcp->progress = sd_now();
    if (!tcp || !tcp->wants_room || !sd_tcp_has_room(tcp))
        return ERR_OK;
    tcp->wants_room = false;
    sd_inet_tell(&tcp->inet, POLLOUT | POLLWRNORM);
    return ERR_OK;
}

static bool is_overdue(const struct sd_tcp *tcp, uint64_t now)
{
    bool waits = tcp->state == SD_TCP_CONNECTS || tcp->pcb->unacked || tcp->pcb->unsent;

    if (tcp->state == SD_TCP_CONNECTS && now >= tcp->give_up)
        return true;
    return waits && tcp->user_timeout && now >= tcp->progress + (uint64_t)tcp->user_timeout * 1000000;
}

/* Memory may be there again, and something may have lasted too long. */
static err_t on_tick(void *arg, struct tcp_pcb *pcb)
{
    struct sd_tcp *tcp = arg;
    uint64_t now = sd_now();

    if (tcp && is_overdue(tcp, now)) {
        tcp_abort(pcb); /* which tells on_error */
        return ERR_ABRT;
    }
    if (tcp && tcp->deferred_by && now >= tcp->defer_until)
        sd_tcp_undefer(tcp);
    if (!tcp || !(tcp->state == SD_TCP_CONNECTS || tcp->deferred_by ||
                  (tcp->user_timeout && (pcb->unacked || pcb->unsent))))
        tcp_poll(pcb, NULL, 0);
    if (tcp)
        tcp->is_starved = false;
    return on_sent(arg, pcb, 0);
}

void sd_tcp_watch(struct sd_tcp *tcp)
{
    tcp_poll(tcp->pcb, on_tick, 1);
    sd_net_timers_tcp_used();
}

void sd_tcp_hold(struct sd_tcp *tcp, struct tcp_pcb *pcb)
{
    tcp->pcb = pcb;
    tcp_arg(pcb, tcp);
    tcp_err(pcb, on_error);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
}

void sd_tcp_let_go(struct sd_tcp *tcp)
{
    if (!tcp->pcb)
        return;
    tcp_arg(tcp->pcb, NULL);
    sd_net_orphan(tcp->pcb);
    sd_net_timers_tcp_used();
    tcp->pcb = NULL;
    if (tcp->state != SD_TCP_CLOSED)
        tcp->state = SD_TCP_ENDED;
}

bool sd_tcp_has_room(const struct sd_tcp *tcp)
{
    return !tcp->is_starved &&
           sd_tcp_room(tcp) >=
               (tcp->send_room && tcp->send_room < TCP_SND_BUF ? tcp->send_room : TCP_SND_BUF) / 3 &&
           tcp_sndqueuelen(tcp->pcb) < TCP_SND_QUEUELEN / 3 * 2;
}

size_t sd_tcp_room(const struct sd_tcp *tcp)
{
    size_t room = tcp->pcb->snd_buf, used = TCP_SND_BUF > room ? TCP_SND_BUF - room : 0;

    if (!tcp->send_room || tcp->send_room >= TCP_SND_BUF)
        return room;
    return used < tcp->send_room ? tcp->send_room - used : 0;
}

void sd_tcp_starve(struct sd_tcp *tcp)
{
    tcp->is_starved = tcp->wants_room = true;
    sd_tcp_watch(tcp);
}

/* ---- as a file ---- */

/* As tcp_poll of Linux has it. */
static unsigned tcp_ready(struct sd_file *file)
{
    struct sd_tcp *tcp = sd_tcp_of_file(file);
    struct sd_inet *inet = &tcp->inet;
    unsigned ready = 0;

    sd_net_lock();
    if (tcp->state == SD_TCP_LISTENS) {
        ready = xen_list_is_empty(&tcp->waiting) ? 0 : POLLIN;
        sd_net_unlock();
        return ready;
    }
    if (tcp->state == SD_TCP_CLOSED || (inet->no_more_in && inet->no_more_out))
        ready |= POLLHUP;
    if (inet->no_more_in)
        ready |= POLLIN | POLLRDHUP;
    if (tcp->state != SD_TCP_CONNECTS) {
        if (sd_tcp_is_readable(tcp))
            ready |= POLLIN;
        if (inet->no_more_out || !tcp->pcb || tcp->state == SD_TCP_CLOSED || sd_tcp_has_room(tcp))
            ready |= POLLOUT;
        else
            tcp->wants_room = true;
    }
    if (inet->error)
        ready |= POLLERR;
    sd_net_unlock();
    return ready;
}

static long tcp_ioctl(struct sd_file *file, unsigned long request, void *arg)
{
    struct sd_tcp *tcp = sd_tcp_of_file(file);
    int count = 0;
    bool listens;

    if (request != FIONREAD && request != TIOCOUTQ)
        return -ENOTTY;
    sd_net_lock();
    listens = tcp->state == SD_TCP_LISTENS;
    if (request == FIONREAD)
        count = (int)tcp->queued;
    else if (tcp->state == SD_TCP_CONNECTED)
        count = tcp->pcb->snd_buf < TCP_SND_BUF ? (int)(TCP_SND_BUF - tcp->pcb->snd_buf) : 0;
    sd_net_unlock();
    return listens ? -EINVAL : sd_copy_out(arg, &count, sizeof(count));
}

static long tcp_shutdown_socket(struct sd_socket *socket, int how)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    struct sd_inet *inet = &tcp->inet;

    sd_net_lock();
    if (tcp->state == SD_TCP_CLOSED || tcp->state == SD_TCP_ENDED) {
        sd_net_unlock();
        return -ENOTCONN;
    }
    if (tcp->state == SD_TCP_LISTENS || tcp->state == SD_TCP_CONNECTS) {
        /* Nobody can connect any more; it is an unconnected socket again. */
        if (tcp->state == SD_TCP_CONNECTS) {
            struct tcp_pcb *pcb = tcp->pcb;

            tcp->pcb = NULL;
            (void)tcp_close(pcb);
        } else if (how != SHUT_WR) {
            sd_tcp_end_listening(tcp);
        }
        if (!tcp->pcb) {
            tcp->state = SD_TCP_CLOSED;
            tcp->is_bound = false;
        }
    } else {
        if (how != SHUT_WR)
            inet->no_more_in = true;
        if (how != SHUT_RD && !inet->no_more_out) {
            inet->no_more_out = true;
            sd_net_timers_tcp_used();
            (void)tcp_shutdown(tcp->pcb, 0, 1);
            if (tcp->peer_has_ended)
                sd_tcp_let_go(tcp);
        }
    }
    sd_inet_tell(inet, ~0u);
    sd_net_unlock();
    return 0;
}

/* Until everything is sent and acknowledged, the time is over, or the program has to run. */
static void linger(struct sd_tcp *tcp)
{
    uint64_t deadline = sd_socket_deadline(tcp->inet.linger * (uint64_t)SD_SECOND);

    if (!tcp->inet.no_more_out) {
        tcp->inet.no_more_out = true;
        sd_net_timers_tcp_used();
        (void)tcp_shutdown(tcp->pcb, 0, 1);
    }
    while (tcp->pcb && (tcp->pcb->unsent || tcp->pcb->unacked) && !tcp->peer_has_ended) {
        tcp->wants_room = true;
        sd_tcp_watch(tcp); /* that a FIN alone is acknowledged is told to nobody */
        if (sd_inet_wait(&tcp->inet, 0, deadline))
            break;
    }
}

/* A peer whose bytes were not all read is told by a reset, which lwIP sees from its window. */
static void close_connection(struct sd_tcp *tcp)
{
    struct tcp_pcb *pcb;

    if (tcp->inet.lingers && tcp->inet.linger && tcp->state == SD_TCP_CONNECTED)
        linger(tcp);
    pcb = tcp->pcb;
    if (!pcb)
        return;
    sd_tcp_let_go(tcp);
    if (!tcp->queued)
        sd_tcp_unlimit_window(pcb);
    if ((tcp->inet.lingers && !tcp->inet.linger) || tcp_close(pcb))
        tcp_abort(pcb);
}

void sd_tcp_free(struct sd_tcp *tcp)
{
    sd_tcp_drop_received(tcp);
    sd_free(tcp);
}

static void tcp_close_socket(struct sd_file *file)
{
    struct sd_tcp *tcp = sd_tcp_of_file(file);

    sd_net_lock();
    if (tcp->state == SD_TCP_LISTENS) {
        sd_tcp_end_listening(tcp);
    } else if (tcp->pcb) {
        close_connection(tcp);
    }
    sd_tcp_free(tcp);
    sd_net_unlock();
}

static const struct sd_file_ops file_ops = {
    SD_SOCKET_FILE_OPS,        .ioctl = tcp_ioctl, .ready = tcp_ready, .readiness = sd_inet_readiness,
    .close = tcp_close_socket,
};

static const struct sd_socket_ops socket_ops = {
    .connect = sd_tcp_connect,
    .bind = sd_tcp_bind,
    .listen = sd_tcp_listen,
    .accept = sd_tcp_accept,
    .sendmsg = sd_tcp_sendmsg,
    .recvmsg = sd_tcp_recvmsg,
    .shutdown = tcp_shutdown_socket,
    .getsockopt = sd_tcp_getsockopt,
    .setsockopt = sd_tcp_setsockopt,
    .name = sd_inet_name,
};

struct sd_tcp *sd_tcp_new(int family)
{
    struct sd_tcp *tcp = sd_net_calloc(1, sizeof(*tcp));

    if (!tcp)
        return NULL;
    sd_inet_init(&tcp->inet, &file_ops, &socket_ops, family, SOCK_STREAM, IPPROTO_TCP);
    xen_list_init(&tcp->waiting);
    xen_list_init(&tcp->deferred);
    tcp->quick_ack = 1;
    return tcp;
}

struct sd_inet *sd_tcp_open(int family)
{
    struct sd_tcp *tcp = sd_tcp_new(family);

    return tcp ? &tcp->inet : NULL;
}
