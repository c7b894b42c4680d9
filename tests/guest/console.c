/* Output under load. What arrived is compared outside: tests/e2e/console. Here: nothing hangs, nothing is
 * dropped. */
#include <stardust/test.h>

#include <string.h>

#include <stardust/kernel.h>
#include <xenlib/console.h>

SD_TEST(output_much_larger_than_the_ring_is_taken_whole)
{
    static char text[64 * 64 + 1];
    uint64_t dropped = xen_console_dropped();

    for (size_t i = 0; i < 64; i++)
        memcpy(text + 64 * i, "# 56789 123456789 123456789 123456789 123456789 123456789 12345\n", 64);
    SD_CHECK(xen_console_write(text, 4096, 5000000000) == 4096);
    SD_CHECK(xen_console_dropped() == dropped);
}
