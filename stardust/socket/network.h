/* The network as a program finds it. Private to stardust/socket, stardust/posix and stardust/fs. */
#ifndef STARDUST_SOCKET_NETWORK_H
#define STARDUST_SOCKET_NETWORK_H

#include <xenlib/types.h>

/* Starts it, in a program that may open a socket (posix/start.c): does not wait. */
void sd_network_begin(void) __attribute__((weak));

/* Waits, for the first time and not for ever, until there is an address if one is to come. 0 or -ENOBUFS. */
int sd_network_wait(void) xen_must_check;

#endif
