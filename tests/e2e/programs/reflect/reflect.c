/*
 * Sends every Ethernet frame back to where it came from, over rings whose indices start shortly before they
 * wrap at 2^32. On xen/'s netfront alone: no lwIP, no addresses. A frame of type 0x88b6 ends it; the status
 * is 0 if both rings' indices wrapped.
 */
#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/front/net.h>

#define FIRST_INDEX  (UINT32_MAX - 400)
#define CONNECT_TIME (10 * SD_SECOND)
#define ADDRESS      6

static struct xen_netfront front;
static struct xen_lock lock; /* guards `kicked` */
static struct xen_waitq work;
static bool kicked;
static bool finished;

static void on_kick(void *arg)
{
    (void)arg;
    xen_platform_lock(&lock);
    kicked = true;
    xen_platform_unlock(&lock);
    xen_platform_wake(&work);
}

static void on_room(void *arg)
{
    (void)arg; /* a frame that found no room is lost, and missed by whoever sent it */
}

static int append_swapped(const struct xen_net_packet *packet)
{
    const struct xen_net_fragment *first = &packet->fragments[0];
    int error = xen_netfront_append(&front, first->data + ADDRESS, ADDRESS);

    if (!error)
        error = xen_netfront_append(&front, first->data, ADDRESS);
    if (!error)
        error = xen_netfront_append(&front, first->data + 2 * ADDRESS, first->length - 2 * ADDRESS);
    for (unsigned i = 1; i < packet->count && !error; i++)
        error = xen_netfront_append(&front, packet->fragments[i].data, packet->fragments[i].length);
    return error;
}

static void on_receive(void *arg, const struct xen_net_packet *packet)
{
    const uint8_t *header = packet->fragments[0].data;

    (void)arg;
    if (header[12] == 0x88 && header[13] == 0xb6)
        finished = true;
    else if (append_swapped(packet) || xen_netfront_commit(&front, NULL))
        xen_netfront_abort(&front);
    for (unsigned i = 0; i < packet->count && !packet->lent; i++)
        xen_netfront_return(&front, packet->fragments[i].data);
}

static void wait_for_kick(void)
{
    xen_platform_lock(&lock);
    while (!kicked)
        (void)xen_platform_wait(&work, &lock, XEN_FOREVER);
    kicked = false;
    xen_platform_unlock(&lock);
}

int main(int argc, char **argv)
{
    static const struct xen_netfront_ops ops = {.kick = on_kick, .receive = on_receive, .room = on_room};
    static const struct xen_netfront_config config = {.first_index = FIRST_INDEX};
    bool wrapped;

    (void)argc, (void)argv;
    xen_waitq_init(&work);
    if (xen_netfront_open(&front, 0, &config, &ops, NULL) ||
        xen_netfront_connect(&front, sd_now() + CONNECT_TIME))
        return 1;
    sd_printf("reflect: connected, indices from %u\n", FIRST_INDEX);
    while (!finished) {
        wait_for_kick();
        if (xen_netfront_poll(&front))
            return 2;
        xen_netfront_flush(&front);
    }
    wrapped = front.tx.ring.consumed < FIRST_INDEX && front.rx.ring.consumed < FIRST_INDEX;
    sd_printf("reflect: %lu frames came, %lu went; tx index %u, rx index %u\n", front.stats.rx_packets,
              front.stats.tx_packets, front.tx.ring.consumed, front.rx.ring.consumed);
    xen_netfront_disconnect(&front, sd_now() + CONNECT_TIME);
    xen_netfront_close(&front);
    return wrapped ? 0 : 3;
}
