/* Exceptions: each is caught as what it is, and the program goes on. */
#include <stardust/test.h>

#include <errno.h>
#include <string.h>

#include <xenlib/event.h>
#include <xenlib/trap.h>

static void divide(void *arg)
{
    volatile int zero = 0;

    (void)arg;
    zero = 7 / zero;
}

static void undefined(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

static void breakpoint(void *arg)
{
    (void)arg;
    __asm__ volatile("int3");
}

static void non_canonical(void *arg)
{
    (void)arg;
    (void)*(volatile char *)0x8000000000000000ul;
}

static void unaligned_vector(void *arg)
{
    static char bytes[32] __attribute__((aligned(16)));

    (void)arg;
    __asm__ volatile("movaps %%xmm0, (%0)" ::"r"(bytes + 1) : "memory");
}

static void far_read(void *arg)
{
    (void)arg;
    (void)*(volatile char *)0x7fff00000000ul;
}

SD_TEST(each_exception_is_caught_as_what_it_is)
{
    static const struct {
        void (*run)(void *arg);
        uint64_t vector;
    } rows[] = {
        {divide, XEN_TRAP_DIVIDE},
        {undefined, XEN_TRAP_INVALID_OPCODE},
        {breakpoint, XEN_TRAP_BREAKPOINT},
        {non_canonical, XEN_TRAP_PROTECTION},
        {unaligned_vector, XEN_TRAP_PROTECTION},
        {far_read, XEN_TRAP_PAGE_FAULT},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xen_trap_caught caught = {0};

        SD_CHECK(!xen_trap_try(rows[i].run, NULL, &caught));
        if (!SD_CHECK(caught.vector == rows[i].vector))
            sd_test_note("row %zu: %s", i, xen_trap_name(caught.vector));
    }
}

SD_TEST(upcalls_are_on_again_after_an_exception)
{
    struct xen_trap_caught caught;

    SD_CHECK(!xen_trap_try(undefined, NULL, &caught));
    SD_CHECK(xen_upcalls_off());
    xen_upcalls_on();
}

static void inner_fails(void *arg)
{
    struct xen_trap_caught caught;

    *(bool *)arg = !xen_trap_try(undefined, NULL, &caught);
    divide(NULL);
}

SD_TEST(tries_nest)
{
    struct xen_trap_caught caught;
    bool inner = false;

    SD_CHECK(!xen_trap_try(inner_fails, &inner, &caught));
    SD_CHECK(inner && caught.vector == XEN_TRAP_DIVIDE);
}

static void fine(void *arg)
{
    *(int *)arg = 42;
}

SD_TEST(what_does_not_fail_returns)
{
    struct xen_trap_caught caught;
    int result = 0;

    SD_CHECK(xen_trap_try(fine, &result, &caught) && result == 42);
}

SD_TEST(copy_from_nowhere_is_an_errno)
{
    char to[16], from[16] = "0123456789abcde";

    for (size_t bytes = 0; bytes <= sizeof(to); bytes++) {
        memset(to, 0, sizeof(to));
        SD_CHECK(!xen_trap_copy(to, from, bytes) && !memcmp(to, from, bytes));
        SD_CHECK(bytes == sizeof(to) || !to[bytes]);
        SD_CHECK(xen_trap_copy(to, NULL, bytes) == (bytes ? -EFAULT : 0));
        SD_CHECK(xen_trap_copy((void *)8, from, bytes) == (bytes ? -EFAULT : 0));
    }
}

SD_TEST(copy_of_pages_is_whole_or_an_errno)
{
    static const char from[5000] = {[4999] = 'x'};
    static char to[5000];

    SD_CHECK(!xen_trap_copy(to, from, sizeof(to)) && to[4999] == 'x');
    SD_CHECK(xen_trap_copy(to, (const void *)8, sizeof(to)) == -EFAULT);
}
