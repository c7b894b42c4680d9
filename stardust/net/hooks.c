/*
 * What lwIP asks us for while it works.
 */
#include "lwip/opt.h"

#include <string.h>

#include <stardust/kernel.h>

#include "arch/hooks.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"

#include "memory.h"
#include "orphan.h"
#include "random.h"
#include "syn_cookie.h"
#include "time_wait.h"
#include "timers.h"

#define GIVE_WAY          64 /* of 255 */
#define COOKIES_FROM      16 /* half-open connections */
#define TIME_WAITS_SCARCE 64

/* Milliseconds, wrapping round. */
u32_t sys_now(void)
{
    return (u32_t)(sd_now() / 1000000);
}

/* What lwIP answers the SYN with that it is given, if that is a cookie; and whether that SYN, or the ACK
 * behind it, comes from make_again. */
static struct {
    bool is_set, made_again;
    uint32_t number;
    uint16_t remote_port;
    ip_addr_t remote;
} cookie;

static void set_cookie(const struct tcp_hdr *header, uint32_t number)
{
    cookie.is_set = true;
    cookie.number = number;
    cookie.remote_port = header->src;
    ip_addr_copy(cookie.remote, *ip_current_src_addr());
}

/* Once, and for that peer: a peer knows its number. */
static bool take_cookie(const ip_addr_t *remote, uint16_t remote_port, uint32_t *number)
{
    bool fits = cookie.is_set && cookie.remote_port == remote_port && ip_addr_cmp(&cookie.remote, remote);

    cookie.is_set = false;
    *number = cookie.number;
    return fits;
}

/* A clock of 4 us plus a secret function of the connection's names (RFC 6528). */
uint32_t sd_net_tcp_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port)
{
    struct {
        ip_addr_t local, remote;
        uint16_t local_port, remote_port;
    } names;
    uint32_t number;

    if (take_cookie(remote, remote_port, &number))
        return number;
    memset(&names, 0, sizeof names);
    ip_addr_copy(names.local, *local);
    ip_addr_copy(names.remote, *remote);
    names.local_port = local_port;
    names.remote_port = remote_port;
    return (uint32_t)(sd_now() / 4000) + (uint32_t)sd_net_hash(&names, sizeof names);
}

/*
 * What lwIP 2.1.3 cannot bear from a peer that lies, for it keeps what comes before its turn, and an
 * assertion fails when that turns out longer than the window: data beyond the window's end; a FIN in the
 * midst of data; a SYN where none is due. An honest peer sends none of them, but for a FIN that overtook
 * data, and that is sent again.
 */
static bool is_bearable(const struct tcp_pcb *pcb, const struct tcp_hdr *header, const struct pbuf *packet)
{
    uint16_t flags = TCPH_FLAGS(header);

    if (pcb->state == SYN_SENT)
        return true;
    if ((flags & TCP_SYN) && (flags & TCP_ACK))
        return false;
    /* It acknowledges and no more: nothing is kept. One that comes behind a probe of our closed window is
     * beyond its end. */
    if (!packet->tot_len && !(flags & (TCP_SYN | TCP_FIN)))
        return true;
    return !TCP_SEQ_GT(header->seqno, pcb->rcv_nxt) ||
           (!(flags & TCP_FIN) && TCP_SEQ_LEQ(header->seqno + packet->tot_len, pcb->rcv_nxt + pcb->rcv_wnd));
}

/*
 * lwIP 2.1.3 answers every ACK that finds its window closed. Two that have both closed theirs would answer
 * one another for ever, so that an ACK without news is only taken for a sign of life there.
 */
static bool is_idle_talk(struct tcp_pcb *pcb, const struct tcp_hdr *header, const struct pbuf *packet)
{
    if (pcb->state == SYN_SENT || pcb->rcv_wnd || packet->tot_len || TCPH_FLAGS(header) != TCP_ACK ||
        header->seqno != pcb->rcv_nxt || header->ackno != pcb->lastack ||
        (tcpwnd_size_t)header->wnd << pcb->snd_scale != pcb->snd_wnd)
        return false;
    pcb->tmr = tcp_ticks;
    pcb->keep_cnt_sent = 0;
    pcb->persist_probe = 0;
    return true;
}

/*
 * What a peer short of memory threw away while its window was closed is sent again after twice as long each
 * time, up to minutes. It has room again, so soon.
 */
