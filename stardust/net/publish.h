/*
 * What the guest tells the toolstack: its address, and what it serves (docs/guest-contract.md).
 */
#ifndef STARDUST_NET_PUBLISH_H
#define STARDUST_NET_PUBLISH_H

#include <stdint.h>

void sd_net_publish_init(void);

/* The first interface's IPv4 address, in network byte order, or 0. Writes nothing yet. */
void sd_net_address_changed(uint32_t address);

/* None is to come: whoever waits for it goes on. Thread context. */
void sd_net_no_address(void);

/* Writes to xenstore what changed since the last time; waits for it. Thread context. */
void sd_net_publish(void);

#endif
