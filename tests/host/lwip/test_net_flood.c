/*
 * Packets in the name of hosts that are not there: those that are keep their places. Built by
 * deps/lwip-host.mk.
 */
#include "link.h"
#include "tap.h"

#include <string.h>

#include "lwip/priv/nd6_priv.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "lwip/udp.h"

#include "checksum.h"

#define PEER_PORT 4000
#define BACKLOG   255

static void begin(void)
{
    static bool started;

    if (!started)
        start();
    started = true;
    meet();
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

/* ---- neighbours ---- */

static struct udp_pcb *datagrams;

/* Sends a datagram; what leaves for it is in `sent`. */
static void send_to(const ip_addr_t *to)
{
    struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, 4, PBUF_RAM);

    if (!datagrams)
        datagrams = udp_new_ip_type(IPADDR_TYPE_ANY);
    memset(packet->payload, 0, 4);
    packets = 0;
    udp_sendto(datagrams, packet, to, 9);
    pbuf_free(packet);
    sd_interface_flush(&interface);
}

/* Went as it is, to the peer's MAC; or its address was asked for. */
static bool went_to_peer(void)
{
    return packets == 1 && !memcmp(sent[0].bytes, MAC, 6) && get16(sent[0].bytes + 12) != 0x0806;
}

static bool was_asked_for(void)
{
    return packets == 1 && (get16(sent[0].bytes + 12) == 0x0806 || sent[0].bytes[20] == 58);
}

static void set_ipv4(ip_addr_t *address, unsigned number)
{
    IP_ADDR4(address, 10, 0, (uint8_t)(number >> 8), (uint8_t)number);
}

static void to_strangers_ipv4(unsigned first, unsigned count)
{
    ip_addr_t to;

    for (unsigned i = first; i < first + count; i++) {
        set_ipv4(&to, i);
        if ((i & 255) && (i & 255) != 255 && i != 0x202 && i != 0x20f)
            send_to(&to);
    }
}

TEST(flood_of_hosts_that_are_not_there_leaves_an_ipv4_neighbour_that_is)
{
    ip_addr_t peer;

    begin();
    set_ipv4(&peer, 0x202);
    to_strangers_ipv4(0x200, 256);
    send_to(&peer);
    TEST_CHECK(went_to_peer());
    /* In a network of 16 bits, too, where hosts share a place. */
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffff0000)});
    to_strangers_ipv4(0x300, 4096);
    send_to(&peer);
    TEST_CHECK(went_to_peer());
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffffff00)});
    pass(10);
}

TEST(flood_of_hosts_that_are_not_there_lets_others_be_asked_for)
{
    ip_addr_t other, like_it;

    begin();
    to_strangers_ipv4(0x210, 128);
    set_ipv4(&other, 0x2f0);
    send_to(&other);
    TEST_CHECK(was_asked_for());
    /* Where they share a place, after it is free again. */
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffff0000)});
    set_ipv4(&like_it, 0x3f0);
    send_to(&like_it);
    TEST_CHECK(!packets);
    pass(6);
    send_to(&like_it);
    TEST_CHECK(was_asked_for());
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffffff00)});
    pass(10);
}

/* One for each place. */
static void to_all_places_ipv4(unsigned first)
{
    ip_addr_t to;

    for (unsigned i = first; i < first + ARP_TABLE_SIZE / 2; i++) {
        set_ipv4(&to, i);
        send_to(&to);
    }
}

TEST(ipv4_place_is_not_given_to_another_while_its_first_may_still_be_asked_for)
{
    ip_addr_t peer;

    begin();
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffff0000)});
    for (unsigned late = 0; late < 24; late++) {
        pass(10);
        meet();
        pass_quarters(3);
        to_all_places_ipv4(0x300);
        pass_quarters(late);
        to_all_places_ipv4(0x300);
        for (unsigned quarter = late; quarter < 28; quarter++) {
            pass_quarters(1);
            to_all_places_ipv4(0x500);
        }
        set_ipv4(&peer, 0x202);
        send_to(&peer);
        TEST_CHECK(went_to_peer(), "asked again after %u quarters of a second", late);
    }
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffffff00)});
    pass(10);
}

