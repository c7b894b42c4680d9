/*
 * Who may tell us that a path is narrow, and what that changes for what is sent. Built by deps/lwip-host.mk.
 */
#include "link.h"
#include "tap.h"

#include <string.h>

#include "lwip/priv/nd6_priv.h"
#include "lwip/priv/tcp_priv.h"

#include "checksum.h"

#define STRANGER "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x02"

/* ---- a peer that is known, and connections with it ---- */

static void begin(void)
{
    static bool started;
    ip_addr_t peer;

    if (!started)
        start();
    started = true;
    meet();
    set_ipv6(&peer, PEER);
    destination_cache[0] = (struct nd6_destination_cache_entry){.pmtu = 1500};
    destination_cache[0].destination_addr = destination_cache[0].next_hop_addr = *ip_2_ip6(&peer);
}

/* Sends three full segments of a connection, and its end. */
static void send_segments(bool ipv6)
{
    static uint8_t bytes[3 * 1440];
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    if (ipv6) {
        set_ipv6(&pcb->local_ip, OURS);
        set_ipv6(&pcb->remote_ip, PEER);
    } else {
        IP_ADDR4(&pcb->local_ip, 10, 0, 2, 15);
        IP_ADDR4(&pcb->remote_ip, 10, 0, 2, 2);
    }
    pcb->local_port = 7;
    pcb->remote_port = 4000;
    pcb->state = ESTABLISHED;
    pcb->mss = 1440;
    pcb->snd_wnd = pcb->snd_wnd_max = pcb->cwnd = 65535;
    TCP_REG_ACTIVE(pcb);
    packets = 0;
    TEST_CHECK(tcp_write(pcb, bytes, sizeof bytes, TCP_WRITE_FLAG_COPY) == ERR_OK && !tcp_output(pcb));
    sd_interface_flush(&interface);
    tcp_abandon(pcb, 0);
}

static uint32_t load16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

/* All segments in one packet for the backend to cut and to sum up. */
static bool is_offloaded(bool ipv6)
{
    send_segments(ipv6);
    return packets == 1 && sent[0].offload.checksum_blank &&
           sent[0].offload.gso_type == (ipv6 ? XEN_NET_GSO_TCPV6 : XEN_NET_GSO_TCPV4) &&
           sent[0].offload.gso_size == 1440;
}

struct too_big {
    const char *what;
    uint32_t mtu;
    const char *about;
    bool spoilt; /* its checksum */
    bool behind; /* a header of hop-by-hop options */
    uint16_t path;
};

static void receive_too_big(const struct too_big *too_big)
{
    uint8_t frame[14 + 40 + 8 + 8 + 48] = OUR_MAC MAC "\x86\xdd\x60";
    uint8_t pseudo[40] = {[35] = 56, [39] = 58}, *icmp = frame + 54;
    uint16_t sum;

    frame[19] = too_big->behind ? 64 : 56;
    frame[20] = too_big->behind ? 0 : 58;
    frame[21] = 255;
    memcpy(frame + 22, STRANGER OURS, 32);
    if (too_big->behind) {
        memcpy(frame + 54, "\x3a\0\x01\x04\0\0\0\0", 8);
        icmp += 8;
    }
    icmp[0] = 2;
    for (unsigned i = 0; i < 4; i++)
        icmp[4 + i] = (uint8_t)(too_big->mtu >> (24 - 8 * i));
    icmp[8] = 0x60;
    icmp[14] = 6;
    memcpy(icmp + 16, OURS, 16);
    memcpy(icmp + 32, too_big->about, 16);
    memcpy(pseudo, frame + 22, 32);
    sum = (uint16_t)~sd_net_checksum_add(sd_net_checksum(pseudo, 40), sd_net_checksum(icmp, 56));
    sum ^= too_big->spoilt;
    memcpy(icmp + 2, &sum, 2);
    receive(frame, (size_t)(icmp + 56 - frame));
}

/* ---- claims ---- */

