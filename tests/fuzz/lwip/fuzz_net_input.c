/*
 * The input is what the network sends: frames, and time that passes between them. Interface, receive path and
 * timers are the real ones on the real lwIP; netfront is played. Whatever comes, no assertion fails, nothing
 * is read or written outside its bounds, and when everything has timed out nothing is held.
 *
 * A frame may ask to be made likely: its TCP numbers are then counted from those of the connection that was
 * seen last, so that states behind the handshake are reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <xenlib/format.h>

#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#include "checksum.h"
#include "interface.h"
#include "memory.h"
#include "net.h"
#include "publish.h"
#include "random.h"
#include "receive.h"
#include "timers.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define LARGEST 66000

static uint64_t now;
static size_t blocks, pages;
static struct sd_interface interface;
static uint8_t sent[XEN_NET_TX_MAX]; /* the packet being built, or sent last */
static size_t sent_bytes;
static uint32_t our_next, their_next;                        /* of the TCP segment sent last */
uint32_t sd_net_tcp_window = 32768, sd_net_tcp_send = 65536; /* a packet may be longer than the window */

/* ---- what is around stardust/net ---- */

void xen_platform_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
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

size_t xen_format(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(buffer, size, format, args);
    va_end(args);
    return (size_t)length;
}

void *sd_net_alloc(size_t size)
{
    blocks++;
    return malloc(size);
}

void *sd_net_calloc(size_t count, size_t size)
{
    blocks++;
    return calloc(count, size);
}

void sd_net_free(void *block)
{
    blocks -= block != NULL;
    free(block);
}

void sd_net_memory_dip(bool on)
{
    (void)on;
}

bool sd_net_memory_is_short(void)
{
    return false;
}

bool sd_net_memory_is_scarce(void)
{
    return false;
}

bool sd_net_memory_is_out(void)
{
    return false;
}

bool sd_net_memory_takes_page(size_t held)
{
    (void)held;
    return true;
}

bool sd_net_memory_is_low(void)
{
    return false;
}

uint32_t sd_net_random(void)
{
    static uint32_t last;

    return last = last * 1664525 + 1013904223;
}

void sd_net_random_add(const void *data, size_t size)
{
    (void)data, (void)size;
}

uint64_t sd_net_hash(const void *data, size_t size)
{
    (void)data, (void)size;
    return 0;
}

void sd_net_kick(bool *flag)
{
    *flag = true;
}

bool sd_net_take_kick(bool *flag)
{
    bool was = *flag;

    *flag = false;
    return was;
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
    (void)front;
    pages--;
    free(data);
}

int xen_netfront_append(struct xen_netfront *front, const void *data, size_t size)
{
    (void)front;
    if (size > sizeof sent - sent_bytes)
        abort();
    memcpy(sent + sent_bytes, data, size);
    sent_bytes += size;
    return 0;
}

size_t xen_netfront_building(const struct xen_netfront *front)
{
    (void)front;
    return sent_bytes;
}

void *xen_netfront_head(struct xen_netfront *front)
{
    (void)front;
    return sent_bytes ? sent : NULL;
}

static uint32_t load32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Where TCP's header is, or 0. */
static size_t tcp_at(const uint8_t *frame, size_t size)
{
    if (size >= 54 && frame[12] == 0x08 && frame[13] == 0 && frame[14] == 0x45 && frame[23] == 6)
        return 34;
    if (size >= 74 && frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == 6)
        return 54;
    return 0;
}

int xen_netfront_commit(struct xen_netfront *front, const struct xen_net_offload *offload)
{
    size_t at = tcp_at(sent, sent_bytes);

    (void)front, (void)offload;
    if (at) {
        const uint8_t *tcp = sent + at;

        our_next = load32(tcp + 4) + (uint32_t)(sent_bytes - at) - (tcp[12] >> 4) * 4u + (tcp[13] & 1) +
                   (tcp[13] >> 1 & 1);
        their_next = load32(tcp + 8);
    }
    sent_bytes = 0;
    return 0;
}

void xen_netfront_abort(struct xen_netfront *front)
{
    (void)front;
    sent_bytes = 0;
}

/* ---- the program: echoes, and keeps every third packet for a while ---- */

static struct pbuf *kept;
static unsigned received;

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    (void)arg, (void)error;
    if (!packet)
        return tcp_close(pcb);
    if (++received % 7 == 0)
        return ERR_MEM;
    for (const struct pbuf *part = packet; part; part = part->next)
        (void)tcp_write(pcb, part->payload, part->len, TCP_WRITE_FLAG_COPY);
    tcp_recved(pcb, packet->tot_len);
    if (kept)
        pbuf_free(kept);
    kept = received % 3 ? NULL : packet;
    if (!kept)
        pbuf_free(packet);
    return ERR_OK;
}

