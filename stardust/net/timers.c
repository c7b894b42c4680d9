#include "timers.h"

#include <xenlib/types.h>

#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/netif.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

#include "memory.h"

static bool news;

#define NONE UINT32_MAX
#define MS   1000000ull

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/*
 * TCP. A connection needs the clock while something of it is under way; an idle one only for its next
 * keep-alive, one in TIME_WAIT only for its end.
 */
static struct {
    bool busy;           /* a tick every 250 ms */
    bool touched;        /* since the connections were looked at */
    uint32_t keep_alive; /* slow ticks to the first, NONE */
    bool has_waiting;    /* time_wait_end is known */
    uint32_t wait_end;   /* value of tcp_ticks at which the oldest TIME_WAIT ends */
} tcp = {.keep_alive = NONE};

#define TIME_WAIT_TICKS (2 * TCP_MSL / TCP_SLOW_INTERVAL + 1)
/* Those that end within two seconds end together. */
#define TIME_WAIT_SLACK 4

/* A minute: less must not be the longest (RFC 6298, 2.5). */
#define RETRANSMIT_TICKS (60000 / TCP_SLOW_INTERVAL)

static bool is_quiet(const struct tcp_pcb *pcb)
{
    return (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT ||
            (pcb->state == FIN_WAIT_2 && !(pcb->flags & TF_RXCLOSED))) &&
           !(pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND)) && !pcb->refused_data && !pcb->unsent &&
           !pcb->unacked && !pcb->ooseq && !pcb->persist_backoff && !pcb->poll;
}

static uint32_t ticks_to_keep_alive(const struct tcp_pcb *pcb)
{
    uint32_t idle = tcp_ticks - pcb->tmr;
    uint32_t at = (uint32_t)((pcb->keep_idle + pcb->keep_cnt_sent * pcb->keep_intvl) / TCP_SLOW_INTERVAL + 1);

    return at > idle ? at - idle : 0;
}

static void look_at_connections(void)
{
    tcp.busy = false;
    tcp.touched = false;
    tcp.keep_alive = NONE;
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        if (!is_quiet(pcb)) {
            tcp.busy = true;
            return;
        }
        if (pcb->so_options & SOF_KEEPALIVE)
            tcp.keep_alive = least(tcp.keep_alive, ticks_to_keep_alive(pcb));
    }
}

/* The oldest stays the oldest until it ends: the list is walked once for each end, not for each packet. */
static void look_at_time_wait(void)
{
    uint32_t oldest = 0;

    if (tcp.has_waiting || !tcp_tw_pcbs)
        return;
    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next) {
        if (tcp_ticks - pcb->tmr > oldest)
            oldest = tcp_ticks - pcb->tmr;
    }
    tcp.has_waiting = true;
    tcp.wait_end = tcp_ticks - oldest + TIME_WAIT_TICKS + TIME_WAIT_SLACK;
}

/* What was due when all connections were quiet is due until something is done to one of them: there may be
 * many, and packets that are not theirs do not pay for that. */
static uint32_t tcp_due(void)
{
    uint32_t slow;

    if (!tcp.busy && tcp.touched)
        look_at_connections();
    if (tcp.busy)
        return 1;
    look_at_time_wait();
    slow = tcp.keep_alive;
    if (tcp.has_waiting)
        slow = least(slow, (int32_t)(tcp.wait_end - tcp_ticks) > 0 ? tcp.wait_end - tcp_ticks : 0);
    return slow == NONE ? NONE : 2 * slow + 2;
}

/* lwIP waits twice as long each time, up to minutes. A peer that threw segments away for want of memory may
 * say nothing when it has some again. */
static void bound_retransmission(void)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        if (pcb->rto > RETRANSMIT_TICKS)
            pcb->rto = RETRANSMIT_TICKS;
    }
}

/* After a pause the connections go on as if it had not been, but for what counts from tcp_ticks. */
static void tcp_tick(uint32_t count)
{
    tcp_ticks += (count - 1) / 2;
    /* Without a question whether a peer is still there, or without our FIN, connections would never end. */
    sd_net_memory_dip(true);
    tcp_tmr();
    sd_net_memory_dip(false);
    bound_retransmission();
    if ((int32_t)(tcp.wait_end - tcp_ticks) <= 0 || !tcp_tw_pcbs)
        tcp.has_waiting = false;
    look_at_connections();
}

void sd_net_timers_tcp_touched(void)
{
    tcp.touched = true;
}

void sd_net_timers_tcp_used(void)
{
    if (tcp.busy)
        return;
    tcp.busy = true;
    news = true;
}

/* lwIP: a connection was registered. */
void tcp_timer_needed(void)
{
    sd_net_timers_tcp_used();
}

/* What lwIP hides is assumed to have work for a number of ticks after it was seen to begin. */
static uint32_t arp_left, fragments4_left, fragments6_left;

static void run(void (*tick)(void), uint32_t count)
{
    while (count--)
        tick();
}

static void count_down(uint32_t *left, uint32_t count)
{
    *left -= least(*left, count);
}

static void arp_tick(uint32_t count)
{
    run(etharp_tmr, least(count, ARP_MAXAGE + 1));
    count_down(&arp_left, count);
}

static uint32_t arp_due(void)
{
    return arp_left ? 1 : NONE;
}

static void fragments4_tick(uint32_t count)
{
    run(ip_reass_tmr, least(count, IP_REASS_MAXAGE + 2));
    count_down(&fragments4_left, count);
}

static uint32_t fragments4_due(void)
{
    return fragments4_left ? fragments4_left : NONE;
}