TEST(place_of_a_host_that_has_answered_is_free)
{
    static const uint8_t answer[] = OUR_MAC MAC "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02" MAC
                                                "\x0a\x00\x03\x50" OUR_MAC "\x0a\x00\x02\x0f";
    ip_addr_t to;

    begin();
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffff0000)});
    set_ipv4(&to, 0x350);
    send_to(&to);
    TEST_CHECK(was_asked_for());
    receive(answer, sizeof(answer) - 1);
    send_to(&to);
    TEST_CHECK(went_to_peer());
    set_ipv4(&to, 0x450);
    send_to(&to);
    TEST_CHECK(was_asked_for());
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffffff00)});
    pass(10);
}

TEST(neighbours_that_are_asked_for_are_never_more_than_half_of_the_table)
{
    begin();
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffff0000)});
    /* Again and again, for as long as one could overlap the next in its place. */
    for (unsigned turn = 0; turn < 40; turn++) {
        ip_addr_t peer;

        to_strangers_ipv4(0x300 + turn * 256, 300);
        set_ipv4(&peer, 0x202);
        send_to(&peer);
        TEST_CHECK(went_to_peer(), "turn %u", turn);
        now += 500000000;
        pass(0);
        if (turn % 2)
            pass(1);
    }
    netif_set_netmask(&interface.netif, &(ip4_addr_t){PP_HTONL(0xffffff00)});
    pass(10);
}

TEST(flood_of_hosts_that_are_not_there_leaves_an_ipv6_neighbour_that_is)
{
    static const uint8_t states[] = {ND6_STALE, ND6_DELAY, ND6_PROBE, ND6_REACHABLE};
    ip_addr_t to;
    char bytes[] = "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\1\0\0";

    for (size_t i = 0; i < sizeof(states); i++) {
        pass(10);
        begin();
        neighbor_cache[0].state = states[i];
        neighbor_cache[0].counter.reachable_time = 3;
        for (unsigned k = 0; k < 1000; k++) {
            put16((uint8_t *)bytes + 14, k);
            set_ipv6(&to, bytes);
            send_to(&to);
        }
        set_ipv6(&to, PEER);
        send_to(&to);
        TEST_CHECK(went_to_peer(), "state %u", states[i]);
    }
    pass(10);
    set_ipv6(&to, bytes);
    send_to(&to);
    TEST_CHECK(was_asked_for());
    pass(10);
}

static void to_all_places_ipv6(unsigned first)
{
    char bytes[] = "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\1\0\0";
    ip_addr_t to;

    for (unsigned i = first; i < first + LWIP_ND6_NUM_NEIGHBORS / 2; i++) {
        put16((uint8_t *)bytes + 14, i);
        set_ipv6(&to, bytes);
        send_to(&to);
    }
}

TEST(ipv6_place_is_not_given_to_another_while_its_first_may_still_be_asked_for)
{
    ip_addr_t peer;

    begin();
    for (unsigned late = 0; late < 16; late++) {
        pass(10);
        meet();
        neighbor_cache[0].state = ND6_STALE;
        pass_quarters(3);
        to_all_places_ipv6(0x1000);
        pass_quarters(late);
        to_all_places_ipv6(0x1000);
        for (unsigned quarter = late; quarter < 20; quarter++) {
            pass_quarters(1);
            to_all_places_ipv6(0x2000);
        }
        set_ipv6(&peer, PEER);
        send_to(&peer);
        TEST_CHECK(went_to_peer(), "asked again after %u quarters of a second", late);
    }
    pass(10);
}

TEST(who_asks_where_we_are_is_told_so_without_memory_for_anything_else)
{
    static const uint8_t arp[] = OUR_MAC MAC "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01" MAC
                                             "\x0a\x00\x02\x02\0\0\0\0\0\0\x0a\x00\x02\x0f";
    uint8_t solicitation[] =
        OUR_MAC MAC "\x86\xdd\x60\0\0\0\0\x20\x3a\xff" PEER OURS "\x87\0\0\0\0\0\0\0" OURS "\1\1" MAC;
    uint8_t pseudo[40] = {[35] = 32, [39] = 58};
    uint16_t sum;

    memcpy(pseudo, solicitation + 22, 32);
    sum = (uint16_t)~sd_net_checksum_add(sd_net_checksum(pseudo, 40), sd_net_checksum(solicitation + 54, 32));
    memcpy(solicitation + 56, &sum, 2);
    begin();
    memory_is_short = true;
    receive(arp, sizeof(arp) - 1);
    TEST_CHECK(packets == 1 && sent[0].bytes[21] == 2, "%u ARP packets", packets);
    packets = 0;
    receive(solicitation, sizeof(solicitation) - 1);
    TEST_CHECK(packets == 1 && sent[0].bytes[54] == 136, "%u advertisements", packets);
    memory_is_short = false;
}

