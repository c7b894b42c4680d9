/*
 * When TCP's clock has to run, and when its connections are looked at to find that out. The timers and lwIP
 * are the real ones. Built by deps/lwip-host.mk.
 */
#include "tap.h"

#include <stdint.h>
#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <xenlib/types.h>

#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"

#include "memory.h"
#include "random.h"
#include "timers.h"

#include "arch/hooks.h"

#define SECOND UINT64_C(1000000000)

uint32_t sd_net_tcp_window = 65536, sd_net_tcp_send = 65536;
static uint64_t now;

void *sd_net_alloc(size_t bytes)
{
    return malloc(bytes);
}

void *sd_net_calloc(size_t count, size_t bytes)
{
    return calloc(count, bytes);
}

void sd_net_free(void *block)
{
    free(block);
}

void sd_net_memory_dip(bool on)
{
    (void)on;
}

bool sd_net_memory_is_short(void)
{
    return false;
}

bool sd_net_memory_is_scarce(void)
{
    return false;
}

bool sd_net_memory_is_out(void)
{
    return false;
}

bool sd_net_memory_takes_page(size_t held)
{
    (void)held;
    return true;
}

bool sd_net_memory_is_low(void)
{
    return false;
}

uint32_t sd_net_random(void)
{
    return 4;
}

uint64_t sd_net_hash(const void *data, size_t bytes)
{
    (void)data, (void)bytes;
    return 0;
}

uint64_t sd_now(void)
{
    return now;
}

void xen_platform_panic(const char *format, ...)
{
    printf("# panic: %s\n", format);
    abort();
}

bool sd_option(const char *name, char *value, size_t size)
{
    (void)name, (void)value, (void)size;
    return false;
}

void sd_log(enum xen_log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

/* ---- connections ---- */

static struct tcp_pcb *connection(void)
{
    struct tcp_pcb *pcb = tcp_new();

    IP_ADDR4(&pcb->remote_ip, 10, 0, 2, 2);
    pcb->local_port = 7;
    pcb->remote_port = 4000;
    pcb->state = ESTABLISHED;
    pcb->mss = 1460;
    TCP_REG_ACTIVE(pcb);
    return pcb;
}

static void pass_time(uint64_t ns)
{
    now += ns;
    sd_net_timers_run(now);
}

/* One that nothing is to be done for, and that was found to be so. */
static struct tcp_pcb *quiet_connection(void)
{
    struct tcp_pcb *pcb;

    if (!netif_list)
        lwip_init();
    netif_list->rs_count = 0; /* the loopback interface, as in net.c */
    sd_net_timers_start(now);
    pcb = connection();
    pass_time(SECOND);
    TEST_CHECK(sd_net_timers_next() == XEN_FOREVER);
    return pcb;
}

static bool is_ticking(void)
{
    return sd_net_timers_next() <= now + SECOND / 4;
}

static void end(void)
{
    while (tcp_active_pcbs)
        tcp_abandon(tcp_active_pcbs, 0);
    pass_time(100 * SECOND);
    TEST_CHECK(sd_net_timers_next() == XEN_FOREVER);
}

static void arp_is_asked(struct tcp_pcb *pcb)
{
    (void)pcb;
    sd_net_timers_arp_asked();
    pass_time(0);
}

static void fragment_comes(struct tcp_pcb *pcb)
{
    (void)pcb;
    sd_net_timers_fragment(false);
    sd_net_timers_neighbour_used();
}

static void segment_comes(struct tcp_pcb *pcb)
{
    struct tcp_hdr header = {0};
    struct pbuf packet = {.tot_len = 100};

    header.seqno = pcb->rcv_nxt;
    TCPH_HDRLEN_FLAGS_SET(&header, 5, TCP_ACK);
    TEST_CHECK(sd_net_tcp_arrived(pcb, &header, 0, &packet));
}

static void segment_leaves(struct tcp_pcb *pcb)
{
    (void)tcp_keepalive(pcb); /* as far as there is a route */
}

static void program_calls(struct tcp_pcb *pcb)
{
    (void)pcb;
    sd_net_timers_tcp_touched();
}

/* With something to be done for a connection meanwhile: it is found by who looks. */
TEST(timers_look_at_connections_after_what_touches_tcp_alone)
{
    static const struct {
        const char *what;
        void (*happens)(struct tcp_pcb *pcb);
        bool touches;
    } cases[] = {
        {"nothing", NULL, false},
        {"an ARP request leaves", arp_is_asked, false},
        {"a fragment comes", fragment_comes, false},
        {"a segment comes", segment_comes, true},
        {"a segment leaves", segment_leaves, true},
        {"a program calls", program_calls, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcp_pcb *pcb = quiet_connection();
        bool looked;

        if (cases[i].happens)
            cases[i].happens(pcb);
        tcp_set_flags(pcb, TF_ACK_DELAY);
        (void)sd_net_timers_next();
        looked = !sd_net_timers_are_late();
        sd_net_timers_tcp_used();
        TEST_CHECK(looked == cases[i].touches, "%s", cases[i].what);
        end();
    }
}

TEST(timers_find_what_is_left_to_do_once_the_clock_ticks)
{
    struct tcp_pcb *pcb = quiet_connection();

    sd_net_timers_tcp_used();
    TEST_CHECK(is_ticking());
    pcb->persist_backoff = 1;
    pass_time(SECOND / 4);
    TEST_CHECK(is_ticking());
    pcb->persist_backoff = 0;
    pass_time(SECOND / 4);
    TEST_CHECK(sd_net_timers_next() == XEN_FOREVER);
    end();
}

/* Whatever passes there are between. */
TEST(timers_keep_the_time_of_a_keep_alive)
{
    struct tcp_pcb *pcb = quiet_connection();
    uint64_t due;

    pcb->keep_idle = 60000;
    ip_set_option(pcb, SOF_KEEPALIVE);
    sd_net_timers_tcp_touched();
    due = sd_net_timers_next();
    TEST_CHECK(due > now + 55 * SECOND && due < now + 65 * SECOND);
    for (unsigned i = 0; i < 100; i++) {
        pass_time(SECOND / 10);
        TEST_CHECK(sd_net_timers_next() + SECOND > due && sd_net_timers_next() < due + SECOND);
    }
    pass_time(20 * SECOND);
    TEST_CHECK(sd_net_timers_next() + SECOND > due && sd_net_timers_next() < due + SECOND);
    end();
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}
