/* hello, which also says how long the way from the guest's first instruction to main was. */
#include <stardust/kernel.h>

#include <xenlib/start.h>
#include <xenlib/time.h>

int main(int argc, char **argv)
{
    uint64_t now = sd_now();

    (void)argc;
    (void)argv;
    sd_printf("boot_ns %lu\n", now - xen_time_at(xen_start()->entry_ticks));
    return 0;
}
