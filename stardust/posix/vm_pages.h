/*
 * The pages behind a program's areas.
 *
 * Pages are charged when they are mapped. A page that nobody may touch keeps its contents out of reach,
 * mapped SD_VM_HIDDEN above its place, so that the page tables themselves remember it. Addresses are
 * page-aligned and lie in [SD_VM_LOW, SD_VM_HIGH). Thread context.
 */
#ifndef STARDUST_POSIX_VM_PAGES_H
#define STARDUST_POSIX_VM_PAGES_H

#include <xenlib/types.h>

/* Above XEN_MAPPINGS and what is mapped there (xenlib/memory.h), below what page tables of this library
 * reach. */
#define SD_VM_LOW    0x7200000000UL /* 456 GiB */
#define SD_VM_HIGH   0x7900000000UL /* 484 GiB */
#define SD_VM_HIDDEN (SD_VM_HIGH - SD_VM_LOW)

/* Whether so many pages are there for a program, with their tables, and enough is left for the kernel. */
bool sd_vm_has(size_t pages);

/* How many pages of the range have no memory yet. */
size_t sd_vm_absent(uintptr_t start, uintptr_t end);

/*
 * Gives the range a protection (XEN_PROT_*): with one, pages without memory get zeroed one; without, what is
 * there is hidden. 0; on -ENOMEM *done is where it stopped, with everything from there on as it was.
 */
int sd_vm_set(uintptr_t start, uintptr_t end, unsigned prot, uintptr_t *done) xen_must_check;

/* Gives the range's memory back. */
void sd_vm_drop(uintptr_t start, uintptr_t end);

/* Moves the memory of a range to where none is. 0, or -ENOMEM with nothing moved. */
int sd_vm_move(uintptr_t from, uintptr_t to, size_t bytes, unsigned prot) xen_must_check;

/* Fills with zeros what is there. */
void sd_vm_clear(uintptr_t start, uintptr_t end);

#endif
