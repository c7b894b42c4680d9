/*
 * The main thread's stack: addresses of their own up to SD_MAIN_STACK_TOP, far away from everything else.
 * Where stacks may be absent in part (PVH) a page comes when it is touched; a PV guest's is all there from
 * the start. Private to stardust/.
 */
#ifndef STARDUST_POSIX_MAIN_STACK_H
#define STARDUST_POSIX_MAIN_STACK_H

#include <xenlib/types.h>

#include "vm_pages.h"

#define SD_MAIN_STACK_TOP SD_VM_LOW

/* As on Linux; and how far it may ever grow (the option stack=, RLIMIT_STACK), with what lies below it for
 * the guard. */
#define SD_MAIN_STACK_BYTES 0x800000UL
#define SD_MAIN_STACK_MAX   0x40000000UL

/* Its lower end: from there on it may be touched. */
extern uintptr_t sd_main_stack_low;

/* Makes it, with memory for `bytes` at its upper end at least. Once; ends the guest when there is no memory.
 */
void sd_main_stack_make(size_t bytes);

/* Whether it may be so large from now on: memory that is there stays. A PV guest's cannot grow. */
bool sd_main_stack_resize(size_t bytes);

static inline size_t sd_main_stack_bytes(void)
{
    return SD_MAIN_STACK_TOP - sd_main_stack_low;
}

/* Of a page fault elsewhere: vm_demand.c, if the program has mapped memory. As xen_platform_page_fault and
 * sd_page_fault_lacks_memory, which main_stack.c defines. */
bool sd_vm_page_fault(uintptr_t address, uint64_t error) __attribute__((weak));
bool sd_vm_lacks_memory(uintptr_t address, uint64_t error) __attribute__((weak));

#endif
