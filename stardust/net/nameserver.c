#include "nameserver.h"

#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>

#include "lwip/dns.h"

/* Unset ones are the any address. */
static ip_addr_t given[SD_NAMESERVERS], by_dhcp[SD_NAMESERVERS], by_router[SD_NAMESERVERS];

static void read_option(void)
{
    char value[3 * IPADDR_STRLEN_MAX], *rest = value, *word;

    if (!sd_option("dns", value, sizeof value))
        return;
    for (unsigned i = 0; (word = strsep(&rest, ",")); i++) {
        if (i < SD_NAMESERVERS && ipaddr_aton(word, &given[i]) && !ip_addr_isany(&given[i]))
            continue;
        sd_warn(
            "dns=: up to %u addresses make sense, with commas between them; DHCP's name servers are asked",
            SD_NAMESERVERS);
        memset(given, 0, sizeof given);
        return;
    }
}

/* lwIP: at its start. */
void dns_init(void)
{
    read_option();
}

/* lwIP: DHCP numbers what it has told from 0, and so does each router; NULL takes one away, as told before.
 */
void dns_setserver(u8_t numdns, const ip_addr_t *dnsserver)
{
    if (numdns >= SD_NAMESERVERS)
        return;
    if (!dnsserver)
        ip_addr_set_any(true, &by_router[numdns]);
    else if (IP_IS_V6(dnsserver))
        by_router[numdns] = *dnsserver;
    else
        by_dhcp[numdns] = *dnsserver;
}

/* lwIP: to compare with what a router takes back. */
const ip_addr_t *dns_getserver(u8_t numdns)
{
    return numdns < SD_NAMESERVERS ? &by_router[numdns] : IP_ADDR_ANY;
}

static unsigned add(ip_addr_t servers[SD_NAMESERVERS], unsigned count, const ip_addr_t more[SD_NAMESERVERS])
{
    for (unsigned i = 0; i < SD_NAMESERVERS && count < SD_NAMESERVERS; i++) {
        if (!ip_addr_isany(&more[i]))
            servers[count++] = more[i];
    }
    return count;
}

unsigned sd_net_nameservers(ip_addr_t servers[SD_NAMESERVERS])
{
    unsigned count = add(servers, 0, given);

    return count ? count : add(servers, add(servers, 0, by_dhcp), by_router);
}
