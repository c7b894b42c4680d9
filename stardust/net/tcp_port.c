#include "tcp_port.h"

#include <string.h>

#include "lwip/priv/tcp_priv.h"

#include "random.h"
#include "time_wait.h"

#include "port/lwipopts.h"

#define FIRST TCP_LOCAL_PORT_RANGE_START
#define COUNT (TCP_LOCAL_PORT_RANGE_END - FIRST)
#define BITS  64

typedef uint64_t ports[(COUNT + BITS - 1) / BITS];

/* Whoever uses a port is in `used`; who uses it no more is, too, until it is full. */
static ports used, taken;

static void mark(ports set, uint16_t port)
{
    unsigned at = (unsigned)port - FIRST;

    if (at < COUNT)
        set[at / BITS] |= 1ull << at % BITS;
}

static void mark_all(ports set, const struct tcp_pcb *list)
{
    for (; list; list = list->next)
        mark(set, list->local_port);
}

static void mark_those_to(ports set, const struct tcp_pcb *list, const ip_addr_t *peer, uint16_t peer_port)
{
    for (; list; list = list->next) {
        if (!peer || (list->remote_port == peer_port && ip_addr_cmp_zoneless(&list->remote_ip, peer)))
            mark(set, list->local_port);
    }
}

static void gather(ports set, const ip_addr_t *peer, uint16_t peer_port)
{
    memset(set, 0, sizeof(ports));
    /* A listener's PCB is a shorter one. */
    mark_all(set, tcp_listen_pcbs.pcbs);
    mark_all(set, tcp_bound_pcbs);
    mark_those_to(set, tcp_active_pcbs, peer, peer_port);
    mark_those_to(set, tcp_tw_pcbs, peer, peer_port);
}

static uint16_t find(const ports set)
{
    unsigned start = sd_net_random() % COUNT;

    for (unsigned i = 0; i < COUNT; i++) {
        unsigned at = (start + i) % COUNT;

        if (!(set[at / BITS] >> at % BITS & 1))
            return (uint16_t)(FIRST + at);
    }
    return 0;
}

static uint16_t find_for(const ip_addr_t *peer, uint16_t peer_port)
{
    gather(taken, peer, peer_port);
    return find(taken);
}

uint16_t sd_net_tcp_port(const ip_addr_t *peer, uint16_t peer_port)
{
    uint16_t port = find(used);

    sd_net_time_waits_bound();
    if (!port) {
        gather(used, NULL, 0);
        port = find(used);
    }
    if (!port && peer)
        port = find_for(peer, peer_port);
    for (unsigned waiting = port ? 0 : sd_net_time_waits_count(); waiting && !port;) {
        waiting /= 2;
        sd_net_time_waits_keep(waiting);
        port = find_for(peer, peer_port);
    }
    mark(used, port);
    return port;
}

void sd_net_tcp_port_used(uint16_t port)
{
    mark(used, port);
}