static void note_wider_window(struct tcp_pcb *pcb, const struct tcp_hdr *header)
{
    if (pcb->nrtx && pcb->unacked && (tcpwnd_size_t)header->wnd << pcb->snd_scale > pcb->snd_wnd)
        pcb->rtime = pcb->rto;
}

/* As Linux, a listener whose queue is full does not hear who wants to connect. */
static bool admits(const struct tcp_pcb_listen *listener)
{
    return !sd_tcp_admits || !listener || sd_tcp_admits(listener);
}

/* Whether there is no room for a connection now, as there will be: its peer asks again. Without memory for
 * any there is none, either. */
static bool must_wait(const struct tcp_pcb_listen *listener)
{
    return !admits(listener) || sd_net_memory_is_out() ||
           (sd_net_memory_is_scarce() && sd_net_orphans_are_left());
}

/*
 * Under a flood of SYNs the oldest of those that are half open give way, some at a time, for to find them all
 * connections are looked at. The list has the newest first. Those that were answered with a cookie are made
 * again by their ACK.
 */
static void make_room(const struct tcp_pcb_listen *listener)
{
    static struct tcp_pcb *half_open[UINT8_MAX];
    unsigned count = 0;

    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb && count < UINT8_MAX; pcb = pcb->next) {
        if (pcb->state == SYN_RCVD && pcb->listener == listener)
            half_open[count++] = pcb;
    }
    for (unsigned i = 0; i < GIVE_WAY && count; i++)
        tcp_abandon(half_open[--count], 0);
    sd_syn_cookies_needed();
}

/* Whether there is room for a connection. Where memory is scarce, what there is is for those that there are,
 * before those that have ended. */
static bool has_room(const struct tcp_pcb_listen *listener)
{
    sd_net_time_waits_bound();
    if (sd_net_memory_is_scarce()) {
        sd_net_time_waits_keep(TIME_WAITS_SCARCE);
        sd_net_orphans_give_way();
    }
    if (must_wait(listener))
        return false;
    if (listener->accepts_pending >= listener->backlog)
        make_room(listener);
    return true;
}

/* The PCB that lwIP has just made, the first of its list, if its answer is on its way; the ring may be full.
 */
static bool is_made(const struct tcp_hdr *header)
{
    struct tcp_pcb *pcb = tcp_active_pcbs;

    if (!pcb || pcb->state != SYN_RCVD || pcb->remote_port != header->src)
        return false;
    if (pcb->snd_nxt == header->ackno)
        return true;
    tcp_abandon(pcb, 0);
    return false;
}

/* lwIP gets the SYN of a connection that had to give way once more, and then the ACK, as it came. */
static void make_again(struct tcp_hdr *header, struct pbuf *packet)
{
    struct netif *netif = ip_current_input_netif();
    struct pbuf *syn = sd_syn_cookie_syn(header);

    if (!syn)
        return;
    cookie.made_again = true;
    set_cookie(header, header->ackno - 1);
    tcp_input(syn, netif);
    if (is_made(header) && !pbuf_add_header_force(packet, TCPH_HDRLEN_BYTES(header))) {
        header->src = lwip_htons(header->src);
        header->dest = lwip_htons(header->dest);
        header->seqno = lwip_htonl(header->seqno);
        header->ackno = lwip_htonl(header->ackno);
        header->wnd = lwip_htons(header->wnd);
        pbuf_ref(packet);
        tcp_input(packet, netif);
    }
    cookie.made_again = false;
}

static bool is_syn_heard(const struct tcp_pcb_listen *listener, const struct tcp_hdr *header, size_t options)
{
    if (!has_room(listener))
        return false;
    if (listener->accepts_pending >= COOKIES_FROM)
        set_cookie(header, sd_syn_cookie(header, options));
    return true;
}

/* Whether lwIP is to see a segment for a listener. */
static bool is_for_listener(const struct tcp_pcb_listen *listener, struct tcp_hdr *header, size_t options,
                            struct pbuf *packet)
{
    uint16_t flags = TCPH_FLAGS(header) & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK);

    if (cookie.made_again)
        return flags == TCP_SYN;
    if (flags == TCP_SYN)
        return is_syn_heard(listener, header, options);
    /* One whose options are in two pieces cannot be given again. */
    if ((flags & ~TCP_FIN) != TCP_ACK || TCP_HLEN + options != TCPH_HDRLEN_BYTES(header) ||
        !sd_syn_cookie_comes_back(header))
        return flags != (TCP_SYN | TCP_FIN);
    if (has_room(listener))
        make_again(header, packet);
    return false;
}

