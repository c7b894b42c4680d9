/*
 * Who is let in, and who gives way: a listener under a flood of SYNs, a guest short of memory, or of ports.
 * lwIP is the real one, its memory is played. Built by deps/lwip-host.mk.
 */
#include "tap.h"

#include <stdint.h>
#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>

#include "memory.h"
#include "orphan.h"
#include "random.h"
#include "tcp_port.h"
#include "timers.h"

#include "arch/hooks.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"

uint32_t sd_net_tcp_window = 65536, sd_net_tcp_send = 65536;
static unsigned blocks, most_blocks; /* short of memory with more than that … */
static unsigned spare;               /* … and without any with so many more */

void *sd_net_alloc(size_t bytes)
{
    blocks++;
    return malloc(bytes);
}

void *sd_net_calloc(size_t count, size_t bytes)
{
    blocks++;
    return calloc(count, bytes);
}

void sd_net_free(void *block)
{
    blocks -= block != NULL;
    free(block);
}

bool sd_net_memory_is_scarce(void)
{
    return blocks > most_blocks;
}

bool sd_net_memory_is_short(void)
{
    return blocks > most_blocks;
}

bool sd_net_memory_is_out(void)
{
    return blocks > most_blocks + spare;
}

bool sd_net_memory_is_low(void)
{
    return blocks > most_blocks + spare;
}

uint32_t sd_net_random(void)
{
    return 4;
}

uint64_t sd_net_hash(const void *data, size_t bytes)
{
    (void)data, (void)bytes;
    return 0;
}

uint64_t sd_now(void)
{
    return 0;
}

uint16_t sd_net_checksum(const void *data, int bytes)
{
    (void)data, (void)bytes;
    return 0;
}

