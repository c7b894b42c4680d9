/*
 * Segments put together into one packet, and what the backend is told of it. Netfront is played: it takes
 * bytes and remembers packets. Built by deps/lwip-host.mk.
 */
#include "tap.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>

#include "checksum.h"
#include "transmit.h"

#include "arch/hooks.h"
#include "lwip/priv/tcp_priv.h"

/* ---- netfront, and what lwIP's pbufs need ---- */

static struct {
    uint8_t bytes[XEN_NET_TX_MAX];
    size_t length;
    struct xen_net_offload offload;
    bool offloaded;
} building, sent[8];
static unsigned packets;
static size_t room; /* bytes that fit before -EAGAIN */

uint32_t sd_net_tcp_window = 65536, sd_net_tcp_send = 65536;

int xen_netfront_append(struct xen_netfront *front, const void *data, size_t bytes)
{
    (void)front;
    if (bytes > sizeof building.bytes - building.length)
        return -EMSGSIZE;
    if (bytes > room)
        return -EAGAIN;
    room -= bytes;
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
    building.offloaded = offload != NULL;
    building.offload = offload ? *offload : (struct xen_net_offload){0};
    sent[packets++] = building;
    building.length = 0;
    return 0;
}

void xen_netfront_abort(struct xen_netfront *front)
{
    (void)front;
    building.length = 0;
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

void *sd_net_alloc(size_t bytes)
{
    return malloc(bytes);
}

void *sd_net_calloc(size_t count, size_t bytes)
{
    return calloc(count, bytes);
}

void sd_net_free(void *block)
{
    free(block);
}

uint32_t sd_net_random(void)
{
    return 4;
}

void xen_platform_panic(const char *format, ...)
{
    printf("# panic: %s\n", format);
    abort();
}

void tcp_timer_needed(void)
{
}

void sd_net_tcp_leaves(const struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *packet)
{
    (void)pcb, (void)header, (void)packet;
}

uint32_t sd_net_tcp_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port)
{
    (void)local, (void)local_port, (void)remote, (void)remote_port;
    return 0;
}

bool sd_net_tcp_arrived(struct tcp_pcb *pcb, struct tcp_hdr *header, size_t options, struct pbuf *packet)
{
    (void)pcb, (void)header, (void)options, (void)packet;
    return true;
}

void sd_net_ip6_arrived(const struct pbuf *packet)
{
    (void)packet;
}

void sd_net_ip4_arrived(const struct pbuf *packet, struct netif *netif)
{
    (void)packet, (void)netif;
}

/* ---- segments ---- */

#define ACK 0x10
#define PSH 0x08
#define FIN 0x01
#define MSS 1460

struct segment {
    bool ipv6, udp;
    uint32_t sequence;
    uint16_t payload;
    uint8_t flags;
    uint8_t port; /* the source's low byte: another connection */
    uint32_t ack;
    uint16_t window;
    unsigned options; /* bytes of them */
    unsigned pieces;  /* pbufs that the payload is spread over; 0: in one with the headers */
};

static struct xen_netfront front;
static struct sd_transmit transmit;

static void store(uint8_t *at, uint32_t value, unsigned bytes)
{
    while (bytes) {
        at[--bytes] = (uint8_t)value;
        value >>= 8;
    }
}

static uint32_t load(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;

    while (bytes--)
        value = value << 8 | *at++;
    return value;
}

/* Byte n of a connection's stream. */
static uint8_t stream(uint32_t n)
{
    return (uint8_t)(n * 7 + (n >> 8));
}

static unsigned tcp_at(bool ipv6)
{
    return ipv6 ? 54 : 34;
}

