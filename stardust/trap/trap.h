/* Between the report of a crash and whoever knows more. Private to stardust/. */
#ifndef STARDUST_TRAP_TRAP_H
#define STARDUST_TRAP_TRAP_H

#include <xenlib/types.h>

/* Whether there would be a page, were there memory for it. Optional. Exception context. */
bool sd_page_fault_lacks_memory(uintptr_t address, uint64_t error) __attribute__((weak));

/* The same of a mapped file's page: it ends before, or has no memory for it. */
bool sd_page_fault_lacks_file(uintptr_t address, uint64_t error) __attribute__((weak));

#endif
