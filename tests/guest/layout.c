#include <stardust/test.h>

#include <xensys/layout.h>

SD_TEST(layout_of_every_structure_and_constant_is_as_documented_in_the_guest_too)
{
    SD_REQUIRE(xensys_layout_count > 0);
    for (size_t i = 0; i < xensys_layout_count; i++) {
        const struct xensys_layout *row = &xensys_layout[i];

        if (row->expected != row->actual)
            sd_test_note("%s: documented %lld, is %lld", row->name, (long long)row->expected,
                         (long long)row->actual);
        SD_CHECK(row->expected == row->actual);
    }
}
