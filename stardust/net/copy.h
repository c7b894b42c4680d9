/* What lwIP copies of a program's. Private to stardust/. */
#ifndef STARDUST_NET_COPY_H
#define STARDUST_NET_COPY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * In place of memcpy where lwIP fills segments (lwipopts.h), as what it copies may be a program's. Whether
 * one has failed since this was asked last: then there are segments with nothing of use in them.
 */
void sd_net_copy(void *to, const void *from, size_t bytes);
bool sd_net_copy_has_failed(void);

#endif