static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    if (pcb && !error)
        tcp_recv(pcb, on_received);
    return ERR_OK;
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *packet, const ip_addr_t *from,
                        u16_t port)
{
    (void)arg;
    udp_sendto(pcb, packet, from, port);
    pbuf_free(packet);
}

static void start(void)
{
    struct tcp_pcb *tcp;
    struct udp_pcb *udp;

    lwip_init();
    sd_net_timers_start(now);
    interface.front.features = (struct xen_net_features){true, true, true, true, true};
    memcpy(interface.front.mac, "\x00\x16\x3e\x5d\x00\x01", 6);
    if (!sd_net_address_parse("10.0.2.15/24,10.0.2.2", &interface.config) || sd_interface_attach(&interface))
        abort();
    tcp = tcp_new_ip_type(IPADDR_TYPE_ANY);
    udp = udp_new_ip_type(IPADDR_TYPE_ANY);
    if (tcp_bind(tcp, IP_ANY_TYPE, 7) || udp_bind(udp, IP_ANY_TYPE, 7))
        abort();
    tcp = tcp_listen(tcp);
    tcp_accept(tcp, on_connection);
    udp_recv(udp, on_datagram, NULL);
}

static void pass_time(uint64_t ms)
{
    now += ms * 1000000;
    sd_net_timers_run(now);
    sd_interface_flush(&interface);
    (void)sd_net_timers_next();
}

/* ---- the network ---- */

/* Each fragment has memory of its own, exactly as long. */
static void deliver(const uint8_t *frame, size_t size, unsigned cut, bool valid)
{
    struct xen_net_packet packet = {.length = (uint32_t)size, .checksum_valid = valid};
    size_t done = 0, most = cut ? 64 + cut * 64u : XEN_PAGE_SIZE;

    if (most * (XEN_NET_FRAGMENTS_MAX - 1) < size)
        most = XEN_PAGE_SIZE;
    while (done < size) {
        size_t length = size - done < most ? size - done : most;
        uint8_t *page = malloc(length);

        memcpy(page, frame + done, length);
        packet.fragments[packet.count++] = (struct xen_net_fragment){page, (uint32_t)length};
        done += length;
    }
    packet.lent = packet.count == 1 && size <= XEN_NET_COPY_MAX;
    pages += packet.count;
    sd_receive(&interface, &packet);
    if (packet.lent) {
        free(packet.fragments[0].data);
        pages--;
    }
    sd_interface_poll(&interface);
    sd_interface_flush(&interface);
}

static void make_likely(uint8_t *frame, size_t size)
{
    size_t at = tcp_at(frame, size);

    if (!at)
        return;
    memcpy(frame + at + 2, "\x00\x07", 2);
    store32(frame + at + 4, their_next + (load32(frame + at + 4) & 0xfff));
    store32(frame + at + 8, our_next - (load32(frame + at + 8) & 0xfff));
    if (!(frame[at + 12] & 0x80))
        frame[at + 12] = 0x50;
}

/* Headers that lwIP listens to, from a neighbour to us; lengths and checksums are filled in. */
#define TO_US "\x00\x16\x3e\x5d\x00\x01\x02\x00\x00\x00\x00\x01"
#define IPV4(p)                                                                                              \
    TO_US "\x08\x00\x45\x00\x00\x00\x00\x01\x00\x00\x40" p "\x00\x00\x0a\x00\x02\x02\x0a\x00\x02\x0f"
#define NEIGHBOUR "\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define OURSELF   "\xfe\x80\x00\x00\x00\x00\x00\x00\x02\x16\x3e\xff\xfe\x5d\x00\x01"
#define IPV6(p)   TO_US "\x86\xdd\x60\x00\x00\x00\x00\x00" p "\xff" NEIGHBOUR OURSELF
#define TCP(f)    "\x0f\xa0\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x50" f "\xff\xff\x00\x00\x00\x00"
#define HEADERS(text)                                                                                        \
    {                                                                                                        \
        text, sizeof text - 1                                                                                \
    }
static const struct {
    const char *bytes;
    size_t length;
} headers[] = {
    {"", 0},
    HEADERS(TO_US "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x00\x00\x00\x01\x0a\x00\x02\x02"
                  "\x00\x00\x00\x00\x00\x00\x0a\x00\x02\x0f"),
    HEADERS(IPV4("\x01") "\x08\x00"),
    HEADERS(IPV4("\x11") "\x0f\xa0\x00\x07"),
    HEADERS(IPV4("\x06") TCP("\x02")),
    HEADERS(IPV4("\x06") TCP("\x10")),
    HEADERS(IPV4("\x06") TCP("\x11")),
    HEADERS(IPV4("\x06") "\x0f\xa0\x00\x07"),
    HEADERS(IPV6("\x3a") "\x87\x00\x00\x00\x00\x00\x00\x00" OURSELF),
    HEADERS(IPV6("\x3a") "\x86\x00\x00\x00\x40\x00\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00\x03\x04\x40\xc0"),
    HEADERS(IPV6("\x3a")),
    HEADERS(IPV6("\x2c") "\x11\x00\x00\x01\x00\x00\x00\x07"),
    HEADERS(IPV6("\x2c") "\x11\x00"),
    HEADERS(IPV6("\x00") "\x3a\x00\x05\x02\x00\x00\x01\x00\x82\x00\x00\x00"),
    HEADERS(IPV6("\x06") TCP("\x02")),
    HEADERS(IPV6("\x06") TCP("\x10")),
};
#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define KINDS   (sizeof headers / sizeof *headers)

