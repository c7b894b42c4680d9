/*
 * The network's thread, as the rest of stardust/net sees it.
 */
#ifndef STARDUST_NET_NET_H
#define STARDUST_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

struct sd_interface;

/* Sets the flag and wakes the thread. Any context. */
void sd_net_kick(bool *flag);

/* Clears it; whether it was set. Thread context. */
bool sd_net_take_kick(bool *flag);

/* Every interface there ever was, NULL after the last. Filled by net/control.c on its thread, before anybody
 * looks. */
extern struct sd_interface *sd_interfaces[];

/* The backend broke the protocol: has net/control.c connect it anew. Under the network's lock. */
void sd_net_broken(struct sd_interface *interface);

/* Connects vifs and disconnects them as they come and go, for ever. Thread function. */
void sd_net_control(void *arg);

#endif
