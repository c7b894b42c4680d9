/* links: address.c */
#include "tap.h"

#include <string.h>

#include "net/address.h"

TEST(what_the_contract_names_is_taken_and_nothing_else)
{
    static const struct {
        const char *text;
        bool taken;
        struct sd_net_address address;
    } cases[] = {
        {"dhcp", true, {.way = SD_NET_DHCP}},
        {"none", true, {.way = SD_NET_NONE}},
        {"10.0.2.15/24", true, {SD_NET_FIXED, {10, 0, 2, 15}, {0}, 24}},
        {"192.168.100.200/32,192.168.100.1",
         true,
         {SD_NET_FIXED, {192, 168, 100, 200}, {192, 168, 100, 1}, 32}},
        {"1.0.0.1/1,223.255.255.254", true, {SD_NET_FIXED, {1, 0, 0, 1}, {223, 255, 255, 254}, 1}},
        {"", false, {0}},
        {"DHCP", false, {0}},
        {"dhcp ", false, {0}},
        {"nonesuch", false, {0}},
        {"10.0.2.15", false, {0}},
        {"10.0.2.15/", false, {0}},
        {"10.0.2.15/0", false, {0}},
        {"10.0.2.15/33", false, {0}},
        {"10.0.2.15/024", false, {0}},
        {"10.0.2.15/24,", false, {0}},
        {"10.0.2.15/24,10.0.2", false, {0}},
        {"10.0.2.15/24,10.0.2.2x", false, {0}},
        {"10.0.2.15/24,0.0.0.0", false, {0}},
        {"10.0.2.15/24 ", false, {0}},
        {" 10.0.2.15/24", false, {0}},
        {"10.0.2.256/24", false, {0}},
        {"10.0.2.0015/24", false, {0}},
        {"10.0.02.15/24", false, {0}},
        {"10.0.2/24", false, {0}},
        {"10.0.2.15.1/24", false, {0}},
        {"10..2.15/24", false, {0}},
        {"-1.0.2.15/24", false, {0}},
        {"10.0.2.4294967311/24", false, {0}},
        {"0.0.0.1/24", false, {0}},
        {"127.0.0.1/8", false, {0}},
        {"224.0.0.1/4", false, {0}},
        {"255.255.255.255/24", false, {0}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sd_net_address before, address;

        memset(&before, 0x5a, sizeof before);
        address = before;
        TEST_CHECK(sd_net_address_parse(cases[i].text, &address) == cases[i].taken, "'%s'", cases[i].text);
        if (!cases[i].taken) {
            TEST_CHECK(!memcmp(&address, &before, sizeof before), "'%s' changed the result", cases[i].text);
            continue;
        }
        TEST_CHECK(address.way == cases[i].address.way && address.bits == cases[i].address.bits &&
                       !memcmp(address.address, cases[i].address.address, 4) &&
                       !memcmp(address.gateway, cases[i].address.gateway, 4),
                   "'%s' gave something else", cases[i].text);
    }
}

TEST(what_a_vif_may_say_is_taken_and_nothing_else)
{
    static const struct {
        const char *text;
        bool taken;
        struct sd_net_address address;
    } cases[] = {
        {"10.0.2.77/24", true, {SD_NET_FIXED, {10, 0, 2, 77}, {0}, 24}},
        {"10.0.2.77", true, {SD_NET_FIXED, {10, 0, 2, 77}, {0}, 24}},
        {"10.0.2.77/32", true, {SD_NET_FIXED, {10, 0, 2, 77}, {0}, 32}},
        {"10.0.2.76/31", true, {SD_NET_FIXED, {10, 0, 2, 76}, {0}, 31}},
        {"10.0.2.77 10.0.2.78/32", true, {SD_NET_FIXED, {10, 0, 2, 77}, {0}, 24}},
        {"10.0.2.77/16 fd5d::77/64 10.0.2.1", true, {SD_NET_FIXED, {10, 0, 2, 77}, {0}, 16}},
        {"10.0.2.77 255.255.255.0", true, {SD_NET_FIXED, {10, 0, 2, 77}, {0}, 24}},
        {"10.0.2.77 255.255.254.0 10.0.3.1", true, {SD_NET_FIXED, {10, 0, 2, 77}, {10, 0, 3, 1}, 23}},
        {"10.0.2.77 255.0.0.0", true, {SD_NET_FIXED, {10, 0, 2, 77}, {0}, 8}},
        {"10.0.2.77 255.255.255.255", true, {SD_NET_FIXED, {10, 0, 2, 77}, {0}, 32}},
        {"", false, {0}},
        {"dhcp", false, {0}},
        {"none", false, {0}},
        {" 10.0.2.77", false, {0}},
        {"10.0.2.77/", false, {0}},
        {"10.0.2.77/0", false, {0}},
        {"10.0.2.77/33", false, {0}},
        {"10.0.2.77/24,10.0.2.1", false, {0}},
        {"10.0.2.77/24 and more", false, {0}},
        {"10.0.2.77\n", false, {0}},
        {"10.0.2.77/24\x1b[2J", false, {0}},
        {"10.0.2.77 255.255.255.0 10.0.2.1 10.0.2.78", false, {0}},
        {"10.0.2.77 255.255.255.0 127.0.0.1", false, {0}},
        {"10.0.2.77 255.255.255.0 ", false, {0}},
        {"10.0.2.77 255.255.255.0/24", false, {0}},
        {"10.0.2.77 255.0.255.0", false, {0}},
        {"10.0.2.77 255.255.255", false, {0}},
        {"10.0.2.77 255.255.255.1 10.0.2.1", false, {0}},
        {"10.0.2.0/24", false, {0}},
        {"10.0.2.255/24", false, {0}},
        {"10.0.2.0", false, {0}},
        {"10.0.2.76/30", false, {0}},
        {"10.0.2.77 255.255.255.254 10.0.2.76.5", false, {0}},
        {"10.0.2.256/24", false, {0}},
        {"10.0.2/24", false, {0}},
        {"0.0.0.0/24", false, {0}},
        {"127.0.0.1/8", false, {0}},
        {"224.0.0.1/4", false, {0}},
        {"fd5d::77/64", false, {0}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sd_net_address before, address;

        memset(&before, 0x5a, sizeof before);
        address = before;
        TEST_CHECK(sd_net_address_parse_vif(cases[i].text, &address) == cases[i].taken, "'%s'",
                   cases[i].text);
        if (!cases[i].taken) {
            TEST_CHECK(!memcmp(&address, &before, sizeof before), "'%s' changed the result", cases[i].text);
            continue;
        }
        TEST_CHECK(address.way == cases[i].address.way && address.bits == cases[i].address.bits &&
                       !memcmp(address.address, cases[i].address.address, 4) &&
                       !memcmp(address.gateway, cases[i].address.gateway, 4),
                   "'%s': /%u", cases[i].text, address.bits);
    }
}

int main(void)
{
    return tap_run();
}