static void fill_headers(uint8_t *at, const struct segment *s)
{
    static uint16_t id;
    unsigned tcp = tcp_at(s->ipv6), length = tcp + 20 + s->options + s->payload;

    memset(at, 0, tcp + 20 + s->options);
    memcpy(at, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
    store(at + 12, s->ipv6 ? 0x86dd : 0x0800, 2);
    if (s->ipv6) {
        at[14] = 0x60;
        store(at + 18, length - 54, 2);
        at[20] = s->udp ? 17 : 6;
        at[21] = 64;
        memcpy(at + 22, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 32);
    } else {
        at[14] = 0x45;
        store(at + 16, length - 14, 2);
        store(at + 18, id++, 2);
        at[22] = 64;
        at[23] = s->udp ? 17 : 6;
        memcpy(at + 26, "\x0a\0\0\1\x0a\0\0\2", 8);
        store(at + 24, 0x1234, 2);
    }
    store(at + tcp, 0x1000u + s->port, 2);
    store(at + tcp + 2, 7, 2);
    store(at + tcp + 4, s->sequence, 4);
    store(at + tcp + 8, s->ack, 4);
    at[tcp + 12] = (uint8_t)((20 + s->options) / 4 << 4);
    at[tcp + 13] = s->flags;
    store(at + tcp + 14, s->window, 2);
    memset(at + tcp + 20, 1, s->options);
}

static struct pbuf *make(const struct segment *s)
{
    unsigned headers = tcp_at(s->ipv6) + 20 + s->options, done = 0;
    struct pbuf *packet = pbuf_alloc(PBUF_RAW, (uint16_t)(headers + (s->pieces ? 0 : s->payload)), PBUF_RAM);

    fill_headers(packet->payload, s);
    if (!s->pieces) {
        for (; done < s->payload; done++)
            ((uint8_t *)packet->payload)[headers + done] = stream(s->sequence + done);
    }
    for (unsigned i = 0; i < s->pieces; i++) {
        uint16_t length = (uint16_t)(i + 1 < s->pieces ? s->payload / s->pieces : s->payload - done);
        struct pbuf *piece = pbuf_alloc(PBUF_RAW, length, PBUF_RAM);

        for (uint16_t k = 0; k < length; k++)
            ((uint8_t *)piece->payload)[k] = stream(s->sequence + done + k);
        done += length;
        pbuf_cat(packet, piece);
    }
    return packet;
}

static err_t put(struct segment s)
{
    struct pbuf *packet;
    err_t result;

    s.flags = s.flags ? s.flags : ACK;
    packet = make(&s);
    result = sd_transmit_packet(&transmit, packet);
    pbuf_free(packet);
    return result;
}

static void begin(void)
{
    front.features = (struct xen_net_features){true, true, true, true, true};
    transmit = (struct sd_transmit){.front = &front};
    packets = 0;
    building.length = 0;
    room = SIZE_MAX;
}

/* The sum over the pseudo-header that Linux' netback goes on from. */
static uint16_t pseudo_sum(const uint8_t *packet, bool ipv6, size_t tcp_bytes)
{
    uint8_t bytes[40] = {0};

    memcpy(bytes, packet + (ipv6 ? 22 : 26), ipv6 ? 32 : 8);
    store(bytes + 34, (uint32_t)tcp_bytes, 2);
    bytes[37] = 6;
    return sd_net_checksum(bytes, sizeof bytes);
}

/* A packet of the stream from `sequence` on, with headers that are right. */
static void check_packet(unsigned which, bool ipv6, uint32_t sequence, size_t payload, unsigned options)
{
    const uint8_t *at = sent[which].bytes, *tcp = at + tcp_at(ipv6);
    size_t headers = tcp_at(ipv6) + 20 + options;
    uint16_t sum;

    TEST_REQUIRE(which < packets && sent[which].length == headers + payload, "%zu", sent[which].length);
    TEST_CHECK(load(at + (ipv6 ? 18 : 16), 2) == sent[which].length - (ipv6 ? 54 : 14));
    TEST_CHECK(ipv6 || sd_net_checksum(at + 14, 20) == 0xffff);
    TEST_CHECK(load(tcp + 4, 4) == sequence);
    memcpy(&sum, tcp + 16, sizeof sum);
    TEST_CHECK(sum == pseudo_sum(at, ipv6, sent[which].length - tcp_at(ipv6)));
    TEST_CHECK(sent[which].offloaded && sent[which].offload.checksum_blank);
    for (size_t i = 0; i < payload; i++)
        TEST_REQUIRE(at[headers + i] == stream(sequence + (uint32_t)i), "byte %zu", i);
}

/* ---- claims ---- */

TEST(consecutive_segments_go_as_one_packet)
{
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        begin();
        for (uint32_t i = 0; i < 10; i++)
            TEST_CHECK(put((struct segment){
                           .ipv6 = ipv6, .sequence = i * MSS, .payload = MSS, .pieces = i % 4}) == ERR_OK);
        TEST_CHECK(put((struct segment){
                       .ipv6 = ipv6, .sequence = 10 * MSS, .payload = 100, .flags = ACK | PSH}) == ERR_OK);
        TEST_CHECK(packets == 0);
        sd_transmit_finish(&transmit);
        TEST_REQUIRE(packets == 1);
        check_packet(0, ipv6, 0, 10 * MSS + 100, 0);
        TEST_CHECK(sent[0].offload.gso_type == (ipv6 ? XEN_NET_GSO_TCPV6 : XEN_NET_GSO_TCPV4));
        TEST_CHECK(sent[0].offload.gso_size == MSS);
        TEST_CHECK(sent[0].bytes[tcp_at(ipv6) + 13] == (ACK | PSH));
    }
}

