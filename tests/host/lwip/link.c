#include "link.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>

#include "lwip/init.h"
#include "lwip/priv/nd6_priv.h"

#include "memory.h"
#include "net.h"
#include "publish.h"
#include "random.h"
#include "receive.h"
#include "timers.h"

uint32_t sd_net_tcp_window = 65536, sd_net_tcp_send = 65536;
uint64_t now;
struct sd_interface interface;

/* ---- what is around stardust/net ---- */

void xen_platform_panic(const char *format, ...)
{
    printf("# panic: %s\n", format);
    abort();
}

uint64_t sd_now(void)
{
    return now;
}

bool sd_option(const char *name, char *value, size_t size)
{
    (void)name, (void)value, (void)size;
    return false;
}

void sd_log(enum xen_log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

bool sd_log_allowed(struct sd_log_limit *limit, const char *what)
{
    (void)limit, (void)what;
    return false;
}

bool memory_is_short;
static bool dips;

void *sd_net_alloc(size_t bytes)
{
    return memory_is_short && !dips ? NULL : malloc(bytes);
}

void *sd_net_calloc(size_t count, size_t bytes)
{
    return memory_is_short && !dips ? NULL : calloc(count, bytes);
}

void sd_net_free(void *block)
{
    free(block);
}

void sd_net_memory_dip(bool on)
{
    dips = on;
}

bool sd_net_memory_is_short(void)
{
    return memory_is_short;
}

bool sd_net_memory_is_scarce(void)
{
    return memory_is_short;
}

bool sd_net_memory_is_out(void)
{
    return memory_is_short;
}

bool sd_net_memory_takes_page(size_t held)
{
    (void)held;
    return !memory_is_short;
}

bool sd_net_memory_is_low(void)
{
    return memory_is_short;
}

uint32_t sd_net_random(void)
{
    return 4;
}

void sd_net_random_add(const void *data, size_t bytes)
{
    (void)data, (void)bytes;
}

uint64_t sd_net_hash(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint64_t hash = 0xcbf29ce484222325;

    while (bytes--)
        hash = (hash ^ *at++) * 0x100000001b3;
    return hash ^ hash >> 32;
}

void sd_net_kick(bool *flag)
{
    *flag = true;
}

bool sd_net_take_kick(bool *flag)
{
    (void)flag;
    return false;
}

void sd_net_broken(struct sd_interface *which)
{
    (void)which;
}

void sd_net_addresses_changed(struct sd_interface *which)
{
    (void)which;
}

void sd_net_no_address(void)
{
}

/* ---- netfront ---- */

static struct sent building;
struct sent sent[PACKETS_MAX];
unsigned packets;

int xen_netfront_poll(struct xen_netfront *front)
{
    (void)front;
    return 0;
}

void xen_netfront_flush(struct xen_netfront *front)
{
    (void)front;
}

void xen_netfront_return(struct xen_netfront *front, void *data)
{
    (void)front, (void)data;
}

bool ring_is_full;

int xen_netfront_append(struct xen_netfront *front, const void *data, size_t bytes)
{
    (void)front;
    if (ring_is_full) {
        ring_is_full = false;
        return -EAGAIN;
    }
    if (bytes > sizeof building.bytes - building.length)
        return -EMSGSIZE;
    memcpy(building.bytes + building.length, data, bytes);
    building.length += bytes;
    return 0;
}

size_t xen_netfront_building(const struct xen_netfront *front)
{
    (void)front;
    return building.length;
}

void *xen_netfront_head(struct xen_netfront *front)
{
    (void)front;
    return building.length ? building.bytes : NULL;
}

int xen_netfront_commit(struct xen_netfront *front, const struct xen_net_offload *offload)
{
    (void)front;
    building.offload = offload ? *offload : (struct xen_net_offload){0};
    if (packets == 10000)
        xen_platform_panic("packets without an end");
    if (packets++ < PACKETS_MAX)
        sent[packets - 1] = building;
    building.length = 0;
    return 0;
}

void xen_netfront_abort(struct xen_netfront *front)
{
    (void)front;
    building.length = 0;
}

/* ---- the link ---- */

void set_ipv6(ip_addr_t *address, const char *bytes)
{
    IP_SET_TYPE(address, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(address)->addr, bytes, 16);
    ip6_addr_assign_zone(ip_2_ip6(address), IP6_UNICAST, &interface.netif);
}

void receive(const uint8_t *frame, size_t bytes)
{
    uint8_t copy[256];
    struct xen_net_packet packet = {.fragments = {{copy, (uint32_t)bytes}}, .count = 1, .lent = true};

    packet.length = (uint32_t)bytes;
    memcpy(copy, frame, bytes);
    sd_receive(&interface, &packet);
    sd_interface_flush(&interface);
}

void pass_quarters(unsigned count)
{
    while (count--) {
        now += 250000000;
        sd_net_timers_run(now);
        sd_interface_flush(&interface);
    }
}

void pass(unsigned seconds)
{
    while (seconds--) {
        now += 1000000000;
        sd_net_timers_run(now);
        sd_interface_flush(&interface);
    }
}

void meet(void)
{
    static const uint8_t who_has[] = OUR_MAC MAC "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01" MAC
                                                 "\x0a\x00\x02\x02\0\0\0\0\0\0\x0a\x00\x02\x0f";
    struct nd6_neighbor_cache_entry *entry = &neighbor_cache[0];
    ip_addr_t peer;

    receive(who_has, sizeof who_has - 1);
    set_ipv6(&peer, PEER);
    *entry = (struct nd6_neighbor_cache_entry){
        .netif = &interface.netif, .state = ND6_REACHABLE, .counter = {.reachable_time = 30000}};
    memcpy(entry->lladdr, MAC, 6);
    entry->next_hop_address = *ip_2_ip6(&peer);
    packets = 0;
}

void start(void)
{
    lwip_init();
    interface.front.features = (struct xen_net_features){true, true, true, true, true};
    memcpy(interface.front.mac, OUR_MAC, 6);
    interface.config = (struct sd_net_address){SD_NET_FIXED, {10, 0, 2, 15}, {0}, 24};
    TEST_REQUIRE(!sd_interface_attach(&interface));
    pass(5);
    meet();
    packets = 0;
}
