/*
 * Areas of the address space: what a program has mapped, as a sorted list of ranges without overlap.
 *
 * Neighbours that touch and have the same rights and file are one area. Addresses are page-aligned. Thread
 * context; the caller keeps others out.
 */
#ifndef STARDUST_POSIX_AREA_H
#define STARDUST_POSIX_AREA_H

#include <xenlib/types.h>

struct sd_area {
    uintptr_t start, end;
    int rights;    /* PROT_*, and what kind of area it is */
    unsigned file; /* which file it shows, by a number of the caller's; 0: none */
};

/* Kinds: memory comes at the first touch, and is not charged before; mapped MAP_SHARED; a copy of a file; a
 * stack, besides DEMAND; a file's, which is not open for writing. */
#define SD_AREA_DEMAND    0x10
#define SD_AREA_SHARED    0x20
#define SD_AREA_COPY      0x40
#define SD_AREA_STACK     0x80
#define SD_AREA_READ_ONLY 0x100
#define SD_AREA_PROT      0x7

/* Zeros are an empty list. */
struct sd_areas {
    struct sd_area *list; /* the module's, from sd_alloc */
    size_t count, room;
};

/* As rights: nothing is mapped. */
#define SD_AREA_FREE (-1)

/* Makes sure that `changes` calls of sd_areas_put find room. 0, or -ENOMEM when there is no memory or there
 * are too many areas.
 */
int sd_areas_reserve(struct sd_areas *areas, size_t changes) xen_must_check;

/* Puts an area, or one of SD_AREA_FREE, in place of whatever was there. Needs room for two areas more,
 * reserved before. */
void sd_areas_put(struct sd_areas *areas, struct sd_area area);

/* The same without a file. */
static inline void sd_areas_set(struct sd_areas *areas, uintptr_t start, uintptr_t end, int rights)
{
    sd_areas_put(areas, (struct sd_area){start, end, rights, 0});
}

/* The first area that ends behind `address`; NULL when there is none. */
const struct sd_area *sd_areas_find(const struct sd_areas *areas, uintptr_t address);

bool sd_areas_are_free(const struct sd_areas *areas, uintptr_t start, uintptr_t end);
/* Whether no part of the range is free. */
bool sd_areas_cover(const struct sd_areas *areas, uintptr_t start, uintptr_t end);

/* Bytes in all areas. */
size_t sd_areas_total(const struct sd_areas *areas);

/* The lowest free range of that size within [low, high). False when there is none. */
bool sd_areas_gap(const struct sd_areas *areas, uintptr_t low, uintptr_t high, size_t bytes,
                  uintptr_t *start);

#endif
