#include "orphan.h"

#include "lwip/priv/tcp_priv.h"

#include "memory.h"

/* In slow ticks, which lwIP counts in polltmr and begins anew when something is acknowledged. */
#define TICKS(seconds) ((seconds)*1000 / TCP_SLOW_INTERVAL)
#define PATIENCE       TICKS(60)
#define LONG           TICKS(32)
#define SHORT          TICKS(2)

_Static_assert(PATIENCE <= UINT8_MAX, "pollinterval has 8 bits");

/* By a number that the peer takes: what a closed window was probed with is beyond its end. */
static void reset(struct tcp_pcb *pcb)
{
    uint32_t end = pcb->lastack + pcb->snd_wnd;

    if (TCP_SEQ_LT(end, pcb->snd_nxt))
        pcb->snd_nxt = end;
    tcp_abort(pcb);
}

static err_t on_stuck(void *arg, struct tcp_pcb *pcb)
{
    (void)arg;
    reset(pcb);
    return ERR_ABRT;
}

void sd_net_orphan(struct tcp_pcb *pcb)
{
    pcb->polltmr = 0;
    tcp_poll(pcb, on_stuck, PATIENCE);
}

static bool are_left;

static void give_way(unsigned stuck)
{
    struct tcp_pcb *next;

    are_left = false;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb && sd_net_memory_is_short(); pcb = next) {
        next = pcb->next;
        if (pcb->poll != on_stuck)
            continue;
        if (pcb->polltmr >= stuck)
            reset(pcb);
        else
            are_left = true;
    }
}

bool sd_net_orphans_are_left(void)
{
    return are_left;
}

void sd_net_orphans_give_way(void)
{
    static uint32_t looked_at = UINT32_MAX;

    if (looked_at == tcp_ticks)
        return;
    looked_at = tcp_ticks;
    for (unsigned stuck = LONG; stuck >= SHORT; stuck /= 2)
        give_way(stuck);
}