TEST(a_segment_alone_is_no_gso_packet)
{
    begin();
    TEST_CHECK(put((struct segment){.sequence = 5, .payload = MSS}) == ERR_OK);
    sd_transmit_finish(&transmit);
    sd_transmit_finish(&transmit);
    TEST_REQUIRE(packets == 1);
    check_packet(0, false, 5, MSS, 0);
    TEST_CHECK(sent[0].offload.gso_type == XEN_NET_GSO_NONE);
}

TEST(what_differs_in_more_than_its_place_starts_a_new_packet)
{
    static const struct {
        const char *what;
        struct segment first, second;
    } cases[] = {
        {"a gap", {.payload = MSS}, {.sequence = MSS + 1, .payload = MSS}},
        {"sent again", {.payload = MSS}, {.payload = MSS}},
        {"another connection", {.payload = MSS}, {.sequence = MSS, .payload = MSS, .port = 1}},
        {"another ack", {.payload = MSS}, {.sequence = MSS, .payload = MSS, .ack = 1}},
        {"another window", {.payload = MSS}, {.sequence = MSS, .payload = MSS, .window = 1}},
        {"options", {.payload = MSS}, {.sequence = MSS, .payload = MSS - 12, .options = 12}},
        {"other protocol", {.payload = MSS}, {.sequence = MSS, .payload = MSS, .ipv6 = true}},
        {"after a short one", {.payload = 100}, {.sequence = 100, .payload = MSS}},
        {"the end", {.payload = MSS}, {.sequence = MSS, .payload = 10, .flags = ACK | FIN}},
        {"after the end", {.payload = MSS, .flags = ACK | FIN}, {.sequence = MSS, .payload = MSS}},
        {"without data", {.payload = MSS}, {.sequence = MSS}},
        {"after one without data", {.sequence = MSS}, {.sequence = MSS, .payload = MSS}},
        {"a datagram", {.payload = MSS}, {.sequence = MSS, .payload = MSS, .udp = true}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        TEST_CHECK(put(cases[i].first) == ERR_OK && put(cases[i].second) == ERR_OK, "%s", cases[i].what);
        sd_transmit_finish(&transmit);
        TEST_CHECK(packets == 2, "%s: %u packets", cases[i].what, packets);
        TEST_CHECK(sent[0].offload.gso_type == XEN_NET_GSO_NONE &&
                       sent[1].offload.gso_type == XEN_NET_GSO_NONE,
                   "%s", cases[i].what);
    }
}

TEST(a_short_segment_is_the_last)
{
    begin();
    (void)put((struct segment){.payload = MSS});
    (void)put((struct segment){.sequence = MSS, .payload = 100});
    (void)put((struct segment){.sequence = MSS + 100, .payload = 100});
    sd_transmit_finish(&transmit);
    TEST_REQUIRE(packets == 2);
    check_packet(0, false, 0, MSS + 100, 0);
    check_packet(1, false, MSS + 100, 100, 0);
}

TEST(a_packet_never_exceeds_what_the_protocol_can_say)
{
    const unsigned count = 100;
    size_t bytes = 0;

    begin();
    for (uint32_t i = 0; i < count; i++)
        TEST_CHECK(put((struct segment){.sequence = i * MSS, .payload = MSS, .options = 12}) == ERR_OK);
    sd_transmit_finish(&transmit);
    TEST_REQUIRE(packets == 3);
    for (unsigned i = 0; i < packets; i++) {
        check_packet(i, false, (uint32_t)bytes, sent[i].length - 66, 12);
        TEST_CHECK(sent[i].length <= XEN_NET_TX_MAX);
        bytes += sent[i].length - 66;
    }
    TEST_CHECK(bytes == count * MSS);
}

TEST(a_full_ring_loses_and_doubles_nothing)
{
    begin();
    room = 54 + 2 * MSS + 700;
    TEST_CHECK(put((struct segment){.payload = MSS}) == ERR_OK);
    TEST_CHECK(put((struct segment){.sequence = MSS, .payload = MSS, .pieces = 3}) == ERR_OK);
    TEST_CHECK(put((struct segment){.sequence = 2 * MSS, .payload = MSS, .pieces = 3}) == ERR_MEM);
    TEST_REQUIRE(packets == 1);
    check_packet(0, false, 0, 2 * MSS, 0);
    TEST_CHECK(put((struct segment){.sequence = 2 * MSS, .payload = MSS}) == ERR_MEM);
    TEST_CHECK(packets == 1 && building.length == 0);
    room = SIZE_MAX;
    TEST_CHECK(put((struct segment){.sequence = 2 * MSS, .payload = MSS}) == ERR_OK);
    sd_transmit_finish(&transmit);
    TEST_REQUIRE(packets == 2);
    check_packet(1, false, 2 * MSS, MSS, 0);
}

TEST(without_gso_each_segment_goes_alone)
{
    begin();
    front.features.gso_tcpv4 = false;
    for (uint32_t i = 0; i < 3; i++)
        (void)put((struct segment){.sequence = i * MSS, .payload = MSS});
    sd_transmit_finish(&transmit);
    TEST_REQUIRE(packets == 3);
    for (unsigned i = 0; i < 3; i++)
        check_packet(i, false, i * MSS, MSS, 0);
}

/* For one family, whatever the other has. */
TEST(without_checksum_offload_segments_go_alone_with_their_checksum)
{
    for (unsigned i = 0; i < 8; i++) {
        bool ipv6 = i & 1, other = i & 2, odd = i & 4;

        begin();
        front.features.checksum_ipv4 = ipv6 && other;
        front.features.checksum_ipv6 = !ipv6 && other;
        for (uint32_t k = 0; k < 2; k++)
            TEST_CHECK(
                put((struct segment){
                    .ipv6 = ipv6, .sequence = k * MSS, .payload = (uint16_t)(MSS - odd), .pieces = 2 * k}) ==
                ERR_OK);
        TEST_REQUIRE(packets == 2);
        for (unsigned k = 0; k < 2; k++) {
            uint8_t *tcp = sent[k].bytes + tcp_at(ipv6);
            size_t bytes = sent[k].length - tcp_at(ipv6);

            TEST_CHECK(!sent[k].offloaded && bytes == 20u + MSS - odd);
            TEST_CHECK(sd_net_checksum_add(pseudo_sum(sent[k].bytes, ipv6, bytes),
                                           sd_net_checksum(tcp, (int)bytes)) == 0xffff,
                       "case %u", i);
        }
        if (!other)
            continue;
        for (uint32_t k = 0; k < 2; k++)
            TEST_CHECK(put((struct segment){.ipv6 = !ipv6, .sequence = k * MSS, .payload = MSS}) == ERR_OK);
        sd_transmit_finish(&transmit);
        TEST_REQUIRE(packets == 3);
        check_packet(2, !ipv6, 0, 2 * MSS, 0);
    }
}

TEST(packets_other_than_tcp_are_sent_as_they_are)
{
    struct segment s = {.udp = true, .payload = 300};
    struct pbuf *packet = make(&s);

    begin();
    front.features.checksum_ipv4 = false;
    TEST_CHECK(sd_transmit_packet(&transmit, packet) == ERR_OK);
    TEST_REQUIRE(packets == 1);
    TEST_CHECK(!sent[0].offloaded && sent[0].length == 354 && !memcmp(sent[0].bytes, packet->payload, 354));
    pbuf_free(packet);
}

TEST(headers_that_lie_are_not_read_beyond_their_end)
{
    begin();
    for (uint16_t length = 14; length < 130; length++) {
        struct pbuf *packet = pbuf_alloc(PBUF_RAW, length, PBUF_RAM);
        struct segment s = {.ipv6 = length & 1};
        uint8_t headers[100];

        fill_headers(headers, &s);
        headers[tcp_at(s.ipv6) + 12] = 0xf0;
        pbuf_take(packet, headers, length < 74 ? length : 74);
        TEST_CHECK(sd_transmit_packet(&transmit, packet) == ERR_OK);
        sd_transmit_finish(&transmit);
        TEST_CHECK(packets == 1, "length %u", length);
        packets = 0;
        pbuf_free(packet);
    }
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}
