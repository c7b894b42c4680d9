/*
 * The echo protocol (RFC 862) on TCP and UDP port 7 by lwIP's raw API, on the network's thread: what comes
 * goes back.
 *
 * A connection's received bytes are held until TCP takes them for sending, and only then is the peer's window
 * opened again: a peer that does not read cannot make us hold more than one window and one send buffer. When
 * the peer has finished and all is sent, we finish too.
 */
#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/memory.h>
#include <stardust/net.h>
#include <stardust/thread.h>

#include "lwip/tcp.h"
#include "lwip/udp.h"

#define ECHO_PORT    7
#define KEEPALIVE_MS 20000

struct connection {
    struct tcp_pcb *pcb;
    struct pbuf *first,
        *last;     /* received and not yet sent, linked by hand: more than a chain's 65,535 bytes */
    uint16_t sent; /* bytes of `first` that are on their way */
    bool peer_has_finished;
};

static unsigned connections;

static void hold(struct connection *connection, struct pbuf *packet)
{
    if (connection->first)
        connection->last->next = packet;
    else
        connection->first = packet;
    for (connection->last = packet; connection->last->next; connection->last = connection->last->next)
        ;
}

static void drop_first(struct connection *connection)
{
    struct pbuf *first = connection->first;

    connection->first = first->next;
    connection->sent = 0;
    first->next = NULL;
    first->tot_len = first->len;
    pbuf_free(first);
}

/* The connection's end; the PCB is lwIP's again, or gone. */
static void forget(struct connection *connection)
{
    while (connection->first)
        drop_first(connection);
    sd_free(connection);
    connections--;
}

/* False when TCP takes no more now. */
static bool send_some(struct connection *connection)
{
    struct pbuf *first = connection->first;
    size_t left = (size_t)first->len - connection->sent, room = tcp_sndbuf(connection->pcb);
    uint16_t bytes = (uint16_t)(left < room ? left : room);

    if (!bytes ||
        tcp_write(connection->pcb, (char *)first->payload + connection->sent, bytes, TCP_WRITE_FLAG_COPY))
        return false;
    tcp_recved(connection->pcb, bytes);
    connection->sent = (uint16_t)(connection->sent + bytes);
    if (connection->sent == first->len)
        drop_first(connection);
    return true;
}

/* True when the connection was closed, and forgotten. */
static bool close_if_done(struct connection *connection)
{
    struct tcp_pcb *pcb = connection->pcb;

    if (!connection->peer_has_finished || connection->first)
        return false;
    tcp_arg(pcb, NULL);
    if (tcp_close(pcb)) {
        tcp_arg(pcb, connection);
        return false;
    }
    forget(connection);
    return true;
}

static err_t on_poll(void *arg, struct tcp_pcb *pcb);

static err_t go_on(struct connection *connection)
{
    struct tcp_pcb *pcb = connection->pcb;

    while (connection->first && send_some(connection))
        ;
    if (close_if_done(connection))
        return ERR_OK;
    /* Short of memory we may hold bytes while none are on the way, whose arrival would call us again. */
    tcp_poll(pcb, connection->first || connection->peer_has_finished ? on_poll : NULL, 1);
    return tcp_output(pcb) == ERR_ABRT ? ERR_ABRT : ERR_OK;
}

/* Each of these may come after tcp_close, when nobody is interested any more. */
static err_t on_poll(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    return arg ? go_on(arg) : ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    struct connection *connection = arg;

    (void)pcb, (void)bytes;
    return connection && (connection->first || connection->peer_has_finished) ? go_on(connection) : ERR_OK;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    struct connection *connection = arg;

    (void)error;
    if (!connection) {
        if (packet) {
            tcp_recved(pcb, packet->tot_len);
            pbuf_free(packet);
        }
        return ERR_OK;
    }
    if (packet)
        hold(connection, packet);
    else
        connection->peer_has_finished = true;
    return go_on(connection);
}

static void on_error(void *arg, err_t error)
{
    (void)error;
    if (arg)
        forget(arg);
}

static err_t on_connection(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct connection *connection;

    (void)arg;
    if (error || !pcb)
        return ERR_OK;
    connection = sd_calloc(1, sizeof *connection);
    if (!connection) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    connections++;
    connection->pcb = pcb;
    tcp_arg(pcb, connection);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
    pcb->so_options |= SOF_KEEPALIVE; /* a peer that vanished is noticed, soon */
    pcb->keep_idle = KEEPALIVE_MS;
    pcb->keep_intvl = KEEPALIVE_MS;
    return ERR_OK;
}

/* Not to everybody, and not to another echo server, which would answer for ever. */
static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *packet, const ip_addr_t *from,
                        u16_t port)
{
    const ip_addr_t *to = ip_current_dest_addr();

    (void)arg;
    if (port != ECHO_PORT && !ip_addr_ismulticast(to) && !ip_addr_isbroadcast(to, ip_current_netif()))
        udp_sendto_if_src(pcb, packet, from, port, ip_current_netif(), to);
    pbuf_free(packet);
}

/* Under the network's lock, as all the above. */
static int serve(void *arg)
{
    struct tcp_pcb *tcp = tcp_new_ip_type(IPADDR_TYPE_ANY);
    struct udp_pcb *udp = udp_new_ip_type(IPADDR_TYPE_ANY);

    (void)arg;
    if (!tcp || !udp || tcp_bind(tcp, IP_ANY_TYPE, ECHO_PORT) || udp_bind(udp, IP_ANY_TYPE, ECHO_PORT))
        return 1;
    tcp = tcp_listen(tcp);
    if (!tcp)
        return 1;
    tcp_accept(tcp, on_connection);
    udp_recv(udp, on_datagram, NULL);
    return 0;
}

/* Any line on the console asks how much is in use. */
static void report(void)
{
    struct sd_memory_stats stats;

    sd_memory_stats(&stats);
    sd_printf("echo: %u connections, heap %zu bytes in %zu blocks, %zu pages free\n", connections,
              stats.heap_bytes, stats.heap_blocks, stats.pages_free);
}

int main(int argc, char **argv)
{
    char line[16];

    (void)argc, (void)argv;
    if (sd_net_start() || sd_net_call(serve, NULL) || sd_net_serving("tcp", ECHO_PORT) ||
        sd_net_serving("udp", ECHO_PORT)) {
        sd_error("echo: cannot serve");
        return 1;
    }
    while (sd_read_line(line, sizeof line, XEN_FOREVER) >= 0)
        report();
    sd_thread_sleep_until(XEN_FOREVER);
    return 0;
}
