#include "memory.h"

#include <stardust/memory.h>

#include "port/lwipopts.h"

uint32_t sd_net_tcp_window, sd_net_tcp_send;
static size_t pages_total, reserve; /* in pages */
static bool dips;

/*
 * What of the reserve must be there, in eighths. Programs cannot take what connections need, so that one that
 * has all the memory it can get is still served and reached.
 */
#define FOR_CONNECTIONS      6
#define LEFT_BY_PROGRAMS     5
#define FOR_SOME_CONNECTIONS 4
#define FOR_ALL_OF_LWIP      3
#define FOR_SHORT_PACKETS    1

/* Of the reserve, what the network may hold of it. */
#define HELD_PART 16

static size_t part(size_t eighths)
{
    return reserve / 8 * eighths;
}

static uint32_t clamp(size_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : (uint32_t)value;
}

/* A window holds its bytes in pages that may be a third full, so that one of 1/128 may take 1/43 of all
 * memory. */
void sd_net_set_limits(void)
{
    struct sd_memory_stats stats;

    sd_memory_stats(&stats);
    pages_total = stats.pages_total;
    reserve = clamp(stats.pages_free / 8, 16, 2048);
    sd_pages_keep(part(LEFT_BY_PROGRAMS));
    sd_net_tcp_window = clamp(pages_total * XEN_PAGE_SIZE / 128, 32 * 1024, SD_NET_TCP_WINDOW_MAX);
    sd_net_tcp_send = clamp(pages_total * XEN_PAGE_SIZE / 128, 32 * 1024, SD_NET_TCP_SEND_MAX);
}

uint32_t sd_net_ring_pages(void)
{
    return clamp(pages_total / 16, 20, 256);
}

bool sd_net_memory_is_short(void)
{
    return sd_pages_free() < reserve;
}

bool sd_net_memory_takes_page(size_t held)
{
    return !sd_net_memory_is_short() || (!sd_net_memory_is_out() && held < reserve / HELD_PART);
}

bool sd_net_memory_is_scarce(void)
{
    return sd_pages_free() < part(FOR_CONNECTIONS);
}

bool sd_net_memory_is_out(void)
{
    return sd_pages_free() < part(FOR_SOME_CONNECTIONS);
}

void sd_net_memory_dip(bool on)
{
    dips = on;
}

bool sd_net_memory_is_low(void)
{
    return sd_pages_free() < part(FOR_ALL_OF_LWIP);
}

static bool is_refused(void)
{
    return dips ? sd_pages_free() < part(FOR_SHORT_PACKETS) : sd_net_memory_is_low();
}

void *sd_net_alloc(size_t bytes)
{
    return is_refused() ? NULL : sd_alloc(bytes);
}

void *sd_net_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : sd_calloc(count, bytes);
}

void sd_net_free(void *block)
{
    sd_free(block);
}
