/*
 * Connections that their program has closed, and that still have something to send to a peer or to hear from
 * it. As Linux's orphans they are bounded in time, and give way where memory is scarce: a peer that closes
 * its window and acknowledges each probe of it would keep one, with all that is unsent, for ever. Under the
 * network's lock.
 */
#ifndef STARDUST_NET_ORPHAN_H
#define STARDUST_NET_ORPHAN_H

#include <stdbool.h>

struct tcp_pcb;

/* From here on it is reset once the peer has acknowledged nothing new for a minute. */
void sd_net_orphan(struct tcp_pcb *pcb);

/* Resets those that got nowhere for two seconds or more, the longest first, until memory is not short. Looks
 * at all connections, twice a second at most. */
void sd_net_orphans_give_way(void);

/* Whether some stayed then, that may give way soon. */
bool sd_net_orphans_are_left(void);

#endif
