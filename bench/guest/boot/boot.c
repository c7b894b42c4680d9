/*
 * hello, which also says how long the way from the guest's first instruction to main was. The hypercall marks
 * main in Xen's own trace, where bench/boot.py counts what came before: nothing on the way asks for the
 * version.
 */
#include <stardust/kernel.h>

#include <xenlib/start.h>
#include <xenlib/time.h>
#include <xensys/hypercall.h>

int main(int argc, char **argv)
{
    uint64_t now = sd_now();

    HYPERVISOR_xen_version(XENVER_version, NULL);
    (void)argc;
    (void)argv;
    sd_printf("boot_ns %lu\n", now - xen_time_at(xen_start()->entry_ticks));
    return 0;
}
