#include "main_stack.h"

#include <string.h>

#include <stardust/kernel.h>
#include <stardust/log.h>
#include <stardust/memory.h>
#include <xenlib/memory.h>
#include <xenlib/pagetable.h>
#include <xenlib/platform.h>
#include <xenlib/trap.h>

#include "../mem/mem.h"
#include "../sched/sched.h"
#include "../trap/trap.h"

/* The smallest; and what the first functions need besides the program's words, so that a program that has
 * begun does not end for want of it. */
#define LEAST        131072ul
#define FIRST_FRAMES 16384ul

/* Of a PV guest's memory, this part is the stack. */
#define PART 10

uintptr_t sd_main_stack_low = SD_MAIN_STACK_TOP;

static bool covers(uintptr_t address)
{
    return address >= sd_main_stack_low && address < SD_MAIN_STACK_TOP;
}

bool xen_platform_page_fault(uintptr_t address, uint64_t error)
{
    if (!covers(address))
        return sd_vm_page_fault && sd_vm_page_fault(address, error);
    return !sd_vm_fill_page(address & ~(XEN_PAGE_SIZE - 1), XEN_PROT_READ | XEN_PROT_WRITE, true);
}

bool sd_page_fault_lacks_memory(uintptr_t address, uint64_t error)
{
    if (!covers(address))
        return sd_vm_lacks_memory && sd_vm_lacks_memory(address, error);
    return !(error & XEN_FAULT_PRESENT);
}

static void set_low(size_t bytes)
{
    sd_main_stack_low = SD_MAIN_STACK_TOP - bytes;
    /* For the report of an overflow. */
    sd_cpus[0].main.stack = (void *)(sd_main_stack_low - XEN_PAGE_SIZE);
}

static size_t default_bytes(void)
{
    size_t part = xen_memory_layout()->pages / PART * XEN_PAGE_SIZE;

    if (xen_trap_stacks_may_fault() || part > SD_MAIN_STACK_BYTES)
        return SD_MAIN_STACK_BYTES;
    return part > LEAST ? part : LEAST;
}

/* "512K", "16M", "1G"; 0 for anything else, and for what is too small or too large for a stack. */
static size_t read_size(const char *text)
{
    size_t bytes = 0;

    while (*text >= '0' && *text <= '9' && bytes <= SD_MAIN_STACK_MAX)
        bytes = bytes * 10 + (size_t)(*text++ - '0');
    if (bytes > SD_MAIN_STACK_MAX || !*text || text[1])
        return 0;
    bytes <<= *text == 'K' ? 10 : *text == 'M' ? 20 : *text == 'G' ? 30 : 63;
    return bytes < LEAST || bytes > SD_MAIN_STACK_MAX ? 0 : bytes & ~(XEN_PAGE_SIZE - 1);
}

/* A stack that is all there from the start leaves at least half of the memory to everything else. */
static bool fits(size_t bytes)
{
    struct sd_memory_stats stats;

    sd_page_stats(&stats);
    return xen_trap_stacks_may_fault() || bytes >> XEN_PAGE_SHIFT <= stats.pages_free / 2;
}

static size_t choose_bytes(void)
{
    size_t usual = default_bytes(), wanted;
    char text[16];

    if (!sd_option("stack", text, sizeof(text)))
        return usual;
    wanted = read_size(text);
    if (wanted && fits(wanted))
        return wanted;
    sd_warn("stack=%s %s: it has %lu KiB", text,
            wanted ? "is more than half of the memory that a PV guest's stack is taken from at once"
                   : "is no size from 128K to 1G for the main thread's stack",
            usual >> 10);
    return usual;
}

static _Noreturn void no_memory(void)
{
    xen_platform_panic("no memory for the main thread's stack");
}

/* In blocks as large as there are, which are few changes of the page tables. */
static void fill(uintptr_t start, uintptr_t end)
{
    unsigned order = SD_PAGE_ORDER_MAX;

    while (end > start) {
        size_t bytes = XEN_PAGE_SIZE << order;
        void *block = bytes <= end - start ? sd_page_alloc(order) : NULL;

        if (!block) {
            if (!order--)
                no_memory();
            continue;
        }
        if (xen_pt_map((void *)(end - bytes), xen_virt_to_pfn(block), 1ul << order,
                       XEN_PROT_READ | XEN_PROT_WRITE))
            no_memory();
        memset(block, 0, bytes);
        end -= bytes;
    }
}

void sd_main_stack_make(size_t bytes)
{
    size_t all = choose_bytes(), now = (bytes + FIRST_FRAMES + XEN_PAGE_SIZE - 1) & ~(XEN_PAGE_SIZE - 1);

    set_low(all);
    if (xen_trap_stacks_may_fault())
        sd_vm_keep_for_stacks();
    else
        now = all;
    fill(SD_MAIN_STACK_TOP - now, SD_MAIN_STACK_TOP);
}

bool sd_main_stack_resize(size_t bytes)
{
    bytes = bytes < SD_MAIN_STACK_MAX ? bytes & ~(XEN_PAGE_SIZE - 1) : SD_MAIN_STACK_MAX;
    if (!xen_trap_stacks_may_fault())
        return bytes <= sd_main_stack_bytes();
    set_low(bytes > LEAST ? bytes : LEAST);
    return true;
}
