/*
 * The network's thread. Each pass: timers catch up with the clock, packets are received, functions handed
 * over are called, and everything that was transmitted meanwhile is published at once; then it sleeps until
 * an event, a call or a timer.
 */
#include "net.h"

#include <errno.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/net.h>
#include <stardust/thread.h>
#include <xenlib/list.h>

#include "lwip/init.h"

#include "interface.h"
#include "memory.h"
#include "publish.h"
#include "random.h"
#include "timers.h"

struct call {
    struct xen_list link;
    int (*function)(void *arg);
    void *arg;
    int result;
    bool done;
};

static struct {
    struct sd_thread *thread;

    struct xen_lock lock; /* guards what follows, and every interface's `kicked` */
    struct xen_waitq work, done;
    struct xen_list calls;
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

static struct call *next_call(void)
{
    struct call *call = NULL;

    xen_platform_lock(&net.lock);
    if (!xen_list_is_empty(&net.calls)) {
        call = xen_container_of(net.calls.next, struct call, link);
        xen_list_remove(&call->link);
    }
    xen_platform_unlock(&net.lock);
    return call;
}

static void run_calls(void)
{
    struct call *call;

    while ((call = next_call())) {
        call->result = call->function(call->arg);
        xen_platform_lock(&net.lock);
        call->done = true;
        xen_platform_unlock(&net.lock);
        xen_platform_wake(&net.done);
    }
}

static void pass(void)
{
    sd_net_timers_run(sd_now());
    for (unsigned i = 0; sd_interfaces[i]; i++)
        sd_interface_poll(sd_interfaces[i]);
    run_calls();
    for (unsigned i = 0; sd_interfaces[i]; i++)
        sd_interface_flush(sd_interfaces[i]);
    sd_net_publish();
}

/* Until there is work; while there always is, everybody else gets a turn after each pass. */
static void sleep(void)
{
    uint64_t deadline = sd_net_timers_next();
    bool was_woken;

    xen_platform_lock(&net.lock);
    was_woken = net.woken;
    if (!was_woken)
        (void)xen_platform_wait(&net.work, &net.lock, deadline);
    net.woken = false;
    xen_platform_unlock(&net.lock);
    if (was_woken)
        sd_thread_yield();
}

static void run(void *arg)
{
    (void)arg;
    sd_net_timers_start(sd_now());
    lwip_init();
    for (;;) {
        pass();
        sleep();
    }
}

static int start_thread(void)
{
    xen_waitq_init(&net.work);
    xen_waitq_init(&net.done);
    xen_list_init(&net.calls);
    sd_net_publish_init();
    sd_net_set_limits();
    sd_net_random_init();
    return sd_thread_start("net", run, NULL, &net.thread);
}

int sd_net_start(void)
{
    static bool started;
    int error = 0;

    if (started)
        return -EALREADY;
    if (!net.thread)
        error = start_thread();
    if (!error)
        error = sd_thread_start("net-control", sd_net_control, NULL, NULL);
    started = !error;
    return error;
}

int sd_net_call(int (*function)(void *arg), void *arg)
{
    struct call call = {.function = function, .arg = arg};

    if (sd_thread_self() == net.thread)
        return function(arg);
    xen_platform_lock(&net.lock);
    xen_list_insert(&net.calls, &call.link);
    net.woken = true;
    xen_platform_wake(&net.work);
    while (!call.done)
        (void)xen_platform_wait(&net.done, &net.lock, XEN_FOREVER);
    xen_platform_unlock(&net.lock);
    return call.result;
}
