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
#include "lwip/prot/tcp.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"

#include "random.h"

/* Milliseconds, wrapping round. */
u32_t sys_now(void)
{
    return (u32_t)(sd_now() / 1000000);
}

/* A clock of 4 us plus a secret function of the connection's names (RFC 6528). */
uint32_t sd_net_tcp_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port)
{
    struct {
        ip_addr_t local, remote;
        uint16_t local_port, remote_port;
    } names;

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

/* As Linux, a listener whose queue is full does not hear who wants to connect. */
static bool admits(const struct tcp_pcb_listen *listener)
{
    return !sd_tcp_admits || !listener || sd_tcp_admits(listener);
}

/*
 * lwIP acknowledges every second packet and delays the rest by up to 250 ms. One packet may be 64 KiB here,
 * as much as the sender's whole window.
 */
bool sd_net_tcp_arrived(struct tcp_pcb *pcb, const struct tcp_hdr *header, const struct pbuf *packet)
{
    /* The PCB of a listener is a shorter struct; TIME_WAIT keeps no data. */
    if (pcb->state == LISTEN)
        return !(TCPH_FLAGS(header) & TCP_SYN) || admits((const struct tcp_pcb_listen *)(const void *)pcb);
    if (pcb->state == TIME_WAIT)
        return true;
    /* What makes it a connection comes again. */
    if (pcb->state == SYN_RCVD && !(TCPH_FLAGS(header) & TCP_RST) && !admits(pcb->listener))
        return false;
    if (is_idle_talk(pcb, header, packet))
        return false;
    if (!is_bearable(pcb, header, packet)) {
        tcp_ack_now(pcb);
        (void)tcp_output(pcb);
        return false;
    }
    if (pcb->state == ESTABLISHED && packet->tot_len > 2 * pcb->mss)
        tcp_ack_now(pcb);
    return true;
}

void sd_net_ip4_arrived(const struct pbuf *packet, struct netif *netif)
{
    const struct ip_hdr *header = packet->payload;
    ip4_addr_t to;

    /* The loopback interface has no state. */
    if (netif->state || packet->len < IP_HLEN)
        return;
    ip4_addr_copy(to, header->dest);
    if (ip4_addr_isloopback(&to) && !ip4_addr_isbroadcast(&to, netif))
        ip4_addr_copy(*ip_2_ip4(&netif->ip_addr), to);
}

void sd_net_loop_home(struct netif *netif)
{
    if (!netif->state)
        ip4_addr_set_loopback(ip_2_ip4(&netif->ip_addr));
}
