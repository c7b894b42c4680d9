/* links: x86_64/pvh/memory.c x86_64/address.c fake.c */
/*
 * A toolstack made of the fuzzer's bytes: a memory map and a place for the ramdisk. Whatever they say, what
 * comes out is refused or sound.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fake.h"
#include "pvh_memory_claims.h"

#define ENTRIES_MAX   128        /* as many as the start code hands over */
#define RAMDISK_LIMIT (1u << 18) /* frames: the start code refuses one that ends beyond 1 GiB */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t left;

static uint64_t next(unsigned bytes)
{
    uint64_t value = 0;

    for (; bytes; bytes--) {
        value = value << 8 | (left ? *input : 0);
        input += left != 0;
        left -= left != 0;
    }
    return value;
}

/* Any number, but mostly one of few bits somewhere: those meet each other. */
static uint64_t next_number(void)
{
    unsigned shift = (unsigned)next(1) % 64;
    uint64_t number;

    if (shift >= 56)
        return next(8);
    number = next(1) << shift;
    return next(1) % 8 ? number : number + (uint64_t)(int64_t)(int8_t)next(1);
}

static struct hvm_memmap_table_entry next_entry(const struct hvm_memmap_table_entry *before)
{
    struct hvm_memmap_table_entry entry = {.type = next(1) % 4 ? XEN_HVM_MEMMAP_TYPE_RAM
                                                               : XEN_HVM_MEMMAP_TYPE_RESERVED};

    /* Often behind the one before, as in a map that nobody has tampered with. */
    entry.addr =
        before && next(1) % 4 ? before->addr + before->size + (next(2) << next(1) % 32) : next_number();
    entry.size = next_number();
    return entry;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hvm_memmap_table_entry map[ENTRIES_MAX];
    struct xen_memory_range ramdisk = {0};
    size_t count = 0;
    const char *wrong;

    input = data;
    left = size;
    if (next(1) % 2) {
        ramdisk.first.n = next(3) % RAMDISK_LIMIT;
        ramdisk.end.n = ramdisk.first.n + next(3) % (RAMDISK_LIMIT - ramdisk.first.n + 1);
    }
    if (next(1) % 8)
        map[count++] = (struct hvm_memmap_table_entry){0, (2 + next(2)) << 20, XEN_HVM_MEMMAP_TYPE_RAM, 0};
    for (; left && count < ENTRIES_MAX; count++)
        map[count] = next_entry(count ? &map[count - 1] : NULL);
    wrong = init_memory(map, count, ramdisk);
    if (!wrong)
        wrong = broken_layout(map, count, ramdisk);
    else if (!*wrong)
        wrong = "it is refused without a reason";
    else
        wrong = NULL;
    if (!wrong)
        return 0;
    fprintf(stderr, "%s\nramdisk %lx to %lx, mapped to %lx, end %lx, places %lx\n", wrong, ramdisk.first.n,
            ramdisk.end.n, xen_layout.mapped_end.n, xen_layout.end.n, pvh_places.n);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "  %lx, %lx bytes, type %u\n", map[i].addr, map[i].size, map[i].type);
    for (size_t i = 0; i < xen_layout.free_count; i++)
        fprintf(stderr, "  free: %lx to %lx\n", xen_layout.free[i].first.n, xen_layout.free[i].end.n);
    abort();
}