void xen_platform_panic(const char *format, ...)
{
    printf("# panic: %s\n", format);
    abort();
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

void tcp_timer_needed(void)
{
}

void sd_net_timers_tcp_touched(void)
{
}

void sd_net_tcp_leaves(const struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *packet)
{
    (void)pcb, (void)header, (void)packet;
}

/* ---- connections in a state ---- */

static struct tcp_pcb_listen *listener;

static struct tcp_pcb *connection(enum tcp_state state, struct tcp_pcb **list)
{
    struct tcp_pcb *pcb = tcp_new();

    pcb->state = state;
    pcb->local_port = 7;
    pcb->remote_port = 1;
    if (state == SYN_RCVD) {
        pcb->listener = listener;
        tcp_backlog_delayed(pcb);
    }
    TCP_REG(list, pcb);
    return pcb;
}

static unsigned length(const struct tcp_pcb *list)
{
    unsigned count = 0;

    for (; list; list = list->next)
        count++;
    return count;
}

static bool is_in(const struct tcp_pcb *list, const struct tcp_pcb *pcb)
{
    while (list && list != pcb)
        list = list->next;
    return list;
}

static void begin(void)
{
    struct tcp_pcb *pcb = tcp_new();

    most_blocks = UINT32_MAX;
    spare = 0;
    tcp_bind(pcb, IP_ANY_TYPE, 7);
    listener = (struct tcp_pcb_listen *)(void *)tcp_listen(pcb);
}

static void end(void)
{
    while (tcp_active_pcbs)
        tcp_abandon(tcp_active_pcbs, 0);
    while (tcp_tw_pcbs)
        tcp_abandon(tcp_tw_pcbs, 0);
    tcp_close((struct tcp_pcb *)(void *)listener);
}

static bool syn_is_heard(void)
{
    struct tcp_hdr header = {0};
    struct pbuf packet = {0};

    TCPH_HDRLEN_FLAGS_SET(&header, 5, TCP_SYN);
    return sd_net_tcp_arrived((struct tcp_pcb *)(void *)listener, &header, 0, &packet);
}

TEST(hooks_what_waits_to_be_sent_again_is_when_the_peer_has_room)
{
    static const struct {
        const char *what;
        uint16_t window;
        uint8_t tries;
        bool soon;
    } cases[] = {
        {"a wider window", 101, 5, true},
        {"the same window", 100, 5, false},
        {"a narrower window", 0, 5, false},
        {"a wider window where nothing was lost", 101, 0, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcp_hdr header = {.wnd = cases[i].window};
        struct tcp_seg segment = {0};
        struct pbuf packet = {0};
        struct tcp_pcb *pcb;

        begin();
        pcb = connection(ESTABLISHED, &tcp_active_pcbs);
        pcb->unacked = &segment;
        pcb->snd_wnd = 100;
        pcb->nrtx = cases[i].tries;
        pcb->rto = 96;
        pcb->rtime = 0;
        TCPH_HDRLEN_FLAGS_SET(&header, 5, TCP_ACK);
        TEST_CHECK(sd_net_tcp_arrived(pcb, &header, 0, &packet));
        TEST_CHECK((pcb->rtime == pcb->rto) == cases[i].soon, "%s", cases[i].what);
        pcb->unacked = NULL;
        end();
    }
}

TEST(hooks_half_open_connections_stay_while_there_is_a_place)
{
    begin();
    for (unsigned i = 0; i < 254; i++)
        connection(SYN_RCVD, &tcp_active_pcbs);
    TEST_CHECK(syn_is_heard());
    TEST_CHECK(length(tcp_active_pcbs) == 254);
    end();
}

TEST(hooks_oldest_half_open_connections_give_way_to_a_syn)
{
    struct tcp_pcb *oldest, *newest = NULL, *established;

    begin();
    established = connection(ESTABLISHED, &tcp_active_pcbs);
    oldest = connection(SYN_RCVD, &tcp_active_pcbs);
    for (unsigned i = 1; i < 255; i++)
        newest = connection(SYN_RCVD, &tcp_active_pcbs);
    TEST_CHECK(listener->accepts_pending == 255);
    TEST_CHECK(syn_is_heard());
    TEST_CHECK(listener->accepts_pending == 255 - 64);
    TEST_CHECK(!is_in(tcp_active_pcbs, oldest) && is_in(tcp_active_pcbs, newest));
    TEST_CHECK(is_in(tcp_active_pcbs, established));
    end();
}

TEST(hooks_half_open_connections_of_other_listeners_stay)
{
    struct tcp_pcb_listen *other;
    struct tcp_pcb *theirs;

    begin();
    other = listener;
    theirs = connection(SYN_RCVD, &tcp_active_pcbs);
    begin();
    for (unsigned i = 0; i < 255; i++)
        connection(SYN_RCVD, &tcp_active_pcbs);
    TEST_CHECK(syn_is_heard());
    TEST_CHECK(is_in(tcp_active_pcbs, theirs));
    end();
    tcp_close((struct tcp_pcb *)(void *)other);
}

TEST(hooks_without_memory_a_syn_is_not_heard)
{
    begin();
    connection(ESTABLISHED, &tcp_active_pcbs);
    most_blocks = blocks - 1;
    TEST_CHECK(!syn_is_heard());
    most_blocks = blocks;
    TEST_CHECK(syn_is_heard());
    end();
}

TEST(hooks_without_memory_no_connection_is_completed)
{
    struct tcp_hdr header = {0};
    struct pbuf packet = {0};
    struct tcp_pcb *pcb;

    begin();
    pcb = connection(SYN_RCVD, &tcp_active_pcbs);
    TCPH_HDRLEN_FLAGS_SET(&header, 5, TCP_ACK);
    most_blocks = blocks - 1;
    TEST_CHECK(!sd_net_tcp_arrived(pcb, &header, 0, &packet));
    pcb->state = ESTABLISHED;
    TEST_CHECK(sd_net_tcp_arrived(pcb, &header, 0, &packet));
    pcb->state = SYN_RCVD;
    most_blocks = blocks;
    TEST_CHECK(sd_net_tcp_arrived(pcb, &header, 0, &packet));
    end();
}

TEST(hooks_data_are_not_kept_while_memory_is_low)
{
    struct tcp_hdr header = {0};
    struct pbuf data = {.tot_len = 1}, none = {0};
    struct tcp_pcb *pcb;

    begin();
    pcb = connection(ESTABLISHED, &tcp_active_pcbs);
    pcb->rcv_wnd = 1000;
    TCPH_HDRLEN_FLAGS_SET(&header, 5, TCP_ACK);
    most_blocks = blocks - 1;
    TEST_CHECK(!sd_net_tcp_arrived(pcb, &header, 0, &data));
    TEST_CHECK(sd_net_tcp_arrived(pcb, &header, 0, &none));
    most_blocks = blocks;
    TEST_CHECK(sd_net_tcp_arrived(pcb, &header, 0, &data));
    end();
}

TEST(hooks_where_memory_is_scarce_connections_that_have_ended_go_first)
{
    struct tcp_pcb *oldest, *newest = NULL;

    begin();
    oldest = connection(TIME_WAIT, &tcp_tw_pcbs);
    for (unsigned i = 1; i < 1000; i++)
        newest = connection(TIME_WAIT, &tcp_tw_pcbs);
    most_blocks = blocks - 1;
    TEST_CHECK(syn_is_heard());
    TEST_CHECK(length(tcp_tw_pcbs) == 64);
    TEST_CHECK(!is_in(tcp_tw_pcbs, oldest) && is_in(tcp_tw_pcbs, newest));
    end();
}

TEST(hooks_connections_that_have_ended_are_bounded_in_number)
{
    begin();
    for (unsigned i = 0; i < 6000; i++)
        connection(TIME_WAIT, &tcp_tw_pcbs);
    for (unsigned i = 0; i < 64; i++)
        TEST_CHECK(syn_is_heard());
    TEST_CHECK(length(tcp_tw_pcbs) == 4096);
    end();
    TEST_CHECK(blocks == 0);
}

/* ---- a SYN meets what is left of a connection ---- */

#define ENDED_AT 1000u /* what the connection in TIME_WAIT awaited next */

struct arrival {
    const char *what;
    uint32_t sequence;
    uint8_t flags;
    bool ends;
    uint16_t remote_port, local_port; /* 0: the connection's */
    uint8_t remote, local;            /* the last byte of an address; 0: the connection's */
    uint16_t fragment;                /* IPv4's flags and offset, in units of eight bytes */
    uint8_t options;                  /* of IPv4's header, in words */
    uint8_t protocol;                 /* 0: TCP */
    uint8_t cut;                      /* bytes missing at its end */
    bool only_ipv4;
};

static const struct arrival arrivals[] = {
    {"a later SYN", ENDED_AT + 1, TCP_SYN, .ends = true},
    {"a SYN with the number awaited", ENDED_AT, TCP_SYN, .ends = true},
    {"a later SYN with ECN's bits", ENDED_AT + 1, TCP_SYN | TCP_ECE | TCP_CWR, .ends = true},
    {"a later SYN behind IPv4 options", ENDED_AT + 1, TCP_SYN, .ends = true, .options = 2, .only_ipv4 = true},
    {"a later SYN in a first fragment", ENDED_AT + 1, TCP_SYN, .ends = true, .fragment = IP_MF,
     .only_ipv4 = true},
    {"a SYN that must not be cut", ENDED_AT + 1, TCP_SYN, .ends = true, .fragment = IP_DF, .only_ipv4 = true},
    {"an earlier SYN", ENDED_AT - 1, TCP_SYN, .ends = false},
    {"a SYN of half a circle later", ENDED_AT + 0x80000001u, TCP_SYN, .ends = false},
    {"a SYN|ACK", ENDED_AT + 1, TCP_SYN | TCP_ACK, .ends = false},
    {"a SYN|FIN", ENDED_AT + 1, TCP_SYN | TCP_FIN, .ends = false},
    {"a SYN|RST", ENDED_AT + 1, TCP_SYN | TCP_RST, .ends = false},
    {"no SYN", ENDED_AT + 1, TCP_ACK, .ends = false},
    {"another remote port", ENDED_AT + 1, TCP_SYN, .remote_port = 4001},
    {"another local port", ENDED_AT + 1, TCP_SYN, .local_port = 8},
    {"another remote address", ENDED_AT + 1, TCP_SYN, .remote = 3},
    {"another local address", ENDED_AT + 1, TCP_SYN, .local = 16},
    {"UDP", ENDED_AT + 1, TCP_SYN, .protocol = IP_PROTO_UDP},
    {"a header without its last byte", ENDED_AT + 1, TCP_SYN, .cut = 1},
    {"an IP header alone", ENDED_AT + 1, TCP_SYN, .cut = 20},
    {"a part of an IP header", ENDED_AT + 1, TCP_SYN, .cut = 21},
    {"an IPv4 header that says that it is longer", ENDED_AT + 1, TCP_SYN, .options = 10, .cut = 44,
     .only_ipv4 = true},
    {"a later fragment", ENDED_AT + 1, TCP_SYN, .fragment = 1, .only_ipv4 = true},
    {"a fragment in the middle", ENDED_AT + 1, TCP_SYN, .fragment = IP_MF | 100, .only_ipv4 = true},
};

static void set_ends(ip_addr_t *remote, ip_addr_t *local, bool ipv6, uint8_t remote_end, uint8_t local_end)
{
    if (ipv6) {
        IP_ADDR6(remote, PP_HTONL(0xfd5d0000), 0, 0, PP_HTONL((uint32_t)remote_end));
        IP_ADDR6(local, PP_HTONL(0xfd5d0000), 0, 0, PP_HTONL((uint32_t)local_end));
    } else {
        IP_ADDR4(remote, 10, 0, 2, remote_end);
        IP_ADDR4(local, 10, 0, 2, local_end);
    }
}

static size_t fill_ip4(uint8_t *bytes, const struct arrival *arrival, const ip_addr_t *from,
                       const ip_addr_t *to)
{
    struct ip_hdr header = {0};

    IPH_VHL_SET(&header, 4, 5 + arrival->options);
    IPH_PROTO_SET(&header, arrival->protocol ? arrival->protocol : IP_PROTO_TCP);
    IPH_OFFSET_SET(&header, lwip_htons(arrival->fragment));
    ip4_addr_copy(header.src, *ip_2_ip4(from));
    ip4_addr_copy(header.dest, *ip_2_ip4(to));
    memcpy(bytes, &header, sizeof header);
    return IP_HLEN + arrival->options * 4u;
}

static size_t fill_ip6(uint8_t *bytes, const struct arrival *arrival, const ip_addr_t *from,
                       const ip_addr_t *to)
{
    struct ip6_hdr header = {0};

    IP6H_VTCFL_SET(&header, 6, 0, 0);
    IP6H_NEXTH_SET(&header, arrival->protocol ? arrival->protocol : IP_PROTO_TCP);
    ip6_addr_copy_to_packed(header.src, *ip_2_ip6(from));
    ip6_addr_copy_to_packed(header.dest, *ip_2_ip6(to));
    memcpy(bytes, &header, sizeof header);
    return IP6_HLEN;
}

/* The packet, in memory exactly as long as it is, comes in. */
static void arrive(const struct arrival *arrival, bool ipv6)
{
    uint8_t bytes[128] = {0};
    struct netif netif = {.state = &netif};
    struct tcp_hdr tcp = {0};
    struct pbuf packet = {0};
    ip_addr_t from, to;
    size_t at;

    set_ends(&from, &to, ipv6, arrival->remote ? arrival->remote : 2, arrival->local ? arrival->local : 15);
    at = (ipv6 ? fill_ip6 : fill_ip4)(bytes, arrival, &from, &to);
    tcp.src = lwip_htons(arrival->remote_port ? arrival->remote_port : 4000);
    tcp.dest = lwip_htons(arrival->local_port ? arrival->local_port : 7);
    tcp.seqno = lwip_htonl(arrival->sequence);
    TCPH_HDRLEN_FLAGS_SET(&tcp, 5, arrival->flags);
    memcpy(bytes + at, &tcp, sizeof tcp);
    at += sizeof tcp - arrival->cut;
    packet.payload = malloc(at);
    packet.len = packet.tot_len = (uint16_t)at;
    memcpy(packet.payload, bytes, at);
    if (ipv6)
        sd_net_ip6_arrived(&packet);
    else
        sd_net_ip4_arrived(&packet, &netif);
    free(packet.payload);
}

static void check_arrival(const struct arrival *arrival, bool ipv6)
{
    struct tcp_pcb *ended, *other;

    begin();
    ended = connection(TIME_WAIT, &tcp_tw_pcbs);
    ended->remote_port = 4000;
    ended->rcv_nxt = ENDED_AT;
    set_ends(&ended->remote_ip, &ended->local_ip, ipv6, 2, 15);
    other = connection(TIME_WAIT, &tcp_tw_pcbs);
    other->rcv_nxt = ENDED_AT;
    set_ends(&other->remote_ip, &other->local_ip, ipv6, 2, 15);
    arrive(arrival, ipv6);
    TEST_CHECK(is_in(tcp_tw_pcbs, ended) == !arrival->ends, "%s, IPv%u", arrival->what, ipv6 ? 6 : 4);
    TEST_CHECK(is_in(tcp_tw_pcbs, other), "%s, IPv%u", arrival->what, ipv6 ? 6 : 4);
    end();
}

TEST(hooks_only_a_later_syn_of_its_own_ends_what_is_left_of_a_connection)
{
    for (size_t i = 0; i < sizeof arrivals / sizeof *arrivals; i++) {
        check_arrival(&arrivals[i], false);
        if (!arrivals[i].only_ipv4)
            check_arrival(&arrivals[i], true);
    }
}

/* ---- orphans ---- */

/* A connection whose program closed it and whose peer lets nothing be sent. */
static struct tcp_pcb *orphan(void)
{
    struct tcp_pcb *pcb = connection(FIN_WAIT_1, &tcp_active_pcbs);

    tcp_set_flags(pcb, TF_RXCLOSED);
    sd_net_orphan(pcb);
    return pcb;
}

static void pass(unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 1000 / TCP_TMR_INTERVAL; i++)
        tcp_tmr();
}

TEST(hooks_orphans_that_get_nowhere_for_a_minute_end)
{
    struct tcp_pcb *stuck, *program_s, *slow, *waits_for_fin;

    begin();
    stuck = orphan();
    slow = orphan();
    waits_for_fin = orphan();
    waits_for_fin->state = FIN_WAIT_2;
    program_s = connection(FIN_WAIT_1, &tcp_active_pcbs);
    pass(59);
    TEST_CHECK(is_in(tcp_active_pcbs, stuck));
    TEST_CHECK(!is_in(tcp_active_pcbs, waits_for_fin));
    slow->polltmr = 0;      /* as when something is acknowledged */
    stuck->tmr = tcp_ticks; /* as when a probe is */
    pass(2);
    TEST_CHECK(!is_in(tcp_active_pcbs, stuck));
    TEST_CHECK(is_in(tcp_active_pcbs, slow) && is_in(tcp_active_pcbs, program_s));
    pass(60);
    TEST_CHECK(!is_in(tcp_active_pcbs, slow) && is_in(tcp_active_pcbs, program_s));
    end();
}

TEST(hooks_orphan_whose_peer_talks_on_without_a_fin_ends)
{
    struct tcp_pcb *pcb;

    begin();
    pcb = orphan();
    pcb->state = FIN_WAIT_2;
    for (unsigned i = 0; i < 59; i++, pass(1))
        pcb->tmr = tcp_ticks;
    TEST_CHECK(is_in(tcp_active_pcbs, pcb));
    pcb->tmr = tcp_ticks;
    pass(2);
    TEST_CHECK(!is_in(tcp_active_pcbs, pcb));
    end();
}

TEST(hooks_where_memory_is_scarce_orphans_that_are_stuck_give_way)
{
    struct tcp_pcb *oldest, *older, *fresh, *established;

    begin();
    established = connection(ESTABLISHED, &tcp_active_pcbs);
    oldest = orphan();
    pass(20);
    older = orphan();
    pass(10);
    fresh = orphan();
    most_blocks = blocks - 1;
    TEST_CHECK(syn_is_heard());
    TEST_CHECK(!is_in(tcp_active_pcbs, oldest) && is_in(tcp_active_pcbs, older));
    pass(1);
    most_blocks = blocks - 2;
    TEST_CHECK(!syn_is_heard());
    TEST_CHECK(!is_in(tcp_active_pcbs, older));
    TEST_CHECK(is_in(tcp_active_pcbs, fresh) && is_in(tcp_active_pcbs, established));
    pass(2);
    TEST_CHECK(syn_is_heard());
    TEST_CHECK(!is_in(tcp_active_pcbs, fresh));
    end();
    TEST_CHECK(blocks == 0);
}

TEST(hooks_where_memory_is_scarce_a_syn_waits_only_for_orphans)
{
    begin();
    connection(ESTABLISHED, &tcp_active_pcbs);
    spare = 2;
    most_blocks = blocks - 1;
    TEST_CHECK(syn_is_heard());
    orphan();
    pass(1);
    most_blocks = blocks - 2;
    TEST_CHECK(!syn_is_heard());
    pass(2);
    most_blocks = blocks - 1;
    TEST_CHECK(syn_is_heard());
    end();
}

#define PORTS (TCP_LOCAL_PORT_RANGE_END - TCP_LOCAL_PORT_RANGE_START)

/* A connection to 10.0.0.1, port 1, from each port that there is. */
static void take_all_ports(enum tcp_state state, struct tcp_pcb **list, ip_addr_t *peer)
{
    IP_ADDR4(peer, 10, 0, 0, 1);
    for (unsigned i = 0; i < PORTS; i++) {
        struct tcp_pcb *pcb = connection(state, list);

        pcb->local_port = (uint16_t)(TCP_LOCAL_PORT_RANGE_START + i);
        ip_addr_copy(pcb->remote_ip, *peer);
        sd_net_tcp_port_used(pcb->local_port);
    }
}

TEST(hooks_ports_are_counted_for_each_peer)
{
    ip_addr_t peer, other;

    begin();
    take_all_ports(ESTABLISHED, &tcp_active_pcbs, &peer);
    IP_ADDR4(&other, 10, 0, 0, 2);
    TEST_CHECK(!sd_net_tcp_port(&peer, 1) && !sd_net_tcp_port(NULL, 0));
    TEST_CHECK(sd_net_tcp_port(&other, 1) && sd_net_tcp_port(&peer, 2));
    tcp_active_pcbs->local_port = 7;
    TEST_CHECK(sd_net_tcp_port(&peer, 1) == 60999 && sd_net_tcp_port(NULL, 0) == 60999);
    end();
}

TEST(hooks_where_ports_run_out_the_oldest_that_wait_give_way)
{
    struct tcp_pcb *newest;
    ip_addr_t peer;
    unsigned port;

    begin();
    take_all_ports(TIME_WAIT, &tcp_tw_pcbs, &peer);
    newest = tcp_tw_pcbs;
    port = sd_net_tcp_port(&peer, 1);
    TEST_CHECK(port >= TCP_LOCAL_PORT_RANGE_START && port < TCP_LOCAL_PORT_RANGE_START + PORTS / 2);
    TEST_CHECK(length(tcp_tw_pcbs) == PORTS / 2 && is_in(tcp_tw_pcbs, newest));
    end();
    TEST_CHECK(blocks == 0);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}
