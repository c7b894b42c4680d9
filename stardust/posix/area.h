/*
 * Areas of the address space: what a program has mapped, as a sorted list of ranges without overlap.
 *
 * Neighbours that touch and have the same protection are one area. Addresses are page-aligned. Thread
 * context; the caller keeps others out.
 */
#ifndef STARDUST_POSIX_AREA_H
#define STARDUST_POSIX_AREA_H

#include <xenlib/types.h>

struct sd_area {
    uintptr_t start, end;
    int prot;
};

/* Zeros are an empty list. */
struct sd_areas {
    struct sd_area *list; /* the module's, from sd_alloc */
    size_t count, room;
};

/* As a protection: nothing is mapped. */
#define SD_AREA_FREE (-1)

/* Makes sure that `changes` calls of sd_areas_set find room. 0, or -ENOMEM when there is no memory or there
 * are too many areas.
 */
int sd_areas_reserve(struct sd_areas *areas, size_t changes) xen_must_check;

/* Gives the range a protection, or frees it, whatever was there. Needs room for two areas more, reserved
 * before. */
void sd_areas_set(struct sd_areas *areas, uintptr_t start, uintptr_t end, int prot);

/* The first area that ends behind `address`; NULL when there is none. */
const struct sd_area *sd_areas_find(const struct sd_areas *areas, uintptr_t address);

bool sd_areas_are_free(const struct sd_areas *areas, uintptr_t start, uintptr_t end);
/* Whether no part of the range is free. */
bool sd_areas_cover(const struct sd_areas *areas, uintptr_t start, uintptr_t end);

/* The lowest free range of that size within [low, high). False when there is none. */
bool sd_areas_gap(const struct sd_areas *areas, uintptr_t low, uintptr_t high, size_t bytes,
                  uintptr_t *start);

#endif
