/*
 * The network's thread, and the lock under which lwIP is called by everybody else. Each pass: timers catch up
 * with the clock, packets are received, and everything that was transmitted meanwhile is published at once;
 * then it sleeps until an event or a timer. Others do the same for what they cause when they let go of the
 * lock, so that no thread is switched to for a packet that is sent.
 */
#include "net.h"

#include <errno.h>

#include <stardust/kernel.h>
#include <stardust/net.h>
#include <stardust/thread.h>

#include "arch/hooks.h"
#include "lwip/init.h"
#include "lwip/netif.h"

#include "interface.h"
#include "memory.h"
#include "publish.h"
#include "random.h"
#include "timers.h"

static struct {
    struct sd_thread *thread;
    struct sd_mutex stack; /* guards lwIP, `sd_interfaces` as lwIP sees them, the timers, `deadline` */
    uint64_t deadline;     /* until when the thread sleeps at the latest */

    struct xen_lock lock; /* guards what follows, and every interface's `kicked` */
    struct xen_waitq work;
    bool woken;
} net;

struct sd_interface *sd_interfaces[SD_INTERFACES_MAX + 1];

void sd_net_kick(bool *flag)
{
    xen_platform_lock(&net.lock);
    *flag = true;
    net.woken = true;
    xen_platform_unlock(&net.lock);
    xen_platform_wake(&net.work);
}

bool sd_net_take_kick(bool *flag)
{
    bool was_set;

    xen_platform_lock(&net.lock);
    was_set = *flag;
    *flag = false;
    xen_platform_unlock(&net.lock);
    return was_set;
}

/* What the guest sends to itself waits at the interface until here. Nobody could have changed it on its way,
 * and where a backend fills in checksums it has none. */
static void loop_back(void)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        uint16_t flags = netif->chksum_flags;

        if (!netif->loop_first)
            continue;
        netif->chksum_flags = 0;
        netif_poll(netif);
        sd_net_loop_home(netif);
        netif->chksum_flags = flags;
    }
}

void sd_net_lock(void)
{
    sd_mutex_lock(&net.stack);
    if (sd_net_timers_are_late())
        sd_net_timers_run(sd_now());
}

void sd_net_unlock(void)
{
    bool news;

    loop_back();
    for (unsigned i = 0; sd_interfaces[i]; i++) {
        if (sd_interfaces[i]->unpublished)
            sd_interface_flush(sd_interfaces[i]);
    }
    news = sd_net_timers_take_news() && sd_net_timers_next() < net.deadline;
    sd_mutex_unlock(&net.stack);
    if (news)
        sd_net_kick(&news);
}

int sd_net_call(int (*function)(void *arg), void *arg)
{
    int result;

    if (net.stack.owner == sd_thread_self())
        return function(arg);
    sd_net_lock();
    sd_net_timers_tcp_touched(); /* for all that is known of it */
    result = function(arg);
    sd_net_unlock();
    return result;
}

static void pass(void)
{
    sd_mutex_lock(&net.stack);
    sd_net_timers_run(sd_now());
    for (unsigned i = 0; sd_interfaces[i]; i++)
        sd_interface_poll(sd_interfaces[i]);
    loop_back();
    for (unsigned i = 0; sd_interfaces[i]; i++)
        sd_interface_flush(sd_interfaces[i]);
    (void)sd_net_timers_take_news();
    net.deadline = sd_net_timers_next();
    sd_mutex_unlock(&net.stack);
    sd_net_publish();
}

/* Until there is work; while there always is, everybody else gets a turn after each pass. */
static void sleep(void)
{
    bool was_woken;

    xen_platform_lock(&net.lock);
    was_woken = net.woken;
    if (!was_woken)
        (void)xen_platform_wait(&net.work, &net.lock, net.deadline);
    net.woken = false;
    xen_platform_unlock(&net.lock);
    if (was_woken)
        sd_thread_yield();
}

static void run(void *arg)
{
    (void)arg;
    for (;;) {
        pass();
        sleep();
    }
}

/* Once, also when the threads cannot be had at first. */
static void init(void)
{
    struct netif *netif;

    xen_waitq_init(&net.work);
    sd_mutex_init(&net.stack);
    sd_net_publish_init();
    sd_net_set_limits();
    sd_net_random_init();
    sd_net_timers_start(sd_now());
    lwip_init();
    /* Nobody on the loopback interface is a router. */
    NETIF_FOREACH(netif)
    {
        netif->rs_count = 0;
    }
}

int sd_net_start(void)
{
    static bool started, ready;
    int error = 0;

    if (started)
        return -EALREADY;
    if (!ready)
        init();
    ready = true;
    if (!net.thread)
        error = sd_thread_start("net", run, NULL, &net.thread);
    if (!error)
        error = sd_thread_start("net-control", sd_net_control, NULL, NULL);
    started = !error;
    return error;
}
