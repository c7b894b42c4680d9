/*
 * How an interface is to get its IPv4 address (docs/guest-contract.md): the value of ip= on the command line,
 * which is dhcp, none, or ADDR/BITS[,GATEWAY]; and that of `ip` in its vif.
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

/*
 * The value that the toolstack gives a vif's `ip`: ADDR[/BITS], and behind it further addresses, which are
 * not taken; or, as Mini-OS has it, ADDR NETMASK [GATEWAY]. Never DHCP or none. False as above; also for the
 * address of a network, which a vif may have been given to use as a whole.
 */
#define SD_NET_VIF_BITS 24 /* where nothing is said */
bool sd_net_address_parse_vif(const char *text, struct sd_net_address *address);

#endif