TEST(peer_that_has_gone_is_noticed_without_memory_for_anything_else)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

    begin();
    IP_ADDR4(&pcb->local_ip, 10, 0, 2, 15);
    IP_ADDR4(&pcb->remote_ip, 10, 0, 2, 2);
    pcb->state = ESTABLISHED;
    pcb->so_options |= SOF_KEEPALIVE;
    pcb->keep_idle = pcb->keep_intvl = 10000;
    pcb->keep_cnt = 3;
    TCP_REG_ACTIVE(pcb);
    memory_is_short = true;
    pass(15);
    TEST_CHECK(packets == 1 && tcp_active_pcbs, "%u packets", packets);
    pass(60);
    TEST_CHECK(!tcp_active_pcbs);
    memory_is_short = false;
}

/* ---- half-open connections ---- */

static struct tcp_pcb *accepted;

static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg, (void)error;
    accepted = pcb;
    return ERR_OK;
}

static struct tcp_pcb *listening(void)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

    tcp_bind(pcb, IP_ANY_TYPE, 7);
    pcb = tcp_listen_with_backlog(pcb, BACKLOG);
    tcp_accept(pcb, on_connection);
    accepted = NULL;
    return pcb;
}

static void end(struct tcp_pcb *listener)
{
    while (tcp_active_pcbs)
        tcp_abandon(tcp_active_pcbs, 0);
    tcp_close(listener);
    packets = 0;
    pass(120);
}

struct segment {
    bool ipv6;
    uint8_t from; /* the last byte of the address */
    uint16_t port;
    uint32_t number, acknowledges;
    uint8_t flags;
    const char *options;
    uint8_t options_bytes;
    uint16_t window;
    const char *data;
};

