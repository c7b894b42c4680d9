/*
 * One way at a time, for measuring: port 9 takes whatever comes and forgets it (RFC 863); port 19 sends as
 * many MiB as the first byte that it receives says, and finishes. bench/linux/serve.c is the same for Linux.
 */
#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/memory.h>
#include <stardust/net.h>
#include <stardust/thread.h>

#include "lwip/tcp.h"

#define SINK_PORT   9
#define SOURCE_PORT 19

static char pattern[16384];

struct source {
    uint64_t left;
};

static err_t finish(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    if (tcp_close(pcb)) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    return ERR_OK;
}

static void take(struct tcp_pcb *pcb, struct pbuf *packet)
{
    tcp_recved(pcb, packet->tot_len);
    pbuf_free(packet);
}

static err_t sink_received(void *arg, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    (void)arg, (void)error;
    if (!packet)
        return finish(pcb);
    take(pcb, packet);
    return ERR_OK;
}

/* As write() on Linux, each call copies: the program's buffer is its own again at once. */
static err_t send_more(struct source *source, struct tcp_pcb *pcb)
{
    while (source->left) {
        size_t room = tcp_sndbuf(pcb);
        uint64_t bytes = source->left < sizeof pattern ? source->left : sizeof pattern;

        if (bytes > room)
            bytes = room;
        if (!bytes || tcp_write(pcb, pattern, (uint16_t)bytes, TCP_WRITE_FLAG_COPY))
            return tcp_output(pcb) == ERR_ABRT ? ERR_ABRT : ERR_OK;
        source->left -= bytes;
    }
    sd_free(source);
    return finish(pcb);
}

static err_t source_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    (void)bytes;
    return arg ? send_more(arg, pcb) : ERR_OK;
}

static err_t source_received(void *arg, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    struct source *source = arg;

    (void)error;
    if (!packet) {
        sd_free(source);
        return finish(pcb);
    }
    if (!source) {
        source = sd_calloc(1, sizeof *source);
        if (source)
            source->left = (uint64_t)pbuf_get_at(packet, 0) << 20;
        tcp_arg(pcb, source);
    }
    take(pcb, packet);
    return source ? send_more(source, pcb) : finish(pcb);
}

static void source_lost(void *arg, err_t error)
{
    (void)error;
    sd_free(arg);
}

static err_t on_sink(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    if (error || !pcb)
        return ERR_OK;
    tcp_recv(pcb, sink_received);
    return ERR_OK;
}

static err_t on_source(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    if (error || !pcb)
        return ERR_OK;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, source_received);
    tcp_sent(pcb, source_sent);
    tcp_err(pcb, source_lost);
    return ERR_OK;
}

static int listen_on(u16_t port, tcp_accept_fn accept)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

    if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, port))
        return 1;
    pcb = tcp_listen(pcb);
    if (!pcb)
        return 1;
    tcp_accept(pcb, accept);
    return 0;
}

static int serve(void *arg)
{
    (void)arg;
    return listen_on(SINK_PORT, on_sink) || listen_on(SOURCE_PORT, on_source);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    if (sd_net_start() || sd_net_call(serve, NULL) || sd_net_serving("tcp", SINK_PORT) ||
        sd_net_serving("tcp", SOURCE_PORT)) {
        sd_error("bulk: cannot serve");
        return 1;
    }
    sd_thread_sleep_until(XEN_FOREVER);
    return 0;
}
