/*
 * The network: lwIP's raw API over the guest's vif devices. A program that calls sd_net_start() has a
 * network, another has not.
 *
 * lwIP runs on one thread, the network's; its raw API may be called there and nowhere else: in its callbacks,
 * and in functions handed to sd_net_call.
 */
#ifndef STARDUST_NET_H
#define STARDUST_NET_H

#include <xenlib/types.h>

/*
 * Brings the network up: starts its thread, which connects every vif, now and later, and configures it (ip=
 * of the command line; IPv6 by router advertisement). Does not wait for an address. 0, -EALREADY, or -ENOMEM,
 * and then it may be tried again.
 */
int sd_net_start(void) xen_must_check;

/* Runs function(arg) on the network's thread and waits for it; returns what it returned. Thread context. */
int sd_net_call(int (*function)(void *arg), void *arg);

/* Waits until the first interface has an IPv4 address. 0 or -ETIMEDOUT. */
int sd_net_wait_address(uint64_t deadline) xen_must_check;

/*
 * Tells whoever started the guest that the program serves this port ("tcp" or "udp"): written to xenstore
 * with the address, as soon as there is one (docs/guest-contract.md). Thread context. 0, -ENOSPC after 16
 * ports.
 */
int sd_net_serving(const char *protocol, uint16_t port) xen_must_check;

#endif
