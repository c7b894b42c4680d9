#include "area.h"

#include <errno.h>
#include <string.h>

#include <stardust/memory.h>

/* What a set adds at most: it can cut an area in two, with a new one between. */
#define ADDED 2
/* As many as the heap's largest block holds. */
#define AREAS_MAX 32768

int sd_areas_reserve(struct sd_areas *areas, size_t changes)
{
    size_t needed = areas->count + changes * ADDED;
    size_t room = areas->room ? areas->room : 16;
    struct sd_area *list;

    if (needed <= areas->room)
        return 0;
    if (needed > AREAS_MAX)
        return -ENOMEM;
    while (room < needed)
        room *= 2;
    list = sd_realloc(areas->list, room * sizeof(*list));
    if (!list)
        return -ENOMEM;
    areas->list = list;
    areas->room = room;
    return 0;
}

/* Number of the first area that ends behind `address`. */
static size_t find(const struct sd_areas *areas, uintptr_t address)
{
    size_t low = 0, high = areas->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (areas->list[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Puts `count` areas in place of those from `first` up to `end`. */
static void splice(struct sd_areas *areas, size_t first, size_t end, const struct sd_area *put, size_t count)
{
    struct sd_area *at = areas->list + first;

    if (end < areas->count)
        memmove(at + count, areas->list + end, (areas->count - end) * sizeof(*at));
    if (count)
        memcpy(at, put, count * sizeof(*at));
    areas->count += count - (end - first);
}

static void merge(struct sd_areas *areas, size_t from, size_t to)
{
    for (size_t i = to < areas->count ? to : areas->count; i-- > from + 1;) {
        struct sd_area *left = areas->list + i - 1, *right = areas->list + i;

        if (left->end != right->start || left->rights != right->rights || left->file != right->file)
            continue;
        left->end = right->end;
        splice(areas, i, i + 1, NULL, 0);
    }
}

void sd_areas_put(struct sd_areas *areas, struct sd_area area)
{
    size_t first = find(areas, area.start), behind = first, count = 0;
    struct sd_area put[1 + ADDED];

    if (area.start >= area.end)
        return;
    while (behind < areas->count && areas->list[behind].start < area.end)
        behind++;
    if (behind > first && areas->list[first].start < area.start) {
        put[count] = areas->list[first];
        put[count++].end = area.start;
    }
    if (area.rights != SD_AREA_FREE)
        put[count++] = area;
    if (behind > first && areas->list[behind - 1].end > area.end) {
        put[count] = areas->list[behind - 1];
        put[count++].start = area.end;
    }
    splice(areas, first, behind, put, count);
    merge(areas, first ? first - 1 : 0, first + count + 1);
}

const struct sd_area *sd_areas_find(const struct sd_areas *areas, uintptr_t address)
{
    size_t i = find(areas, address);

    return i < areas->count ? &areas->list[i] : NULL;
}

bool sd_areas_are_free(const struct sd_areas *areas, uintptr_t start, uintptr_t end)
{
    size_t i = find(areas, start);

    return i == areas->count || areas->list[i].start >= end;
}

bool sd_areas_cover(const struct sd_areas *areas, uintptr_t start, uintptr_t end)
{
    for (size_t i = find(areas, start); start < end; start = areas->list[i++].end)
        if (i == areas->count || areas->list[i].start > start)
            return false;
    return true;
}

size_t sd_areas_total(const struct sd_areas *areas)
{
    size_t bytes = 0;

    for (size_t i = 0; i < areas->count; i++)
        bytes += areas->list[i].end - areas->list[i].start;
    return bytes;
}

bool sd_areas_gap(const struct sd_areas *areas, uintptr_t low, uintptr_t high, size_t bytes, uintptr_t *start)
{
    for (size_t i = find(areas, low); low < high && bytes <= high - low; low = areas->list[i++].end) {
        if (i < areas->count && areas->list[i].start < low + bytes)
            continue;
        *start = low;
        return true;
    }
    return false;
}
