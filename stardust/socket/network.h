/* The network as programs for the C library find it. Private to stardust/socket. */
#ifndef STARDUST_SOCKET_NETWORK_H
#define STARDUST_SOCKET_NETWORK_H

/*
 * Starts it, once, and waits until there is an address if one is to come, as a program finds it on Linux: 15
 * s at the most. 0 or -ENOBUFS. Thread context.
 */
int sd_network_begin(void);

#endif