static void store16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void complete(uint8_t *frame, size_t size)
{
    uint16_t sum;

    if (size >= 34 && frame[12] == 8 && !frame[13]) {
        store16(frame + 16, size - 14);
        memset(frame + 24, 0, 2);
        sum = (uint16_t)~sd_net_checksum(frame + 14, 20);
        memcpy(frame + 24, &sum, 2);
    } else if (size >= 54 && frame[12] == 0x86) {
        store16(frame + 18, size - 54);
    }
}

/*
 * Each step: what to do, a length of two bytes, the kind of headers to begin with, and as many bytes for what
 * follows them; zeros make the frame long.
 */
static size_t step(const uint8_t *bytes, size_t size)
{
    static const uint32_t lengths[] = {257, 1514, 9000, 65549};
    static uint8_t frame[LARGEST];
    unsigned what = bytes[0], kind = bytes[3] % KINDS;
    size_t length = (size_t)(bytes[1] | bytes[2] << 8) % 600, given = length < size - 4 ? length : size - 4;
    size_t total = headers[kind].length + given;

    if (what & 0x80) {
        pass_time((uint64_t)bytes[1] << (what & 15));
        return 4;
    }
    if (total < 14)
        return 4 + given;
    memcpy(frame, headers[kind].bytes, headers[kind].length);
    memcpy(frame + headers[kind].length, bytes + 4, given);
    if (what & 0x10 && lengths[what & 3] > total) {
        memset(frame + total, 0, lengths[what & 3] - total);
        total = lengths[what & 3];
    }
    if (!(frame[0] & 1))
        memcpy(frame, interface.front.mac, 6);
    if (what & 0x20)
        make_likely(frame, total);
    if (kind)
        complete(frame, total);
    deliver(frame, total, what & 0x0c, what & 0x40);
    return 4 + given;
}

/* A neighbour that is known, and a connection with it. */
static void make_acquaintance(void)
{
    static const uint8_t steps[] = {
        0x00, 0, 0, 1, /* who has our address? */
        0x40, 0, 0, 4, /* SYN */
        0x60, 0, 0, 5, /* ACK */
    };

    for (size_t at = 0; at < sizeof steps; at += 4)
        (void)step(steps + at, 4);
}

/* Everybody goes away, and everything times out. */
static void finish(void)
{
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
    if (kept)
        pbuf_free(kept);
    kept = NULL;
    for (int i = 0; i < 3; i++)
        pass_time(70000);
    for (int i = 0; i < 10; i++)
        pass_time(1000);
}

static void run(const uint8_t *bytes, size_t size)
{
    make_acquaintance();
    while (size > 4) {
        size_t used = step(bytes, size);

        bytes += used;
        size -= used;
    }
    finish();
}

/* What made lwIP fail before stardust/net kept it from lwIP. */
static void run_what_was_found(void)
{
    static const struct {
        const char *steps;
        size_t size;
    } found[] = {
        /* ARP without its end */
        HEADERS("\x00\x16\x00\x00" TO_US "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"),
        /* data that goes beyond the window, then what is missing before it */
        HEADERS("\x73\x04\x00\x07\x00\x00\x07\x77"
                "\x60\xf4\x01\x05" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "\x71\x01\x00\x05\x00"),
        /* a FIN in the midst of data, then a whole window of data */
        HEADERS("\x60\x1a\x00\x07\x00\x00\x00\x64\x00\x00\x00\x00\x50\x11\xff\xff\x00\x00\x00\x00"
                "0123456789"
                "\x73\x01\x00\x05\x00"),
    };

    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        run((const uint8_t *)found[i].steps, found[i].size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool started;
    static size_t blocks_before;

    if (!started) {
        start();
        finish();
        blocks_before = blocks;
        started = true;
        run_what_was_found();
    }
    run(bytes, size);
    /* Neighbours and their like have places of their own; MLD groups belong to addresses that were learned.
     */
    if (pages || blocks > blocks_before + 16) {
        fprintf(stderr, "%zu pages and %zu blocks (%zu before) are held\n", pages, blocks, blocks_before);
        abort();
    }
    if (sd_net_timers_next() != XEN_FOREVER) {
        fprintf(stderr, "a timer runs although there is nothing to do\n");
        abort();
    }
    return 0;
}
