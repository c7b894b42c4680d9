#include "transmit.h"

#include <errno.h>
#include <string.h>

#include "checksum.h"
#include "lwip/opt.h"

#define ETHERNET    14
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER  20
#define TCP_NUMBER  6

#define TCP_FLAG_PSH 0x08
#define TCP_FLAG_ACK 0x10

/* What there is to know about a TCP segment. */
struct segment {
    bool ipv6;
    uint8_t flags;
    unsigned tcp_at, header_bytes, payload_bytes;
    uint32_t sequence;
    const uint8_t *header;
};

/* The bits of a header in which segments of one packet may differ: lengths, the IPv4 header's id and
 * checksum, sequence, PSH and checksum. */
static const uint8_t differences_ipv4[SD_TRANSMIT_HEADER_MAX] = {
    [16] = 0xff,         0xff,        0xff, 0xff, [24] = 0xff, 0xff, [38] = 0xff, 0xff, 0xff, 0xff,
    [47] = TCP_FLAG_PSH, [50] = 0xff, 0xff,
};
static const uint8_t differences_ipv6[SD_TRANSMIT_HEADER_MAX] = {
    [18] = 0xff, 0xff, [58] = 0xff, 0xff, 0xff, 0xff, [67] = TCP_FLAG_PSH, [70] = 0xff, 0xff,
};

static uint32_t load16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t load32(const uint8_t *at)
{
    return load16(at) << 16 | load16(at + 2);
}

static void store16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Where the TCP header starts, or 0: not TCP, or only a fragment of it. lwIP builds headers in one piece. */
static unsigned find_tcp(const uint8_t *bytes, unsigned length)
{
    if (length < ETHERNET + IPV4_HEADER + TCP_HEADER)
        return 0;
    if (load16(bytes + 12) == 0x0800 && bytes[14] == 0x45 && !(load16(bytes + 20) & 0x3fff) &&
        bytes[23] == TCP_NUMBER)
        return ETHERNET + IPV4_HEADER;
    if (load16(bytes + 12) == 0x86dd && bytes[20] == TCP_NUMBER &&
        length >= ETHERNET + IPV6_HEADER + TCP_HEADER)
        return ETHERNET + IPV6_HEADER;
    return 0;
}

static bool parse(const struct pbuf *packet, struct segment *segment)
{
    const uint8_t *bytes = packet->payload;
    unsigned at = find_tcp(bytes, packet->len);
    unsigned header;

    if (!at)
        return false;
    header = at + (bytes[at + 12] >> 4) * 4u;
    /* None of lwIP's is longer than a page. */
    if (header < at + TCP_HEADER || header > packet->len || packet->tot_len > XEN_PAGE_SIZE)
        return false;
    segment->ipv6 = at != ETHERNET + IPV4_HEADER;
    segment->tcp_at = at;
    segment->header_bytes = header;
    segment->payload_bytes = packet->tot_len - header;
    segment->sequence = load32(bytes + at + 4);
    segment->flags = bytes[at + 13];
    segment->header = bytes;
    return true;
}

