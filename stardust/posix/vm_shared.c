/*
 * mmap of files, MAP_SHARED: an area that shows the file's own pages, each from its first touch on, so that
 * there is nothing to carry from one to the other. It holds the open file until the last of it is unmapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <stardust/memory.h>
#include <xenlib/memory.h>
#include <xenlib/pagetable.h>
#include <xenlib/platform.h>

#include "../fs/fs.h"
#include "file.h"
#include "vm.h"

#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE  1
#define FALLOC_FL_PUNCH_HOLE 2
#endif

/* What areas of the same number show. */
struct mapping {
    struct sd_file *file; /* with a reference; NULL while the number is unused */
    uint64_t shift;       /* from the number of an address's page to the file's, modulo 2^64 */
    size_t pages;         /* that are mapped so */
};

static struct mapping *mappings;
static unsigned room;

static struct mapping *mapping_of(const struct sd_area *area)
{
    return &mappings[area->file - 1];
}

static uint64_t number_at(const struct mapping *mapping, uintptr_t address)
{
    return (address >> XEN_PAGE_SHIFT) + mapping->shift;
}

static void hide(uintptr_t start, uintptr_t end)
{
    /* Page by page mapped, as in vm_pages.c. */
    if (xen_pt_unmap((void *)start, (end - start) >> XEN_PAGE_SHIFT))
        xen_platform_panic("0x%lx to 0x%lx cannot be unmapped", start, end);
}

/* A number that is unused: 0 without memory. */
static unsigned new_number(void)
{
    unsigned number = 0, more = room ? 2 * room : 8;
    struct mapping *list;

    while (number < room && mappings[number].file)
        number++;
    if (number < room)
        return number + 1;
    list = sd_realloc(mappings, more * sizeof(*list));
    if (!list)
        return 0;
    mappings = list;
    for (; room < more; room++)
        mappings[room].file = NULL;
    return number + 1;
}

/* An area that shows the file from page `first` on, where nothing is mapped. */
static long add(struct sd_area area, struct sd_file *file, uint64_t first)
{
    size_t bytes = area.end - area.start;

    if (!sd_vm_is_within_limit(bytes))
        return -ENOMEM;
    area.file = new_number();
    if (!area.file)
        return -ENOMEM;
    file->references++;
    *mapping_of(&area) = (struct mapping){
        .file = file,
        .shift = first - (area.start >> XEN_PAGE_SHIFT),
        .pages = bytes >> XEN_PAGE_SHIFT,
    };
    sd_areas_put(&sd_vm_areas, area);
    return (long)area.start;
}

long sd_vm_map_shared(uintptr_t start, size_t bytes, int prot, struct sd_file *file, long offset)
{
    bool may_write = (file->flags & O_ACCMODE) == O_RDWR;
    struct sd_area area = {
        .start = start,
        .end = start + bytes,
        .rights = prot | SD_AREA_SHARED | (may_write ? 0 : SD_AREA_READ_ONLY),
    };

    sd_node_accessed(file->node);
    return add(area, file, (uint64_t)offset >> XEN_PAGE_SHIFT);
}

int sd_vm_show(const struct sd_area *area, uintptr_t page)
{
    const struct mapping *mapping = mapping_of(area);
    void *block;
    int error = mapping->file->ops->page(mapping->file, number_at(mapping, page), &block);

    if (error)
        return error;
    return xen_pt_map((void *)page, xen_virt_to_pfn(block), 1, (unsigned)area->rights & SD_AREA_PROT);
}

int sd_vm_show_all(const struct sd_area *area)
{
    int error = 0;

    for (uintptr_t page = area->start; page < area->end && !error; page += XEN_PAGE_SIZE)
        if (!sd_vm_is_there(page))
            error = sd_vm_show(area, page);
    return error ? -EFAULT : 0;
}

void sd_vm_protect_shared(const struct sd_area *part, int prot)
{
    struct sd_area area = *part;

    /* They come back with the new rights. */
    hide(area.start, area.end);
    area.rights = (area.rights & ~SD_AREA_PROT) | prot;
    sd_areas_put(&sd_vm_areas, area);
}

bool sd_vm_extend_shared(const struct sd_area *area, uintptr_t end)
{
    if (!sd_vm_is_within_limit(end - area->end))
        return false;
    mapping_of(area)->pages += (end - area->end) >> XEN_PAGE_SHIFT;
    sd_areas_put(&sd_vm_areas, (struct sd_area){area->end, end, area->rights, area->file});
    return true;
}

long sd_vm_move_shared(const struct sd_area *from, uintptr_t to, size_t bytes)
{
    const struct mapping *mapping = mapping_of(from);
    struct sd_area area = {to, to + bytes, from->rights, 0};
    struct sd_area old = *from;
    long result = add(area, mapping->file, number_at(mapping, from->start));

    if (result >= 0)
        sd_vm_remove(old.start, old.end);
    return result;
}

int sd_vm_punch(const struct sd_area *area)
{
    const struct mapping *mapping = mapping_of(area);
    struct sd_node *node = mapping->file->node;

    if (area->rights & SD_AREA_READ_ONLY)
        return -EACCES;
    return node->ops->allocate(node, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
                               number_at(mapping, area->start) << XEN_PAGE_SHIFT, area->end - area->start);
}

void sd_vm_unshare(uintptr_t start, uintptr_t end)
{
    while (room && start < end) {
        const struct sd_area *area = sd_areas_find(&sd_vm_areas, start);
        uintptr_t from, to;
        struct mapping *mapping;

        if (!area || area->start >= end)
            break;
        from = area->start > start ? area->start : start;
        to = sd_vm_smaller(area->end, end);
        start = area->end;
        if (!area->file)
            continue;
        mapping = mapping_of(area);
        hide(from, to);
        mapping->pages -= (to - from) >> XEN_PAGE_SHIFT;
        if (!mapping->pages) {
            struct sd_file *file = mapping->file;

            mapping->file = NULL;
            sd_file_put(file);
        }
    }
}

void sd_vm_file_cut(const struct sd_node *node, uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < sd_vm_areas.count; i++) {
        const struct sd_area *area = &sd_vm_areas.list[i];
        uint64_t shown, behind;

        if (!area->file || mapping_of(area)->file->node != node)
            continue;
        shown = number_at(mapping_of(area), area->start);
        behind = shown + ((area->end - area->start) >> XEN_PAGE_SHIFT);
        if (first > shown)
            shown = first < behind ? first : behind;
        if (end < behind)
            behind = end;
        if (shown < behind)
            hide((shown - mapping_of(area)->shift) << XEN_PAGE_SHIFT, (behind - mapping_of(area)->shift)
                                                                          << XEN_PAGE_SHIFT);
    }
}
