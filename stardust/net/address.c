#include "address.h"

#include <string.h>

/* A decimal number of at most three digits, without leading zeros (which some read as octal). */
static bool parse_number(const char **text, unsigned max, unsigned *value)
{
    const char *at = *text;
    unsigned number = 0, digits = 0;

    for (; *at >= '0' && *at <= '9' && digits < 4; at++, digits++)
        number = number * 10 + (unsigned)(*at - '0');
    if (!digits || digits > 3 || number > max || (digits > 1 && **text == '0'))
        return false;
    *text = at;
    *value = number;
    return true;
}

static bool parse_quad(const char **text, uint8_t quad[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned byte;

        if (!parse_number(text, 255, &byte) || (i < 3 && *(*text)++ != '.'))
            return false;
        quad[i] = (uint8_t)byte;
    }
    return true;
}

/* A host's: not 0.x.x.x, not loopback, not multicast or above. */
static bool is_host(const uint8_t quad[4])
{
    return quad[0] != 0 && quad[0] != 127 && quad[0] < 224;
}

bool sd_net_address_parse(const char *text, struct sd_net_address *address)
{
    struct sd_net_address parsed = {.way = SD_NET_FIXED};

    if (!strcmp(text, "dhcp") || !strcmp(text, "none")) {
        *address = (struct sd_net_address){.way = *text == 'd' ? SD_NET_DHCP : SD_NET_NONE};
        return true;
    }
    if (!parse_quad(&text, parsed.address) || !is_host(parsed.address) || *text++ != '/' ||
        !parse_number(&text, 32, &parsed.bits) || !parsed.bits)
        return false;
    if (*text == ',' && (text++, !parse_quad(&text, parsed.gateway) || !is_host(parsed.gateway)))
        return false;
    if (*text)
        return false;
    *address = parsed;
    return true;
}

/* 255.255.255.0: ones, then zeros. */
static bool parse_mask(const char **text, unsigned *bits)
{
    uint8_t quad[4];
    uint32_t mask;

    if (!parse_quad(text, quad))
        return false;
    mask = (uint32_t)quad[0] << 24 | (uint32_t)quad[1] << 16 | (uint32_t)quad[2] << 8 | quad[3];
    if (!mask || ~mask & (~mask + 1))
        return false;
    *bits = 32 - (unsigned)__builtin_ctz(mask);
    return true;
}

/* Neither the network itself nor all of its hosts. */
static bool is_one_host(const struct sd_net_address *address)
{
    const uint8_t *quad = address->address;
    uint32_t number = (uint32_t)quad[0] << 24 | (uint32_t)quad[1] << 16 | (uint32_t)quad[2] << 8 | quad[3];
    uint32_t hosts = address->bits < 32 ? UINT32_MAX >> address->bits : 0;

    return address->bits >= 31 || ((number & hosts) && (number & hosts) != hosts);
}

/* Further addresses that the vif may use: only what they are made of. */
static bool is_list(const char *text)
{
    return text[strspn(text, "0123456789abcdefABCDEF.:/ ")] == '\0';
}

bool sd_net_address_parse_vif(const char *text, struct sd_net_address *address)
{
    struct sd_net_address parsed = {.way = SD_NET_FIXED, .bits = SD_NET_VIF_BITS};

    if (!parse_quad(&text, parsed.address) || !is_host(parsed.address))
        return false;
    if (*text == '/') {
        text++;
        if (!parse_number(&text, 32, &parsed.bits) || !parsed.bits)
            return false;
    } else if (!strncmp(text, " 255.", 5)) {
        text++;
        if (!parse_mask(&text, &parsed.bits))
            return false;
        if (*text == ' ' && (text++, !parse_quad(&text, parsed.gateway) || !is_host(parsed.gateway)))
            return false;
        if (*text)
            return false;
    }
    if ((*text && *text != ' ') || !is_list(text) || !is_one_host(&parsed))
        return false;
    *address = parsed;
    return true;
}
