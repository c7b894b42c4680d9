/* The address space: what may be read, written and executed where. */
#include <stardust/test.h>

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>
#include <xenlib/memory.h>
#include <xenlib/pagetable.h>
#include <xenlib/trap.h>

extern char xen_image_start[], xen_text_end[], xen_rodata_end[], xen_image_end[];
extern char xen_boot_stack_guard[], xen_boot_stack[], xen_upcall_stack_guard[], xen_upcall_stack[];

static void read_byte(void *at)
{
    (void)*(volatile char *)at;
}

static void write_byte(void *at)
{
    volatile char *byte = at;

    *byte = *byte;
}

static void call(void *at)
{
    ((void (*)(void))(uintptr_t)at)();
}

/* Whether the access stops with a page fault at that address. */
static bool faults(void (*access)(void *at), const void *at)
{
    struct xen_trap_caught caught;

    return !xen_trap_try(access, (void *)(uintptr_t)at, &caught) && caught.vector == XEN_TRAP_PAGE_FAULT &&
           caught.address == (uintptr_t)at;
}

SD_TEST(page_zero_is_absent)
{
    SD_CHECK(faults(read_byte, NULL));
    SD_CHECK(faults(write_byte, NULL));
    SD_CHECK(faults(read_byte, (void *)(XEN_PAGE_SIZE - 1)));
    SD_CHECK(faults(read_byte, (void *)(XEN_IMAGE_BASE - 1)));
    SD_CHECK(faults(read_byte, xen_image_end));
}

SD_TEST(text_and_constants_are_not_writable)
{
    for (char *page = xen_image_start; page < xen_rodata_end; page += XEN_PAGE_SIZE) {
        SD_CHECK(!faults(read_byte, page));
        SD_CHECK(faults(write_byte, page));
        SD_CHECK(faults(write_byte, xen_pfn_to_virt(xen_virt_to_pfn(page))));
    }
}

SD_TEST(data_is_not_executable)
{
    static char code[] = "\xc3";
    char *heap = sd_alloc(16), stack[16] = "\xc3";

    SD_REQUIRE(heap);
    heap[0] = code[0];
    SD_CHECK(faults(call, code));
    SD_CHECK(faults(call, heap));
    SD_CHECK(faults(call, stack));
    SD_CHECK(faults(call, xen_text_end)); /* the first constant */
    SD_CHECK(faults(call, xen_pfn_to_virt(xen_virt_to_pfn(xen_image_start))));
    sd_free(heap);
}

SD_TEST(no_page_of_the_image_is_writable_and_executable)
{
    for (char *page = xen_image_start; page < xen_image_end; page += XEN_PAGE_SIZE) {
        unsigned prot;

        if (xen_pt_query(page, NULL, &prot))
            SD_CHECK(!((prot & XEN_PROT_WRITE) && (prot & XEN_PROT_EXEC)));
    }
}

SD_TEST(main_stack_has_a_guard_page)
{
    SD_CHECK(faults(read_byte, xen_boot_stack_guard + XEN_PAGE_SIZE - 1));
    SD_CHECK(faults(write_byte, xen_boot_stack_guard));
    SD_CHECK(!faults(write_byte, xen_boot_stack));
}

SD_TEST(events_stack_has_a_guard_page)
{
    SD_CHECK(faults(read_byte, xen_upcall_stack_guard));
    SD_CHECK(faults(write_byte, xen_upcall_stack_guard + XEN_PAGE_SIZE - 1));
    SD_CHECK(!faults(write_byte, xen_upcall_stack));
}

/* A place that nothing else uses: 1 GiB behind the window for foreign pages. */
#define SCRATCH ((char *)XEN_MAPPINGS + (1ul << 30))

SD_TEST(map_protect_and_unmap_take_effect)
{
    char *page = sd_page_alloc(0);
    pfn_t pfn;
    unsigned prot;

    SD_REQUIRE(page);
    memset(page, 'x', XEN_PAGE_SIZE);
    SD_CHECK(faults(read_byte, SCRATCH));
    SD_REQUIRE(!xen_pt_map(SCRATCH, xen_virt_to_pfn(page), 1, XEN_PROT_WRITE));
    SD_CHECK(xen_pt_query(SCRATCH, &pfn, &prot) && pfn.n == xen_virt_to_pfn(page).n);
    SD_CHECK(prot == (XEN_PROT_READ | XEN_PROT_WRITE));
    SCRATCH[5] = 'y';
    SD_CHECK(page[5] == 'y');
    SD_CHECK(!xen_pt_protect(SCRATCH, 1, XEN_PROT_READ));
    SD_CHECK(SCRATCH[5] == 'y' && faults(write_byte, SCRATCH));
    SD_CHECK(!xen_pt_unmap(SCRATCH, 1));
    SD_CHECK(faults(read_byte, SCRATCH) && !xen_pt_query(SCRATCH, NULL, NULL));
    sd_page_free(page, 0);
}