/*
 * lwIP acknowledges every second packet and delays the rest by up to 250 ms. One packet may be 64 KiB here,
 * as much as the sender's whole window.
 */
bool sd_net_tcp_arrived(struct tcp_pcb *pcb, struct tcp_hdr *header, size_t options, struct pbuf *packet)
{
    sd_net_timers_tcp_touched();
    /* The PCB of a listener is a shorter struct; TIME_WAIT keeps no data. */
    if (pcb->state == LISTEN)
        return is_for_listener((const struct tcp_pcb_listen *)(const void *)pcb, header, options, packet);
    if (pcb->state == TIME_WAIT)
        return true;
    /* What makes it a connection comes again, if there is no room now. */
    if (pcb->state == SYN_RCVD && !(TCPH_FLAGS(header) & TCP_RST) && must_wait(pcb->listener))
        return false;
    /* Data stay until they are read. */
    if (packet->tot_len && sd_net_memory_is_low())
        return false;
    if (is_idle_talk(pcb, header, packet))
        return false;
    if (!is_bearable(pcb, header, packet)) {
        tcp_ack_now(pcb);
        (void)tcp_output(pcb);
        return false;
    }
    note_wider_window(pcb, header);
    if (pcb->state == ESTABLISHED && packet->tot_len > 2 * pcb->mss)
        tcp_ack_now(pcb);
    return true;
}

/*
 * A peer may begin anew, with a later sequence number, from the port of a connection that waits here for what
 * is still under way (RFC 9293, 3.6.1; RFC 6191): lwIP would answer with an ACK, and not heed the RST that
 * this brings, until the wait is over.
 */
static void look_for_new_beginning(const uint8_t *bytes, size_t length, const ip_addr_t *from,
                                   const ip_addr_t *to)
{
    struct tcp_hdr header;

    if (length < sizeof(header))
        return;
    memcpy(&header, bytes, sizeof(header));
    if ((TCPH_FLAGS(&header) & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
        return;
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next) {
        if (pcb->remote_port != lwip_ntohs(header.src) || pcb->local_port != lwip_ntohs(header.dest) ||
            !ip_addr_cmp_zoneless(&pcb->remote_ip, from) || !ip_addr_cmp_zoneless(&pcb->local_ip, to))
            continue;
        if (TCP_SEQ_GEQ(lwip_ntohl(header.seqno), pcb->rcv_nxt))
            tcp_abandon(pcb, 0);
        return;
    }
}

static void take_loopback_address(const struct ip_hdr *header, struct netif *netif)
{
    ip4_addr_t to;

    ip4_addr_copy(to, header->dest);
    if (ip4_addr_isloopback(&to) && !ip4_addr_isbroadcast(&to, netif))
        ip4_addr_copy(*ip_2_ip4(&netif->ip_addr), to);
}

void sd_net_ip4_arrived(const struct pbuf *packet, struct netif *netif)
{
    const struct ip_hdr *header = packet->payload;
    ip_addr_t from, to;
    size_t at;

    if (packet->len < IP_HLEN)
        return;
    /* The loopback interface has no state. */
    if (!netif->state)
        take_loopback_address(header, netif);
    at = IPH_HL_BYTES(header);
    /* Only a first fragment begins with TCP's header. */
    if (IPH_PROTO(header) != IP_PROTO_TCP || at > packet->len || (IPH_OFFSET(header) & PP_HTONS(IP_OFFMASK)))
        return;
    ip_addr_copy_from_ip4(from, header->src);
    ip_addr_copy_from_ip4(to, header->dest);
    look_for_new_beginning((const uint8_t *)packet->payload + at, packet->len - at, &from, &to);
}

void sd_net_ip6_arrived(const struct pbuf *packet)
{
    const struct ip6_hdr *header = packet->payload;
    ip_addr_t from, to;

    if (packet->len < IP6_HLEN || IP6H_NEXTH(header) != IP6_NEXTH_TCP)
        return;
    ip_addr_copy_from_ip6_packed(from, header->src);
    ip_addr_copy_from_ip6_packed(to, header->dest);
    look_for_new_beginning((const uint8_t *)packet->payload + IP6_HLEN, packet->len - IP6_HLEN, &from, &to);
}

void sd_net_loop_home(struct netif *netif)
{
    if (!netif->state)
        ip4_addr_set_loopback(ip_2_ip4(&netif->ip_addr));
}
