/*
 * The network: lwIP's raw API over the guest's vif devices. A program that calls sd_net_start() has a
 * network, another has not.
 *
 * lwIP's raw API may be called by who holds the network's lock: in its callbacks, in functions handed to
 * sd_net_call, and between sd_net_lock and sd_net_unlock. What is queued for a connection in a callback of
 * another protocol, or between the latter two, is to be sent there, too (tcp_output): TCP's clock stands
 * while there is nothing to do, and would not know of it. Packets are received, and timers run, on a thread
 * of the network's own.
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

/*
 * Keeps everybody else from lwIP; only after sd_net_start. Whoever holds it does not wait, and does not take
 * it again. Letting go of it delivers what the guest has sent to itself and hands all other packets to the
 * backends. Thread context.
 */
void sd_net_lock(void);
void sd_net_unlock(void);

/* Runs function(arg) under that lock; returns what it returned. Thread context, callbacks included. */
int sd_net_call(int (*function)(void *arg), void *arg);

/* Waits until the first interface has an IPv4 address. 0; -ETIMEDOUT; -ENODEV when none will be had, for
 * there is no vif, or it is to have none. */
int sd_net_wait_address(uint64_t deadline) xen_must_check;

/*
 * Tells whoever started the guest that the program serves this port ("tcp" or "udp"): written to xenstore
 * with the address, as soon as there is one (docs/guest-contract.md). Thread context. 0, also for what was
 * told before; -ENOSPC after 16 ports.
 */
int sd_net_serving(const char *protocol, uint16_t port) xen_must_check;

#endif
