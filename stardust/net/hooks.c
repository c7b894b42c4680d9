/*
 * What lwIP asks us for while it works.
 */
#include "lwip/opt.h"

#include <string.h>

#include <stardust/kernel.h>

#include "arch/hooks.h"
#include "lwip/priv/tcp_priv.h"
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
 * lwIP acknowledges every second packet and delays the rest by up to 250 ms. One packet may be 64 KiB here,
 * as much as the sender's whole window.
 */
void sd_net_tcp_arrived(struct tcp_pcb *pcb, const struct pbuf *packet)
{
    if (pcb->state == ESTABLISHED && packet->tot_len > 2 * pcb->mss)
        tcp_ack_now(pcb);
}