/* A segment comes in; what is sent for it is in `sent`. */
static void arrive(const struct segment *segment)
{
    uint8_t frame[160] = {0}, *ip = frame + 14, *tcp = ip + (segment->ipv6 ? 40 : 20);
    size_t data = segment->data ? strlen(segment->data) : 0, bytes = 20u + segment->options_bytes + data;
    uint8_t pseudo[40] = {0};
    uint16_t sum;

    memcpy(frame, OUR_MAC MAC, 12);
    put16(tcp, segment->port);
    put16(tcp + 2, 7);
    put32(tcp + 4, segment->number);
    put32(tcp + 8, segment->acknowledges);
    tcp[12] = (uint8_t)((20 + segment->options_bytes) / 4 << 4);
    tcp[13] = segment->flags;
    put16(tcp + 14, segment->window);
    memcpy(tcp + 20, segment->options ? segment->options : "", segment->options_bytes);
    memcpy(tcp + 20 + segment->options_bytes, segment->data ? segment->data : "", data);
    if (segment->ipv6) {
        put16(frame + 12, 0x86dd);
        ip[0] = 0x60;
        put16(ip + 4, (uint32_t)bytes);
        ip[6] = 6;
        ip[7] = 64;
        memcpy(ip + 8, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0" OURS, 32);
        ip[23] = segment->from;
        memcpy(pseudo, ip + 8, 32);
    } else {
        put16(frame + 12, 0x0800);
        ip[0] = 0x45;
        put16(ip + 2, (uint32_t)(20 + bytes));
        ip[8] = 64;
        ip[9] = 6;
        memcpy(ip + 12, "\x0a\0\2\0\x0a\0\2\x0f", 8);
        ip[15] = segment->from;
        sum = (uint16_t)~sd_net_checksum(ip, 20);
        memcpy(ip + 10, &sum, 2);
        memcpy(pseudo, ip + 12, 8);
    }
    put16(pseudo + 34, (uint32_t)bytes);
    pseudo[39] = 6;
    sum = (uint16_t)~sd_net_checksum_add(sd_net_checksum(pseudo, 40), sd_net_checksum(tcp, (int)bytes));
    memcpy(tcp + 16, &sum, 2);
    packets = 0;
    receive(frame, (size_t)(tcp + bytes - frame));
}

/* SYNs from hosts that are not there. */
static void flood(unsigned count)
{
    static uint32_t number;

    for (unsigned i = 0; i < count; i++, number++)
        arrive(&(struct segment){.from = (uint8_t)(100 + number % 100),
                                 .port = (uint16_t)(1024 + number % 60000),
                                 .number = number * 2654435761u,
                                 .flags = TCP_SYN,
                                 .window = 65535});
    packets = 0;
}

#define LINUX_OPTIONS "\2\4\5\xb4\1\1\4\2\1\3\3\7"

static const struct segment syn = {.from = 2,
                                   .port = PEER_PORT,
                                   .number = 77,
                                   .flags = TCP_SYN,
                                   .options = LINUX_OPTIONS,
                                   .options_bytes = 12,
                                   .window = 64240};

static const uint8_t *sent_tcp(void)
{
    return sent[0].bytes + 14 + (sent[0].bytes[12] == 0x08 ? 20 : 40);
}

/* The peer asks for a connection; the ACK for the answer. */
static struct segment ask(const struct segment *with)
{
    struct segment ack = *with;

    arrive(with);
    TEST_CHECK(packets == 1 && sent_tcp()[13] == (TCP_SYN | TCP_ACK), "%u packets", packets);
    ack.number++;
    ack.acknowledges = get32(sent_tcp() + 4) + 1;
    ack.flags = TCP_ACK;
    ack.options_bytes = 0;
    ack.window = 500;
    return ack;
}

static bool is_reset(void)
{
    return packets == 1 && sent_tcp()[13] & TCP_RST;
}

TEST(syn_flood_lets_slow_peers_in_with_what_they_offered)
{
    static const struct {
        const char *what, *options;
        uint8_t bytes, scale;
        uint16_t size;
        bool sack;
    } cases[] = {
        {"Linux's", LINUX_OPTIONS, 12, 7, 1460, true},
        {"no options", NULL, 0, 0, 536, false},
        {"an odd size", "\2\4\5\x78", 4, 0, 1220, false},
        {"a small size", "\2\4\1\0", 4, 0, 536, false},
        {"a large one", "\2\4\x23\0", 4, 0, 1460, false},
        {"no scale", "\2\4\5\xa0\4\2\1\1", 8, 0, 1440, true},
        {"a scale of 3", "\2\4\5\xb4\3\3\3\1", 8, 2, 1460, false},
        {"a scale of 14", "\3\3\x0e\1", 4, 10, 536, false},
        {"options that end", "\2\4\5\xb4\0\3\3\7", 8, 0, 1460, false},
        {"a broken option", "\2\4\5\xb4\4\0\3\7", 8, 0, 1460, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int ipv6 = 0; ipv6 < 2; ipv6++) {
            struct segment first = syn, ack;
            struct tcp_pcb *listener;

            begin();
            listener = listening();
            flood(BACKLOG);
            first.ipv6 = ipv6;
            first.from = ipv6 ? 1 : 2;
            first.options = cases[i].options;
            first.options_bytes = cases[i].bytes;
            ack = ask(&first);
            flood(3 * BACKLOG);
            ack.data = "hello";
            arrive(&ack);
            TEST_REQUIRE(accepted, "%s, IPv%d", cases[i].what, ipv6 ? 6 : 4);
            TEST_CHECK(accepted->state == ESTABLISHED && accepted->rcv_nxt == 78 + 5, "%s: %u", cases[i].what,
                       (unsigned)accepted->rcv_nxt);
            TEST_CHECK(accepted->snd_scale == cases[i].scale, "%s: %u", cases[i].what, accepted->snd_scale);
            TEST_CHECK(!accepted->rcv_scale == !cases[i].scale, "%s", cases[i].what);
            TEST_CHECK(accepted->snd_wnd == 500u << cases[i].scale, "%s: %u", cases[i].what,
                       accepted->snd_wnd);
            TEST_CHECK(accepted->mss == (ipv6 ? LWIP_MIN(cases[i].size, 1440) : cases[i].size), "%s: %u",
                       cases[i].what, accepted->mss);
            TEST_CHECK(!(accepted->flags & TF_SACK) == !cases[i].sack, "%s", cases[i].what);
            end(listener);
        }
    }
}

TEST(acks_that_nobody_asked_for_make_no_connection)
{
    struct tcp_pcb *listener;
    struct segment ack, wrong;

    begin();
    listener = listening();
    flood(BACKLOG);
    ack = ask(&syn);
    flood(3 * BACKLOG);
    for (unsigned bit = 0; bit < 32; bit++) {
        wrong = ack;
        wrong.acknowledges = ((ack.acknowledges - 1) ^ 1u << bit) + 1;
        arrive(&wrong);
        TEST_CHECK(is_reset() && !accepted, "bit %u of what is acknowledged", bit);
        wrong = ack;
        wrong.number ^= 1u << bit;
        arrive(&wrong);
        TEST_CHECK(is_reset() && !accepted, "bit %u of the number", bit);
    }
    wrong = ack;
    wrong.port++;
    arrive(&wrong);
    TEST_CHECK(is_reset() && !accepted, "another port");
    wrong = ack;
    wrong.flags = TCP_RST | TCP_ACK;
    arrive(&wrong);
    TEST_CHECK(!packets && !accepted, "a reset");
    pass(31);
    flood(BACKLOG);
    arrive(&ack);
    TEST_CHECK(accepted, "half a minute later");
    end(listener);

    listener = listening();
    flood(BACKLOG);
    ack = ask(&syn);
    flood(3 * BACKLOG);
    pass(30);
    flood(3 * BACKLOG);
    pass(35);
    flood(3 * BACKLOG);
    arrive(&ack);
    TEST_CHECK(is_reset() && !accepted, "more than a minute later");
    end(listener);
}

TEST(answer_that_finds_the_ring_full_does_not_end_the_connection_it_is_for)
{
    struct tcp_pcb *listener;
    struct segment ack;

    begin();
    listener = listening();
    flood(BACKLOG);
    ack = ask(&syn);
    flood(3 * BACKLOG);
    ring_is_full = true;
    arrive(&ack);
    TEST_CHECK(!is_reset());
    arrive(&ack);
    TEST_CHECK(accepted);
    end(listener);
}

TEST(cookie_is_no_number_of_ours)
{
    struct tcp_pcb *listener, *pcb[2];
    uint32_t known;
    ip_addr_t to;

    begin();
    listener = listening();
    flood(BACKLOG / 2);
    arrive(&syn);
    known = get32(sent_tcp() + 4);
    set_ipv4(&to, 0x202);
    for (unsigned i = 0; i < 2; i++) {
        pcb[i] = tcp_new();
        TEST_CHECK(!tcp_connect(pcb[i], &to, (u16_t)(80 + i), NULL));
        TEST_CHECK(pcb[i]->lastack != known && pcb[i]->lastack + 1 != known);
        now += 3000000000;
    }
    TEST_CHECK(pcb[0]->lastack != pcb[1]->lastack);
    end(listener);
}

TEST(only_who_wants_a_connection_makes_others_give_way)
{
    static const uint8_t flags[] = {TCP_SYN | TCP_RST, TCP_SYN | TCP_ACK, TCP_SYN | TCP_FIN, TCP_ACK,
                                    TCP_RST};
    struct tcp_pcb *listener;

    begin();
    listener = listening();
    flood(BACKLOG);
    for (size_t i = 0; i < sizeof(flags); i++) {
        struct segment segment = syn;
        unsigned count = 0;

        segment.flags = flags[i];
        arrive(&segment);
        for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
            count++;
        TEST_CHECK(count == BACKLOG, "flags 0x%x: %u", flags[i], count);
    }
    end(listener);
}

TEST(cookies_are_not_taken_where_nothing_had_to_give_way)
{
    struct tcp_pcb *listener;
    struct segment ack;

    begin();
    listener = listening();
    flood(BACKLOG / 2);
    ack = ask(&syn);
    while (tcp_active_pcbs)
        tcp_abandon(tcp_active_pcbs, 0);
    arrive(&ack);
    TEST_CHECK(is_reset() && !accepted);
    end(listener);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}
