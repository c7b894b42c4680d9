/*
 * What xenstore is told of addresses and ports, request by request. Interfaces and xenstore are played. Built
 * by deps/lwip-host.mk.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <stardust/log.h>
#include <stardust/net.h>
#include <stardust/thread.h>
#include <xenlib/format.h>
#include <xenlib/store.h>

#include "interface.h"
#include "net.h"
#include "publish.h"

static char said[1024]; /* to xenstore, a line a request */
static unsigned warnings;
static bool is_closed; /* attr, to us */

/* ---- what is around ---- */

static int note(const char *verb, const char *path, const char *value, size_t bytes)
{
    size_t at = strlen(said);

    snprintf(said + at, sizeof said - at, "%s %s%s%.*s\n", verb, path, bytes ? " " : "", (int)bytes, value);
    return is_closed && !strncmp(path, "attr", 4) ? -EACCES : 0;
}

int xen_store_write(xen_store_tx tx, const char *path, const void *value, size_t length)
{
    (void)tx;
    return note("write", path, value, length);
}

int xen_store_remove(xen_store_tx tx, const char *path)
{
    (void)tx;
    return note("rm", path, "", 0);
}

void sd_interface_format_ipv6(char *text, size_t size, const ip6_addr_t *address)
{
    inet_ntop(AF_INET6, address->addr, text, (socklen_t)size);
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

void sd_log(enum xen_log_level level, const char *format, ...)
{
    (void)format;
    warnings += level == XEN_LOG_WARN;
}

void sd_mutex_init(struct sd_mutex *mutex)
{
    (void)mutex;
}

void sd_mutex_lock(struct sd_mutex *mutex)
{
    (void)mutex;
}

void sd_mutex_unlock(struct sd_mutex *mutex)
{
    (void)mutex;
}

void xen_platform_lock(struct xen_lock *lock)
{
    (void)lock;
}

void xen_platform_unlock(struct xen_lock *lock)
{
    (void)lock;
}

int xen_platform_wait(struct xen_waitq *queue, struct xen_lock *lock, uint64_t deadline)
{
    (void)queue, (void)lock, (void)deadline;
    return -ETIMEDOUT;
}

void xen_platform_wake(struct xen_waitq *queue)
{
    (void)queue;
}

/* ---- interfaces ---- */

static struct sd_interface first = {.known = true}, second = {.index = 5, .known = true};
struct sd_interface *sd_interfaces[SD_INTERFACES_MAX + 1] = {&first, &second};

static void set_ipv4(struct sd_interface *interface, const char *text)
{
    inet_pton(AF_INET, text, &ip_2_ip4(&interface->netif.ip_addr)->addr);
    sd_net_addresses_changed(interface);
}

static void set_ipv6(struct sd_interface *interface, int slot, const char *text, uint8_t status)
{
    inet_pton(AF_INET6, text, ip_2_ip6(&interface->netif.ip6_addr[slot])->addr);
    interface->netif.ip6_addr_state[slot] = status;
    sd_net_addresses_changed(interface);
}

/* The requests that what changed leads to, and none when nothing changed since. */
static bool tells(const char *wanted)
{
    bool good;

    said[0] = '\0';
    sd_net_publish();
    good = !strcmp(said, wanted);
    if (!good)
        printf("# wanted:\n%s# was:\n%s", wanted, said);
    said[0] = '\0';
    sd_net_publish();
    sd_net_addresses_changed(&first);
    sd_net_addresses_changed(&second);
    sd_net_publish();
    return good && !said[0];
}

/* ---- claims, in this order ---- */

TEST(publish_ports_wait_for_an_address)
{
    sd_net_publish_init();
    TEST_CHECK(tells(""));
    TEST_CHECK(!sd_net_serving("tcp", 7) && !said[0] && sd_net_wait_address(0) == -ETIMEDOUT);
    set_ipv4(&first, "10.0.2.15");
    TEST_CHECK(tells("write data/stardust/address 10.0.2.15\n"
                     "write data/stardust/serving tcp:7\n"
                     "write attr/vif/0/ipv4/0 10.0.2.15\n"));
    TEST_CHECK(!sd_net_wait_address(0));
    TEST_CHECK(!sd_net_serving("udp", 7) && !strcmp(said, "write data/stardust/serving tcp:7 udp:7\n"));
    TEST_CHECK(tells(""));
}

TEST(publish_each_address_has_a_key_of_its_own)
{
    set_ipv6(&first, 0, "fe80::216:3eff:fe5d:1", IP6_ADDR_TENTATIVE);
    TEST_CHECK(tells(""));
    set_ipv6(&first, 0, "fe80::216:3eff:fe5d:1", IP6_ADDR_PREFERRED);
    TEST_CHECK(tells("write attr/vif/0/ipv6/0 fe80::216:3eff:fe5d:1\n"));
    set_ipv6(&first, 1, "fd5d::15", IP6_ADDR_PREFERRED);
    TEST_CHECK(tells("write attr/vif/0/ipv6/1 fd5d::15\n"));
    set_ipv6(&first, 1, "fd5d::16", IP6_ADDR_PREFERRED);
    TEST_CHECK(tells("write attr/vif/0/ipv6/1 fd5d::16\n"));
    set_ipv6(&first, 1, "fd5d::16", IP6_ADDR_DEPRECATED);
    TEST_CHECK(tells(""));
    set_ipv6(&first, 1, "fd5d::16", IP6_ADDR_INVALID);
    TEST_CHECK(tells("rm attr/vif/0/ipv6/1\n"));
    set_ipv4(&second, "10.9.0.2");
    TEST_CHECK(tells("write attr/vif/5/ipv4/0 10.9.0.2\n"));
}

TEST(publish_what_is_lost_is_withdrawn)
{
    set_ipv4(&first, "0.0.0.0");
    TEST_CHECK(sd_net_wait_address(0) == -ETIMEDOUT);
    TEST_CHECK(tells("rm data/stardust/address\nrm attr/vif/0/ipv4/0\n"));
    set_ipv4(&first, "10.0.2.16");
    TEST_CHECK(tells("write data/stardust/address 10.0.2.16\nwrite attr/vif/0/ipv4/0 10.0.2.16\n"));
    first.known = false;
    sd_net_addresses_changed(&first);
    TEST_CHECK(sd_net_wait_address(0) == -ETIMEDOUT);
    TEST_CHECK(tells("rm data/stardust/address\nrm attr/vif/0\n"));
    first.known = true;
    sd_net_addresses_changed(&first);
    TEST_CHECK(tells("write data/stardust/address 10.0.2.16\n"
                     "write attr/vif/0/ipv4/0 10.0.2.16\n"
                     "write attr/vif/0/ipv6/0 fe80::216:3eff:fe5d:1\n"));
    TEST_CHECK(!warnings);
}

TEST(publish_one_warning_where_attr_cannot_be_written)
{
    is_closed = true;
    set_ipv4(&first, "10.0.2.17");
    set_ipv4(&second, "10.9.0.3");
    TEST_CHECK(tells("write data/stardust/address 10.0.2.17\nwrite attr/vif/0/ipv4/0 10.0.2.17\n"));
    TEST_CHECK(warnings == 1);
    set_ipv4(&first, "0.0.0.0");
    set_ipv6(&first, 0, "fe80::1", IP6_ADDR_INVALID);
    TEST_CHECK(tells("rm data/stardust/address\n"));
    TEST_CHECK(warnings == 1);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}
