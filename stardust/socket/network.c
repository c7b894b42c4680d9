#include "network.h"

#include <errno.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/net.h>
#include <stardust/timer.h>

#include "../fs/proc.h"
#include "../net/nameserver.h"

/* Longer than DHCP asks three times. */
#define ADDRESS_TIME (15 * SD_SECOND)

int sd_network_begin(void)
{
    static bool has_waited;
    int error = sd_net_start();

    if (error && error != -EALREADY)
        return -ENOBUFS;
    if (!has_waited && sd_net_wait_address(sd_now() + ADDRESS_TIME) == -ETIMEDOUT)
        sd_warn("the network has no address; the program goes on without");
    has_waited = true;
    return 0;
}

void sd_proc_nameservers(struct sd_text *text)
{
    ip_addr_t servers[SD_NAMESERVERS];
    unsigned count;

    if (sd_network_begin())
        return;
    sd_net_lock();
    count = sd_net_nameservers(servers);
    sd_net_unlock();
    for (unsigned i = 0; i < count; i++) {
        char name[IPADDR_STRLEN_MAX];

        sd_text_add(text, "nameserver %s\n", ipaddr_ntoa_r(&servers[i], name, sizeof(name)));
    }
}
