/*
 * The report of a crash, for whoever has the registers that it is to show. Private to stardust/.
 */
#ifndef STARDUST_TRAP_REPORT_H
#define STARDUST_TRAP_REPORT_H

#include <xenlib/trap.h>

/*
 * Asked first about an exception that nothing recovered from: true when the frame says now where to go on.
 * NULL while there is nobody to ask. Exception context, upcalls off.
 */
extern bool (*sd_trap_hook)(struct xen_trap_frame *frame);

/* The report of an exception; `address` is that of a page fault. Any context. */
_Noreturn void sd_report_trap(const struct xen_trap_frame *frame, uintptr_t address);

/* A report for a reason of the program's own, which stood at these registers; vector and error count for
 * nothing. Any context. */
_Noreturn void sd_report_program(const struct xen_trap_frame *frame, const char *format, ...)
    xen_printf(2, 3);

#endif
