/*
 * lwIP's cyclic timers, each run only while it has work: an idle network has no deadline at all. Those that
 * only grow old in the meantime (ARP, neighbours, leases) catch up with the clock before the next packet is
 * looked at. Under the network's lock.
 */
#ifndef STARDUST_NET_TIMERS_H
#define STARDUST_NET_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

void sd_net_timers_start(uint64_t now);

/* Runs what is due, and catches up. Before packets and calls are looked at, after any wait. */
void sd_net_timers_run(uint64_t now);

/* When sd_net_timers_run has to be called next at the latest: XEN_FOREVER when nothing is pending. */
uint64_t sd_net_timers_next(void);

/* Whether there is no deadline by which the network thread would soon call sd_net_timers_run: what is called
 * now would otherwise find clocks that stand. */
bool sd_net_timers_are_late(void);

/* Whether something has begun, since this was asked last, that sd_net_timers_next may not have known of. */
bool sd_net_timers_take_news(void);

/* What lwIP keeps to itself, seen on its way: TCP was given something to do, an ARP request or an IPv6 packet
 * was sent, a fragment came. */
void sd_net_timers_tcp_used(void);
void sd_net_timers_arp_asked(void);
void sd_net_timers_neighbour_used(void);
void sd_net_timers_fragment(bool ipv6);

/* A segment came or leaves, or a connection was changed otherwise: whether it has work for the clock is
 * looked at when the pass ends. */
void sd_net_timers_tcp_touched(void);

#endif
