/*
 * What the guest tells the toolstack: its addresses, and what it serves (docs/guest-contract.md).
 */
#ifndef STARDUST_NET_PUBLISH_H
#define STARDUST_NET_PUBLISH_H

struct sd_interface;

void sd_net_publish_init(void);

/* Those of an interface may have changed, or it is no longer known. Writes nothing yet. Under the network's
 * lock. */
void sd_net_addresses_changed(struct sd_interface *interface);

/* The first interface is to have none: whoever waits for it goes on. Thread context. */
void sd_net_no_address(void);

/* Writes to xenstore what changed since the last time; waits for it. Thread context, outside the network's
 * lock. */
void sd_net_publish(void);

#endif
