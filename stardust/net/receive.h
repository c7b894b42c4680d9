/*
 * From netfront's packets to lwIP, without a copy but for short ones. Under the network's lock.
 */
#ifndef STARDUST_NET_RECEIVE_H
#define STARDUST_NET_RECEIVE_H

#include "interface.h"

/* As xen_netfront_ops.receive, `arg` is the interface: the packet's pages are given back once lwIP and the
 * program have let go of them. */
void sd_receive(void *arg, const struct xen_net_packet *packet);

#endif