static uint64_t load_word(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* Eight bytes at a time, for every segment comes here; some of the last ones twice, for they may be fewer. */
static bool same_header(const struct segment *segment, const uint8_t *other)
{
    const uint8_t *mine = segment->header;
    const uint8_t *differences = segment->ipv6 ? differences_ipv6 : differences_ipv4;
    size_t last = segment->header_bytes - 8;
    uint64_t difference = 0;

    for (size_t at = 0; at < last; at += 8)
        difference |= (load_word(mine + at) ^ load_word(other + at)) & ~load_word(differences + at);
    difference |= (load_word(mine + last) ^ load_word(other + last)) & ~load_word(differences + last);
    return !difference;
}

static bool continues(const struct sd_transmit *transmit, const struct segment *segment)
{
    return transmit->open && !transmit->ended && segment->payload_bytes &&
           segment->payload_bytes <= transmit->segment_bytes &&
           segment->sequence == transmit->next_sequence && segment->header_bytes == transmit->header_bytes &&
           xen_netfront_building(transmit->front) + segment->payload_bytes <= XEN_NET_TX_MAX &&
           segment->ipv6 == transmit->ipv6 && same_header(segment, transmit->header);
}

/* A full segment that says nothing but ACK, of a size that append_payload can handle, to a backend that does
 * GSO. */
static bool may_be_continued(const struct sd_transmit *transmit, const struct segment *segment)
{
    const struct xen_net_features *features = &transmit->front->features;

    return (segment->ipv6 ? features->gso_tcpv6 : features->gso_tcpv4) && features->scatter &&
           (segment->flags & ~TCP_FLAG_PSH) == TCP_FLAG_ACK && segment->payload_bytes &&
           segment->payload_bytes <= TCP_MSS;
}

static err_t error_of(int error)
{
    return !error ? ERR_OK : error == -EAGAIN || error == -ENOMEM ? ERR_MEM : ERR_IF;
}

/* In one call, for a packet that is open must not end in half a segment. */
static int append_payload(struct sd_transmit *transmit, const struct pbuf *packet,
                          const struct segment *segment)
{
    static uint8_t pieces[TCP_MSS];
    uint16_t bytes = (uint16_t)segment->payload_bytes;

    if (packet->len == packet->tot_len)
        return xen_netfront_append(transmit->front, (const uint8_t *)packet->payload + segment->header_bytes,
                                   bytes);
    if (packet->len == segment->header_bytes && packet->next->len == bytes)
        return xen_netfront_append(transmit->front, packet->next->payload, bytes);
    pbuf_copy_partial(packet, pieces, bytes, (uint16_t)segment->header_bytes);
    return xen_netfront_append(transmit->front, pieces, bytes);
}

static err_t continue_packet(struct sd_transmit *transmit, const struct pbuf *packet,
                             const struct segment *segment)
{
    int error = append_payload(transmit, packet, segment);

    if (error) {
        sd_transmit_finish(transmit);
        return error_of(error);
    }
    transmit->segments++;
    transmit->flags |= segment->flags;
    transmit->next_sequence += segment->payload_bytes;
    transmit->ended = segment->payload_bytes < transmit->segment_bytes;
    return ERR_OK;
}

static err_t append_all(struct sd_transmit *transmit, const struct pbuf *packet)
{
    for (const struct pbuf *part = packet; part; part = part->next) {
        int error = xen_netfront_append(transmit->front, part->payload, part->len);

        if (error) {
            xen_netfront_abort(transmit->front);
            return error_of(error);
        }
    }
    return ERR_OK;
}

static void open_packet(struct sd_transmit *transmit, const struct segment *segment)
{
    transmit->open = true;
    transmit->ended = !may_be_continued(transmit, segment);
    transmit->ipv6 = segment->ipv6;
    transmit->flags = segment->flags;
    transmit->header_bytes = segment->header_bytes;
    transmit->tcp_at = segment->tcp_at;
    transmit->segments = 1;
    transmit->segment_bytes = (uint16_t)segment->payload_bytes;
    transmit->next_sequence = segment->sequence + segment->payload_bytes;
    memcpy(transmit->header, segment->header, segment->header_bytes);
}

/* The checksum's field gets the sum over the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1), for the backend to
 * go on from. */
static uint16_t pseudo_header_sum(const uint8_t *header, bool ipv6, uint32_t tcp_bytes)
{
    const uint8_t rest[8] = {[1] = TCP_NUMBER, [2] = (uint8_t)(tcp_bytes >> 8), [3] = (uint8_t)tcp_bytes};
    const uint8_t *addresses = header + ETHERNET + (ipv6 ? 8 : 12);

    return sd_net_checksum_add(sd_net_checksum(addresses, ipv6 ? 32 : 8), sd_net_checksum(rest, sizeof rest));
}

static void complete_header(const struct sd_transmit *transmit, uint8_t *header, uint32_t bytes)
{
    uint8_t *ip = header + ETHERNET, *tcp = header + transmit->tcp_at;
    uint16_t sum;

    if (transmit->ipv6) {
        store16(ip + 4, bytes - ETHERNET - IPV6_HEADER);
    } else {
        store16(ip + 2, bytes - ETHERNET);
        memset(ip + 10, 0, 2);
        sum = (uint16_t)~sd_net_checksum(ip, IPV4_HEADER);
        memcpy(ip + 10, &sum, sizeof sum);
    }
    tcp[13] = transmit->flags;
    sum = pseudo_header_sum(header, transmit->ipv6, bytes - transmit->tcp_at);
    memcpy(tcp + 16, &sum, sizeof sum);
}

void sd_transmit_finish(struct sd_transmit *transmit)
{
    struct xen_net_offload offload = {.checksum_blank = true};

    if (!transmit->open)
        return;
    transmit->open = false;
    complete_header(transmit, xen_netfront_head(transmit->front),
                    (uint32_t)xen_netfront_building(transmit->front));
    if (transmit->segments > 1) {
        offload.gso_type = transmit->ipv6 ? XEN_NET_GSO_TCPV6 : XEN_NET_GSO_TCPV4;
        offload.gso_size = transmit->segment_bytes;
    }
    /* Lost, if it fails: TCP sends it again. */
    if (xen_netfront_commit(transmit->front, &offload))
        xen_netfront_abort(transmit->front);
}

static bool is_offloaded(const struct sd_transmit *transmit, const struct segment *segment)
{
    const struct xen_net_features *features = &transmit->front->features;

    return segment->ipv6 ? features->checksum_ipv6 : features->checksum_ipv4;
}

/* Of the segment that was appended last, in the copy for the backend. */
static void fill_in_checksum(const struct sd_transmit *transmit, const struct segment *segment)
{
    uint8_t *header = xen_netfront_head(transmit->front), *tcp = header + segment->tcp_at;
    uint32_t bytes = (uint32_t)xen_netfront_building(transmit->front) - segment->tcp_at;
    uint16_t sum;

    memset(tcp + 16, 0, 2);
    sum = pseudo_header_sum(header, segment->ipv6, bytes);
    sum = (uint16_t)~sd_net_checksum_add(sum, sd_net_checksum(tcp, (int)bytes));
    memcpy(tcp + 16, &sum, sizeof sum);
}

err_t sd_transmit_packet(struct sd_transmit *transmit, const struct pbuf *packet)
{
    struct segment segment = {0};
    bool is_tcp = parse(packet, &segment);
    bool offloaded = is_tcp && is_offloaded(transmit, &segment);
    err_t result;
    int error;

    if (offloaded && continues(transmit, &segment))
        return continue_packet(transmit, packet, &segment);
    sd_transmit_finish(transmit);
    result = append_all(transmit, packet);
    if (result != ERR_OK)
        return result;
    if (offloaded) {
        open_packet(transmit, &segment);
        return ERR_OK;
    }
    if (is_tcp)
        fill_in_checksum(transmit, &segment);
    error = xen_netfront_commit(transmit->front, NULL);
    if (error)
        xen_netfront_abort(transmit->front);
    return error_of(error);
}