TEST(path_is_as_narrow_as_a_believable_message_says)
{
    static const struct too_big cases[] = {
        {.what = "believable", .mtu = 1400, .about = PEER, .path = 1400},
        {.what = "behind options", .mtu = 1400, .about = PEER, .behind = true, .path = 1400},
        {.what = "the least there is", .mtu = 1280, .about = PEER, .path = 1280},
        {.what = "a spoilt checksum", .mtu = 1400, .about = PEER, .spoilt = true, .path = 1500},
        {.what = "about somebody else", .mtu = 1400, .about = STRANGER, .path = 1500},
        {.what = "less than IPv6 has", .mtu = 1279, .about = PEER, .path = 1280},
        {.what = "nothing fits", .mtu = 48, .about = PEER, .path = 1280},
        {.what = "zero", .mtu = 0, .about = PEER, .path = 1280},
        {.what = "more than the link takes", .mtu = 9000, .about = PEER, .path = 1500},
        {.what = "more than 16 bits", .mtu = UINT32_MAX, .about = PEER, .path = 1500},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        receive_too_big(&cases[i]);
        TEST_CHECK(destination_cache[0].pmtu == cases[i].path, "%s: %u", cases[i].what,
                   destination_cache[0].pmtu);
        TEST_CHECK(is_offloaded(false), "%s: IPv4", cases[i].what);
        TEST_CHECK(is_offloaded(true) == (cases[i].path == 1500), "%s: IPv6", cases[i].what);
    }
}

/* Each segment in two fragments, whose TCP checksum is right. */
TEST(path_narrower_than_a_segment_has_it_fragmented_with_its_checksum)
{
    begin();
    receive_too_big(&(struct too_big){.mtu = 1300, .about = PEER});
    send_segments(true);
    TEST_REQUIRE(packets == 6, "%u packets", packets);
    for (unsigned i = 0; i < 6; i += 2) {
        uint8_t segment[40 + 1500], *end = segment + 40;
        size_t length = 0;

        for (unsigned k = i; k < i + 2; k++) {
            size_t bytes = sent[k].length - 62;

            TEST_CHECK(sent[k].length <= 14 + 1300 && !sent[k].offload.checksum_blank);
            TEST_CHECK(sent[k].bytes[20] == 44 && sent[k].bytes[54] == 6);
            TEST_CHECK((load16(sent[k].bytes + 56) & 0xfff8) == length);
            TEST_REQUIRE(length + bytes <= 1500);
            memcpy(end + length, sent[k].bytes + 62, bytes);
            length += bytes;
        }
        TEST_CHECK(length == 20 + 1440, "%zu", length);
        memset(segment, 0, 40);
        memcpy(segment, OURS PEER, 32);
        segment[34] = (uint8_t)(length >> 8);
        segment[35] = (uint8_t)length;
        segment[39] = 6;
        TEST_CHECK(sd_net_checksum(segment, (int)(40 + length)) == 0xffff, "packet %u", i);
    }
}

TEST(path_that_is_wide_again_has_all_offloaded)
{
    begin();
    receive_too_big(&(struct too_big){.mtu = 1300, .about = PEER});
    begin();
    TEST_CHECK(is_offloaded(true) && is_offloaded(false));
}

/* Set when it is connected anew. */
static void connect_with(struct xen_net_features features)
{
    interface.front.features = features;
    sd_interface_detach(&interface, false);
    TEST_CHECK(!sd_interface_attach(&interface));
    begin();
}

TEST(backend_that_does_checksums_of_one_family_does_those)
{
    begin();
    connect_with((struct xen_net_features){true, true, false, true, true});
    TEST_CHECK(is_offloaded(false) && !is_offloaded(true));
    TEST_CHECK(packets == 3 && !sent[0].offload.checksum_blank);
    connect_with((struct xen_net_features){true, false, true, true, true});
    TEST_CHECK(!is_offloaded(false) && packets == 3 && is_offloaded(true));
    connect_with((struct xen_net_features){true, true, true, true, true});
    TEST_CHECK(is_offloaded(false) && is_offloaded(true));
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}
