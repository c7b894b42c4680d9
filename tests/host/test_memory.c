/* links: memory.c fake.c */
#include <errno.h>

#include <xenlib/memory.h>
#include <xensys/hypercall.h>

#include "fake.h"
#include "tap.h"

static long last_op, next_result;
static domid_t asked_about;

static long memory_op(long op, long arg, long a3, long a4, long a5)
{
    (void)a3, (void)a4, (void)a5;
    last_op = op;
    asked_about = ((struct xen_memory_domain *)(uintptr_t)arg)->domid;
    return next_result;
}

TEST(memory_reservation_is_asked_of_xen_about_ourselves)
{
    static const struct {
        int (*ask)(uint64_t *pages);
        long op;
    } rows[] = {{xen_memory_current, XENMEM_current_reservation},
                {xen_memory_maximum, XENMEM_maximum_reservation}};

    fake_reset();
    fake_on_hypercall(__HYPERVISOR_memory_op, memory_op);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t pages = 5;

        next_result = 1l << 33;
        TEST_CHECK(rows[i].ask(&pages) == 0 && pages == 1ull << 33, "row %zu", i);
        TEST_CHECK(last_op == rows[i].op && asked_about == DOMID_SELF, "row %zu", i);
        next_result = -EPERM;
        pages = 5;
        TEST_CHECK(rows[i].ask(&pages) == -EPERM && pages == 5, "row %zu", i);
    }
}

int main(void)
{
    return tap_run();
}
