#include "time_wait.h"

#include "lwip/priv/tcp_priv.h"

#define MOST       4096
#define LOOK_EVERY 64

/* The list has the newest first, and only its head is removed without a search. */
void sd_net_time_waits_keep(unsigned most)
{
    struct tcp_pcb *newest = tcp_tw_pcbs, **end = &newest, *rest;

    while (*end && most--)
        end = &(*end)->next;
    rest = *end;
    *end = NULL;
    for (tcp_tw_pcbs = rest; tcp_tw_pcbs;)
        tcp_abandon(tcp_tw_pcbs, 0);
    tcp_tw_pcbs = newest;
}

unsigned sd_net_time_waits_count(void)
{
    unsigned count = 0;

    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next)
        count++;
    return count;
}

void sd_net_time_waits_bound(void)
{
    static unsigned calls;

    if (!(++calls % LOOK_EVERY))
        sd_net_time_waits_keep(MOST);
}
