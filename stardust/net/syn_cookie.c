#include "syn_cookie.h"

#include <string.h>

#include <stardust/kernel.h>

#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/pbuf.h"
#include "lwip/prot/tcp.h"
#include "lwip/priv/tcp_priv.h"

#include "random.h"

/*
 * A cookie, from its highest bit: 24 of the hash; the period it is of, modulo 4; whether the peer knows
 * selective acknowledgements; its window's scale and its segments' size, as places in the tables below, of
 * the next value that is not larger.
 */
#define PERIOD_NS    32000000000ull
#define PERIOD_SHIFT 6
#define PERIODS      4
#define SACK         (1u << 5)
#define SCALE_SHIFT  2
#define SIZE_MASK    3u
#define SAID_MASK    (SACK | SIZE_MASK | 7u << SCALE_SHIFT)
#define HASH_MASK    0xffffff00u

static const uint8_t scales[8] = {0, 0, 2, 4, 6, 7, 8, 10}; /* the first: none is offered */
static const uint16_t sizes[4] = {536, 1220, 1440, 1460};

#define OPTION_SCALE  3
#define OPTION_SACK   4
#define OPTIONS_BYTES 12

static bool has_been_needed;
static uint64_t last_needed;

void sd_syn_cookies_needed(void)
{
    has_been_needed = true;
    last_needed = sd_now();
}

/* ---- what a SYN says ---- */

static uint32_t place_of_scale(uint8_t scale)
{
    uint32_t place = 1;

    while (place + 1 < sizeof(scales) && scales[place + 1] <= scale)
        place++;
    return place;
}

static uint32_t place_of_size(uint32_t size)
{
    uint32_t place = 0;

    while (place < SIZE_MASK && sizes[place + 1] <= size)
        place++;
    return place;
}

static uint32_t said_by(const uint8_t *at, size_t left)
{
    uint32_t said = 0;

    while (left && *at != LWIP_TCP_OPT_EOL) {
        size_t length = *at == LWIP_TCP_OPT_NOP ? 1 : left > 1 ? at[1] : 0;

        if (!length || length > left || (length == 1 && *at != LWIP_TCP_OPT_NOP))
            break;
        if (*at == LWIP_TCP_OPT_MSS && length == 4)
            said = (said & ~SIZE_MASK) | place_of_size((uint32_t)at[2] << 8 | at[3]);
        else if (*at == OPTION_SCALE && length == 3)
            said = (said & (SACK | SIZE_MASK)) | place_of_scale(at[2]) << SCALE_SHIFT;
        else if (*at == OPTION_SACK && length == 2)
            said |= SACK;
        at += length;
        left -= length;
    }
    return said;
}

/* ---- cookies ---- */

static uint32_t make(const struct tcp_hdr *header, uint32_t syn, uint64_t period, uint32_t said)
{
    struct {
        ip_addr_t local, remote;
        uint64_t period;
        uint32_t syn, said;
        uint16_t local_port, remote_port;
    } names;

    memset(&names, 0, sizeof(names));
    ip_addr_copy(names.local, *ip_current_dest_addr());
    ip_addr_copy(names.remote, *ip_current_src_addr());
    names.period = period;
    names.syn = syn;
    names.said = said;
    names.local_port = header->dest;
    names.remote_port = header->src;
    return ((uint32_t)sd_net_hash(&names, sizeof(names)) & HASH_MASK) |
           (uint32_t)(period % PERIODS) << PERIOD_SHIFT | said;
}

uint32_t sd_syn_cookie(const struct tcp_hdr *header, size_t bytes)
{
    return make(header, header->seqno, sd_now() / PERIOD_NS, said_by((const uint8_t *)(header + 1), bytes));
}

bool sd_syn_cookie_comes_back(const struct tcp_hdr *header)
{
    uint64_t now = sd_now() / PERIOD_NS;
    uint32_t cookie = header->ackno - 1, age = (uint32_t)(now - (cookie >> PERIOD_SHIFT)) % PERIODS;

    if (!has_been_needed || sd_now() - last_needed > 2 * PERIOD_NS || age > 1 || age > now)
        return false;
    return make(header, header->seqno - 1, now - age, cookie & SAID_MASK) == cookie;
}

/* ---- the SYN again ---- */

static size_t options_of(uint32_t said, uint8_t options[OPTIONS_BYTES])
{
    uint16_t size = sizes[said & SIZE_MASK];
    uint8_t scale = (said & SAID_MASK) >> SCALE_SHIFT & 7;
    const uint8_t all[OPTIONS_BYTES] = {
        LWIP_TCP_OPT_MSS,
        4,
        (uint8_t)(size >> 8),
        (uint8_t)size,
        LWIP_TCP_OPT_NOP,
        LWIP_TCP_OPT_NOP,
        OPTION_SACK,
        2,
        LWIP_TCP_OPT_NOP,
        OPTION_SCALE,
        3,
        scales[scale],
    };

    memcpy(options, all, sizeof(all));
    if (!(said & SACK))
        memset(options + 4, LWIP_TCP_OPT_NOP, 4);
    return scale ? OPTIONS_BYTES : OPTIONS_BYTES - 4;
}

struct pbuf *sd_syn_cookie_syn(const struct tcp_hdr *header)
{
    uint8_t options[OPTIONS_BYTES];
    size_t bytes = options_of(header->ackno - 1, options);
    struct pbuf *packet = pbuf_alloc(PBUF_RAW, (uint16_t)(TCP_HLEN + bytes), PBUF_RAM);
    struct tcp_hdr *syn;

    if (!packet)
        return NULL;
    syn = packet->payload;
    memset(syn, 0, sizeof(*syn));
    syn->src = lwip_htons(header->src);
    syn->dest = lwip_htons(header->dest);
    syn->seqno = lwip_htonl(header->seqno - 1);
    syn->wnd = lwip_htons(header->wnd);
    TCPH_HDRLEN_FLAGS_SET(syn, (TCP_HLEN + bytes) / 4, TCP_SYN);
    memcpy(syn + 1, options, bytes);
    syn->chksum = ip_chksum_pseudo(packet, IP_PROTO_TCP, packet->tot_len, ip_current_src_addr(),
                                   ip_current_dest_addr());
    return packet;
}
