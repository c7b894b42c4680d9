/* links: layout.c */
#include <inttypes.h>
#include <string.h>

#include <xensys/layout.h>

#include "tap.h"

TEST(layout_of_every_structure_and_constant_is_as_documented)
{
    TEST_REQUIRE(xensys_layout_count > 0);
    for (size_t i = 0; i < xensys_layout_count; i++) {
        const struct xensys_layout *row = &xensys_layout[i];

        TEST_CHECK(row->expected == row->actual, "%s: documented %" PRId64 ", is %" PRId64, row->name,
                   row->expected, row->actual);
    }
}

TEST(layout_names_each_fact_once)
{
    for (size_t i = 0; i < xensys_layout_count; i++) {
        for (size_t k = 0; k < i; k++)
            TEST_CHECK(strcmp(xensys_layout[i].name, xensys_layout[k].name) != 0, "%s",
                       xensys_layout[i].name);
    }
}

static const struct xensys_layout *find(const char *name)
{
    for (size_t i = 0; i < xensys_layout_count; i++) {
        if (strcmp(xensys_layout[i].name, name) == 0)
            return &xensys_layout[i];
    }
    return NULL;
}

/* A row tells the compiler's answer, not a copy of the expectation. */
TEST(layout_reports_what_the_compiler_sees)
{
    static const struct {
        const char *name;
        int64_t actual;
    } rows[] = {
        {"sizeof(struct xensys_layout)", -1}, /* not in the table */
        {"sizeof(struct shared_info)", 3136},  {"offsetof(struct vcpu_info, time)", 32},
        {"sizeof(struct vcpu_info.time)", 32}, {"GNTST_permission_denied", -8},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct xensys_layout *row = find(rows[i].name);

        TEST_CHECK((row ? row->actual : -1) == rows[i].actual, "%s", rows[i].name);
    }
}

int main(void)
{
    return tap_run();
}