SD_TEST(executable_mappings_execute)
{
    unsigned char *page = sd_page_alloc(0);

    SD_REQUIRE(page);
    page[0] = 0xc3;
    SD_REQUIRE(!xen_pt_map(SCRATCH, xen_virt_to_pfn(page), 1, XEN_PROT_EXEC));
    SD_CHECK(!faults(call, SCRATCH) && faults(write_byte, SCRATCH));
    SD_CHECK(!xen_pt_unmap(SCRATCH, 1));
    sd_page_free(page, 0);
}

/* Bad requests change nothing; each stands beside what is wrong with it. */
SD_TEST(bad_mappings_are_refused)
{
    pfn_t pfn = xen_virt_to_pfn(xen_boot_stack), beyond = xen_memory_layout()->end;

    SD_CHECK(xen_pt_map(SCRATCH + 1, pfn, 1, XEN_PROT_READ) == -EINVAL);              /* not aligned */
    SD_CHECK(xen_pt_map(NULL, pfn, 1, XEN_PROT_READ) == -EINVAL);                     /* page 0 */
    SD_CHECK(xen_pt_map(SCRATCH, pfn, 1, XEN_PROT_WRITE | XEN_PROT_EXEC) == -EINVAL); /* both */
    SD_CHECK(xen_pt_map(SCRATCH, beyond, 1, XEN_PROT_READ) == -EINVAL);               /* no such frame */
    SD_CHECK(xen_pt_map((void *)(1ul << 39), pfn, 1, XEN_PROT_READ) == -EINVAL);      /* too high */
    SD_CHECK(xen_pt_map(SCRATCH, pfn, SIZE_MAX >> XEN_PAGE_SHIFT, XEN_PROT_READ) == -EINVAL); /* too many */
    SD_CHECK(xen_pt_protect(SCRATCH, 1, XEN_PROT_READ) == -ENOENT);
    SD_CHECK(!xen_pt_unmap(SCRATCH, 1)); /* not mapped: nothing to do */
    SD_CHECK(faults(read_byte, SCRATCH));
}

SD_TEST(map_of_many_pages_crosses_tables_and_batches)
{
    enum { PAGES = 100 };
    char *va = SCRATCH + 512 * XEN_PAGE_SIZE - 50 * XEN_PAGE_SIZE;
    char *block = sd_page_alloc(7);

    SD_REQUIRE(block);
    for (int i = 0; i < PAGES; i++)
        memset(block + (size_t)i * XEN_PAGE_SIZE, i, XEN_PAGE_SIZE);
    SD_REQUIRE(!xen_pt_map(va, xen_virt_to_pfn(block), PAGES, XEN_PROT_READ));
    for (int i = 0; i < PAGES; i++)
        SD_CHECK(va[(size_t)i * XEN_PAGE_SIZE] == (char)i);
    SD_CHECK(!xen_pt_unmap(va, PAGES));
    SD_CHECK(faults(read_byte, va) && faults(read_byte, va + (PAGES - 1) * XEN_PAGE_SIZE));
    sd_page_free(block, 7);
}

/* The lowest machine frame number that stands behind none of our frames. */
static uint64_t lowest_foreign_frame(void)
{
    uint64_t frames = xen_memory_layout()->end.n, lowest = 0;
    uint8_t *ours = sd_calloc(frames + 1, 1);

    for (uint64_t n = 0; ours && n < frames; n++) {
        mfn_t frame = xen_pfn_to_mfn((pfn_t){n});

        if (frame.n < frames)
            ours[frame.n] = 1;
    }
    while (ours && ours[lowest])
        lowest++;
    SD_CHECK(ours != NULL);
    sd_free(ours);
    return lowest;
}

SD_TEST(frames_and_addresses_convert_both_ways)
{
    char *page = sd_page_alloc(0);
    pfn_t pfn = xen_virt_to_pfn(page);

    SD_CHECK(xen_pfn_to_virt(pfn) == page);
    SD_CHECK(xen_mfn_to_pfn(xen_pfn_to_mfn(pfn)).n == pfn.n);
    SD_CHECK(xen_mfn_to_pfn((mfn_t){lowest_foreign_frame()}).n == UINT64_MAX);
    sd_page_free(page, 0);
}

SD_TEST(memory_given_to_xen_comes_back)
{
    char *page = sd_page_alloc(0);
    pfn_t pfn = xen_virt_to_pfn(page);
    uint64_t before, between, after, maximum;
    size_t done;

    SD_REQUIRE(page && !xen_memory_current(&before) && !xen_memory_maximum(&maximum));
    SD_CHECK(maximum >= before);
    SD_REQUIRE(!xen_memory_decrease(&pfn, 1, &done));
    SD_CHECK(done == 1 && faults(read_byte, page));
    SD_CHECK(!xen_memory_current(&between) && between == before - 1);
    SD_CHECK(xen_memory_decrease(&pfn, 1, &done) == -EINVAL && done == 0);
    SD_REQUIRE(!xen_memory_increase(&pfn, 1, &done));
    SD_CHECK(done == 1 && !faults(write_byte, page));
    SD_CHECK(!xen_memory_current(&after) && after == before);
    SD_CHECK(xen_memory_increase(&pfn, 1, &done) == -EINVAL);
    sd_page_free(page, 0);
}
