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
