/*
 * The pages behind a program's areas.
 *
 * A page that nobody may touch keeps its contents out of reach, mapped SD_VM_HIDDEN above its place, so that
 * the page tables themselves remember it. Addresses are page-aligned and lie in [SD_VM_LOW, SD_VM_HIGH).
 * Ranges may be large and nearly empty: what has no tables is skipped. Thread context, where not otherwise
 * stated.
 */
#ifndef STARDUST_POSIX_VM_PAGES_H
#define STARDUST_POSIX_VM_PAGES_H

#include <xenlib/types.h>

/* Above XEN_MAPPINGS and what is mapped there (xenlib/memory.h), below what page tables of this library
 * reach. */
#define SD_VM_LOW    0x4200000000UL /* 264 GiB */
#define SD_VM_HIGH   0x6100000000UL /* 388 GiB */
#define SD_VM_HIDDEN (SD_VM_HIGH - SD_VM_LOW)

/* Whether so many pages are there for a program, with their tables, and enough is left for the kernel and for
 * stacks that grow. */
bool sd_vm_has(size_t pages);

/* From now on there are such stacks, and so pages that only they get. */
void sd_vm_keep_for_stacks(void);
/* How many: files leave them, too. */
size_t sd_vm_kept_for_stacks(void);

/* How many pages of the range have no memory yet. */
size_t sd_vm_absent(uintptr_t start, uintptr_t end);

/*
 * Gives the range's memory a protection (XEN_PROT_*); without one it is hidden. With `fill`, pages that have
 * none get zeroed one first, unless nobody may touch them. 0; on -ENOMEM *done is where it stopped, with
 * everything from there on as it was.
 */
int sd_vm_set(uintptr_t start, uintptr_t end, unsigned prot, bool fill, uintptr_t *done) xen_must_check;

/* A zeroed page where there is none; of a stack's, if need be one of those that are kept for them. 0 or
 * -ENOMEM. Exception context, too. */
int sd_vm_fill_page(uintptr_t page, unsigned prot, bool stack) xen_must_check;

/* Gives the range's memory back. */
void sd_vm_drop(uintptr_t start, uintptr_t end);

/* Moves the memory of a range to where none is. 0, or -ENOMEM with nothing moved. */
int sd_vm_move(uintptr_t from, uintptr_t to, size_t bytes, unsigned prot) xen_must_check;

/* Fills with zeros what is there. */
void sd_vm_clear(uintptr_t start, uintptr_t end);

/* Whether the page has memory. */
bool sd_vm_is_there(uintptr_t page);

#endif
