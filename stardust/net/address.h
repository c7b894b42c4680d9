/*
 * The value of ip= on the command line: dhcp, none, or ADDR/BITS[,GATEWAY] (docs/guest-contract.md).
 */
#ifndef STARDUST_NET_ADDRESS_H
#define STARDUST_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

enum sd_net_way { SD_NET_DHCP, SD_NET_NONE, SD_NET_FIXED };

/* Addresses as they lie in a packet: first byte first. 0 for no gateway. */
struct sd_net_address {
    enum sd_net_way way;
    uint8_t address[4], gateway[4];
    unsigned bits; /* of the prefix, 1 to 32 */
};

/* False, with *address untouched, when the text is none of these. */
bool sd_net_address_parse(const char *text, struct sd_net_address *address);

#endif
