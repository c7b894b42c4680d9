/*
 * How long a peer that says nothing is spoken to. Built by deps/lwip-host.mk.
 */
#include "link.h"
#include "tap.h"

#include "lwip/priv/tcp_priv.h"

static struct tcp_pcb *connection(void)
{
    struct tcp_pcb *pcb = tcp_new();

    IP_ADDR4(&pcb->local_ip, 10, 0, 2, 15);
    IP_ADDR4(&pcb->remote_ip, 10, 0, 2, 2);
    pcb->local_port = 7;
    pcb->remote_port = 4000;
    pcb->state = ESTABLISHED;
    pcb->snd_wnd = pcb->snd_wnd_max = pcb->cwnd = 65535;
    TCP_REG_ACTIVE(pcb);
    tcp_timer_needed();
    return pcb;
}

TEST(what_is_not_acknowledged_is_sent_again_each_minute_for_a_quarter_of_an_hour)
{
    struct tcp_pcb *pcb;
    unsigned seconds = 0, last = 0, times = 0, longest = 0;

    start();
    pcb = connection();
    TEST_CHECK(!tcp_write(pcb, "data", 4, TCP_WRITE_FLAG_COPY) && !tcp_output(pcb));
    sd_interface_flush(&interface);
    while (tcp_active_pcbs && seconds < 3600) {
        packets = 0;
        pass_quarters(4);
        seconds++;
        if (seconds % 60 == 0)
            meet();
        if (!packets || !tcp_active_pcbs)
            continue;
        longest = seconds - last > longest ? seconds - last : longest;
        last = seconds;
        times++;
    }
    TEST_CHECK(longest >= 59 && longest <= 61, "%u s", longest);
    TEST_CHECK(seconds >= 800 && seconds <= 1100, "given up after %u s and %u times", seconds, times);
    TEST_CHECK(times >= 18 && times <= 20, "%u times", times);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return tap_run();
}
