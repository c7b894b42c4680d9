/*
 * How much of the guest's memory the network may take.
 *
 * It takes what it needs as long as a reserve stays for everybody else, of which programs and their files
 * leave five eighths (sd_pages_keep). While the guest is short of memory, packets with data are dropped, and
 * in the end connections refused; both ends of TCP try again.
 */
#ifndef STARDUST_NET_MEMORY_H
#define STARDUST_NET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets TCP's windows (lwipopts.h) and the reserve by the guest's size. Once, before lwIP starts. */
void sd_net_set_limits(void);

/* Pages that one interface may post for reception, and use for transmission. */
uint32_t sd_net_ring_pages(void);

/* Whether no more than the reserve is left. */
bool sd_net_memory_is_short(void);

/* Whether a packet may keep whole pages, where packets keep `held` now: also while memory is short, if these
 * are few. It may be the program that has the memory, and wait for what tells it to give some back. */
bool sd_net_memory_takes_page(size_t held);

/* Whether that went on until further connections are only taken if waiting would not help: it is the program
 * that has the memory. And whether there is none for them at all: what there is then is for those that there
 * are. */
bool sd_net_memory_is_scarce(void);
bool sd_net_memory_is_out(void);

/*
 * While on, more of the reserve may be taken: for a short packet that arrives and what is answered to it, and
 * for the clock's work. That is soon given back, and may be what ends a connection. What a packet brings is
 * not to be kept while memory is low.
 */
void sd_net_memory_dip(bool on);
bool sd_net_memory_is_low(void);

/* lwIP's heap (lwipopts.h): NULL also while memory is low, or, while sd_net_memory_dip is on, less than an
 * eighth of the reserve is left. */
void *sd_net_alloc(size_t bytes);
void *sd_net_calloc(size_t count, size_t bytes);
void sd_net_free(void *block);

#endif