static void fragments6_tick(uint32_t count)
{
    run(ip6_reass_tmr, least(count, IPV6_REASS_MAXAGE + 2));
    count_down(&fragments6_left, count);
}

static uint32_t fragments6_due(void)
{
    return fragments6_left ? fragments6_left : NONE;
}

void sd_net_timers_arp_asked(void)
{
    news = true;
    arp_left = 7; /* lwIP gives up after five, and a repeated request of a known address rests for two */
}

void sd_net_timers_fragment(bool ipv6)
{
    news = true;
    if (ipv6)
        fragments6_left = IPV6_REASS_MAXAGE + 2;
    else
        fragments4_left = IP_REASS_MAXAGE + 2;
}

static void dhcp_coarse_tick(uint32_t count)
{
    run(dhcp_coarse_tmr, least(count, UINT16_MAX));
}

static uint32_t dhcp_coarse_due(void)
{
    uint32_t due = NONE;
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        const struct dhcp *dhcp = netif_dhcp_data(netif);

        if (!dhcp || !dhcp->state)
            continue;
        if (dhcp->t0_timeout > dhcp->lease_used)
            due = least(due, (uint32_t)dhcp->t0_timeout - dhcp->lease_used);
        if (dhcp->t1_renew_time)
            due = least(due, dhcp->t1_renew_time);
        if (dhcp->t2_rebind_time)
            due = least(due, dhcp->t2_rebind_time);
    }
    return due;
}

static void dhcp_fine_tick(uint32_t count)
{
    run(dhcp_fine_tmr, least(count, 120));
}

static uint32_t dhcp_fine_due(void)
{
    uint32_t due = NONE;
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        const struct dhcp *dhcp = netif_dhcp_data(netif);

        if (dhcp && dhcp->request_timeout)
            due = least(due, dhcp->request_timeout);
    }
    return due;
}

/* A day's worth at most: after a longer silence, lifetimes of addresses and routers end later. */
static void nd6_tick(uint32_t count)
{
    run(nd6_tmr, least(count, 24 * 60 * 60));
}

static bool neighbours_busy;

void sd_net_timers_neighbour_used(void)
{
    news |= !neighbours_busy;
}

static bool netif_needs_nd6(struct netif *netif)
{
    if (!netif_is_up(netif) || !netif_is_link_up(netif))
        return false;
    for (int8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_istentative(netif_ip6_addr_state(netif, i)))
            return true;
    }
    return netif->rs_count > 0;
}

static bool are_neighbours_busy(void)
{
    for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
        uint8_t state = neighbor_cache[i].state;

        if (state == ND6_INCOMPLETE || state == ND6_DELAY || state == ND6_PROBE)
            return true;
    }
    return false;
}

static uint32_t nd6_due(void)
{
    struct netif *netif;

    neighbours_busy = are_neighbours_busy();
    if (neighbours_busy)
        return 1;
    NETIF_FOREACH(netif)
    {
        if (netif_needs_nd6(netif))
            return 1;
    }
    return NONE;
}

static void mld6_tick(uint32_t count)
{
    run(mld6_tmr, least(count, UINT16_MAX));
}

static uint32_t mld6_due(void)
{
    uint32_t due = NONE;
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        for (const struct mld_group *group = netif_mld6_data(netif); group; group = group->next) {
            if (group->timer)
                due = least(due, group->timer);
        }
    }
    return due;
}

static struct cyclic {
    uint64_t interval;
    void (*tick)(uint32_t count); /* `count` intervals have passed, 1 or more */
    uint32_t (*due)(void);        /* after how many more, NONE for never */
    uint64_t last;                /* the clock, in whole intervals */
} timers[] = {
    {TCP_TMR_INTERVAL * MS, tcp_tick, tcp_due, 0},
    {ARP_TMR_INTERVAL * MS, arp_tick, arp_due, 0},
    {IP_TMR_INTERVAL * MS, fragments4_tick, fragments4_due, 0},
    {IP6_REASS_TMR_INTERVAL * MS, fragments6_tick, fragments6_due, 0},
    {DHCP_COARSE_TIMER_MSECS * MS, dhcp_coarse_tick, dhcp_coarse_due, 0},
    {DHCP_FINE_TIMER_MSECS * MS, dhcp_fine_tick, dhcp_fine_due, 0},
    {ND6_TMR_INTERVAL * MS, nd6_tick, nd6_due, 0},
    {MLD6_TMR_INTERVAL * MS, mld6_tick, mld6_due, 0},
};
#define TIMERS (sizeof timers / sizeof *timers)

void sd_net_timers_start(uint64_t now)
{
    for (unsigned i = 0; i < TIMERS; i++)
        timers[i].last = now;
}

void sd_net_timers_run(uint64_t now)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        struct cyclic *timer = &timers[i];
        uint64_t count;

        if (now < timer->last + timer->interval)
            continue;
        count = (now - timer->last) / timer->interval;
        timer->last += count * timer->interval;
        timer->tick(count < NONE ? (uint32_t)count : NONE - 1);
    }
}

uint64_t sd_net_timers_next(void)
{
    uint64_t next = XEN_FOREVER;

    for (unsigned i = 0; i < TIMERS; i++) {
        uint32_t due = timers[i].due();

        if (due != NONE && timers[i].last + due * timers[i].interval < next)
            next = timers[i].last + due * timers[i].interval;
    }
    return next;
}

bool sd_net_timers_are_late(void)
{
    return !tcp.busy;
}

bool sd_net_timers_take_news(void)
{
    bool had = news;

    news = false;
    return had;
}

/* lwIP's, called when it starts: there is nothing to do. */
void sys_timeouts_init(void)
{
}
