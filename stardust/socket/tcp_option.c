#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <stardust/net.h>

#include "../net/timers.h"

#define MS          1000u
#define KEEP_IDLE   (7200 * MS) /* Linux's defaults */
#define KEEP_EVERY  (75 * MS)
#define KEEP_COUNT  9
#define SECONDS_MAX 32767  /* MAX_TCP_KEEPIDLE */
#define CONTROL     "reno" /* of congestion: what lwIP does */
#define NAME_MAX    16     /* TCP_CA_NAME_MAX */

_Static_assert(sizeof(struct tcp_info) <= SD_OPTION_BYTES, "");

/* A listener's PCB is a shorter one, whose connections inherit from the socket. */
void sd_tcp_apply(struct sd_tcp *tcp)
{
    struct tcp_pcb *pcb = tcp->pcb;

    if (!pcb)
        return;
    pcb->tos = tcp->inet.tos;
    pcb->ttl = tcp->inet.ttl ? tcp->inet.ttl : TCP_TTL;
    if (tcp->inet.reuse_address || tcp->inet.reuse_port)
        ip_set_option(pcb, SOF_REUSEADDR);
    else
        ip_reset_option(pcb, SOF_REUSEADDR);
    if (tcp->inet.keep_alive)
        ip_set_option(pcb, SOF_KEEPALIVE);
    else
        ip_reset_option(pcb, SOF_KEEPALIVE);
    if (tcp->state == SD_TCP_LISTENS)
        return;
    if (tcp->no_delay)
        tcp_nagle_disable(pcb);
    else
        tcp_nagle_enable(pcb);
    pcb->keep_idle = tcp->keep_idle ? tcp->keep_idle : KEEP_IDLE;
    pcb->keep_intvl = tcp->keep_interval ? tcp->keep_interval : KEEP_EVERY;
    pcb->keep_cnt = tcp->keep_count ? tcp->keep_count : KEEP_COUNT;
    /* Clocks may have to be looked at again. */
    if (tcp->inet.keep_alive)
        sd_net_timers_tcp_used();
}

static int seconds(uint32_t ms, uint32_t usual)
{
    return (int)((ms ? ms : usual) / MS);
}

/* As far as lwIP knows. */
static void get_info(const struct sd_tcp *tcp, struct tcp_info *info)
{
    static const uint8_t states[] = {TCP_CLOSE,       TCP_LISTEN,    TCP_SYN_SENT,  TCP_SYN_RECV,
                                     TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE_WAIT,
                                     TCP_CLOSING,     TCP_LAST_ACK,  TCP_TIME_WAIT};
    const struct tcp_pcb *pcb = tcp->pcb;

    memset(info, 0, sizeof(*info));
    info->tcpi_state = pcb ? states[pcb->state] : TCP_CLOSE;
    if (!pcb || tcp->state != SD_TCP_CONNECTED)
        return;
    info->tcpi_snd_mss = info->tcpi_rcv_mss = pcb->mss;
    info->tcpi_retransmits = pcb->nrtx;
    info->tcpi_rto = (uint32_t)pcb->rto * TCP_SLOW_INTERVAL * 1000;
    info->tcpi_rtt = (uint32_t)(pcb->sa >> 3) * TCP_SLOW_INTERVAL * 1000;
    info->tcpi_snd_cwnd = pcb->cwnd / pcb->mss;
    info->tcpi_snd_ssthresh = pcb->ssthresh / pcb->mss;
    info->tcpi_rcv_space = pcb->rcv_wnd;
}

static long get_tcp_option(struct sd_tcp *tcp, int option, void *value, unsigned *bytes)
{
    int *number = value;
    struct tcp_info info;

    *bytes = sizeof(*number);
    switch (option) {
    case TCP_NODELAY:
        *number = tcp->no_delay;
        return 0;
    case TCP_CORK:
        *number = tcp->corks;
        return 0;
    case TCP_KEEPIDLE:
        *number = seconds(tcp->keep_idle, KEEP_IDLE);
        return 0;
    case TCP_KEEPINTVL:
        *number = seconds(tcp->keep_interval, KEEP_EVERY);
        return 0;
    case TCP_KEEPCNT:
        *number = (int)(tcp->keep_count ? tcp->keep_count : KEEP_COUNT);
        return 0;
    case TCP_MAXSEG:
        *number = tcp->state == SD_TCP_CONNECTED ? tcp->pcb->mss : 536;
        return 0;
    case TCP_DEFER_ACCEPT:
        *number = tcp->defer_accept;
        return 0;
    case TCP_USER_TIMEOUT:
        *number = tcp->user_timeout;
        return 0;
    case TCP_SYNCNT:
        *number = tcp->syn_count ? tcp->syn_count : 6;
        return 0;
    case TCP_QUICKACK:
        *number = tcp->quick_ack;
        return 0;
    case TCP_CONGESTION:
        *bytes = NAME_MAX;
        memset(value, 0, NAME_MAX);
        memcpy(value, CONTROL, sizeof(CONTROL));
        return 0;
    case TCP_INFO:
        get_info(tcp, &info);
        *bytes = sizeof(info);
        memcpy(value, &info, sizeof(info));
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

long sd_tcp_getsockopt(struct sd_socket *socket, int level, int option, void *value, unsigned *bytes)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    int *number = value;
    long result;

    sd_net_lock();
    if (level == SOL_TCP)
        result = get_tcp_option(tcp, option, value, bytes);
    else
        result = sd_inet_get_option(&tcp->inet, level, option, value, bytes);
    if (level == SOL_SOCKET && option == SO_ACCEPTCONN)
        *number = tcp->state == SD_TCP_LISTENS;
    sd_net_unlock();
    return result;
}

static long set_control(const char *name, unsigned bytes)
{
    size_t length = strnlen(name, bytes < NAME_MAX ? bytes : NAME_MAX - 1);

    if (!bytes)
        return -EINVAL;
    return length == sizeof(CONTROL) - 1 && !memcmp(name, CONTROL, length) ? 0 : -ENOENT;
}

static long set_keeping(uint32_t *to, int number, int most, unsigned unit)
{
    if (number < 1 || number > most)
        return -EINVAL;
    *to = (uint32_t)number * unit;
    return 0;
}

/* As Linux: up to the next time that a SYN|ACK would be sent again, 1, 3, 7, 15 … seconds. */
static int defer_time(int wanted)
{
    int period = 1, timeout = 1;

    if (wanted <= 0)
        return 0;
    for (int i = 1; wanted > period && i < 255; i++) {
        timeout = timeout * 2 < 120 ? timeout * 2 : 120;
        period += timeout;
    }
    return period;
}

/* A half of what is told, which is what was asked for: the other is for what Linux keeps besides. */
static void take_buffers(struct sd_tcp *tcp, int option)
{
    if (option == SO_SNDBUF || option == SO_SNDBUFFORCE)
        tcp->send_room = (uint32_t)tcp->inet.send_bytes / 2;
    if (option != SO_RCVBUF && option != SO_RCVBUFFORCE)
        return;
    tcp->window = (uint32_t)tcp->inet.receive_bytes / 2;
    if (tcp->state == SD_TCP_CONNECTED && tcp->pcb)
        sd_tcp_limit_window(tcp, false);
}

static long set_tcp_option(struct sd_tcp *tcp, int option, int number)
{
    switch (option) {
    case TCP_NODELAY:
        tcp->no_delay = number;
        break;
    case TCP_CORK:
        tcp->corks = number;
        break;
    case TCP_KEEPIDLE:
        return set_keeping(&tcp->keep_idle, number, SECONDS_MAX, MS);
    case TCP_KEEPINTVL:
        return set_keeping(&tcp->keep_interval, number, SECONDS_MAX, MS);
    case TCP_KEEPCNT:
        return set_keeping(&tcp->keep_count, number, 127, 1);
    case TCP_DEFER_ACCEPT:
        tcp->defer_accept = defer_time(number);
        return 0;
    case TCP_USER_TIMEOUT:
        if (number < 0)
            return -EINVAL;
        tcp->user_timeout = number;
        return 0;
    case TCP_SYNCNT:
        if (number < 1 || number > 127)
            return -EINVAL;
        tcp->syn_count = number;
        return 0;
    case TCP_QUICKACK:
        tcp->quick_ack = number != 0;
        if (number && tcp->state == SD_TCP_CONNECTED && tcp->pcb->flags & TF_ACK_DELAY)
            tcp_ack_now(tcp->pcb);
        break;
    case TCP_MAXSEG:
        return number && (number < 88 || number > 32767) ? -EINVAL : 0;
    case TCP_FASTOPEN: /* nobody gets anything sooner */
    case TCP_WINDOW_CLAMP:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
    return 0;
}

/* What was held back goes out. */
static void push(struct sd_tcp *tcp)
{
    if (tcp->state != SD_TCP_CONNECTED || tcp->corks)
        return;
    sd_net_timers_tcp_used();
    (void)tcp_output(tcp->pcb);
}

long sd_tcp_setsockopt(struct sd_socket *socket, int level, int option, const void *value, unsigned bytes)
{
    struct sd_tcp *tcp = sd_tcp_of(socket);
    long result = -EINVAL;
    int number;

    memcpy(&number, value, sizeof(number));
    sd_net_lock();
    if (level == SOL_IPV6 && option == IPV6_V6ONLY && tcp->is_bound)
        result = -EINVAL;
    else if (level != SOL_TCP)
        result = sd_inet_set_option(&tcp->inet, level, option, value, bytes);
    else if (option == TCP_CONGESTION)
        result = set_control(value, bytes);
    else if (bytes >= sizeof(number))
        result = set_tcp_option(tcp, option, number);
    if (!result) {
        if (level == SOL_SOCKET)
            take_buffers(tcp, option);
        if (level == SOL_SOCKET && option == SO_RCVLOWAT && sd_tcp_is_readable(tcp))
            sd_inet_tell(&tcp->inet, POLLIN | POLLRDNORM);
        sd_tcp_apply(tcp);
        if (level == SOL_TCP && (option == TCP_NODELAY || option == TCP_CORK || option == TCP_QUICKACK))
            push(tcp);
    }
    sd_net_unlock();
    return result;
}
