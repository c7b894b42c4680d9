/*
 * Formatted text without a C library: what a log line or a xenstore path needs.
 *
 * %c %s %d %i %u %x %X %p %% with the flags 0 - and #, a width, a precision (also as *), and the sizes hh h l
 * ll z j t. No floating point, and no %n.
 */
#ifndef XENLIB_FORMAT_H
#define XENLIB_FORMAT_H

#include <stdarg.h>
#include <xenlib/types.h>

/* As snprintf: never writes more than `size` bytes, terminates when size > 0, returns the length that all
 * would have. */
size_t xen_format(char *buffer, size_t size, const char *format, ...) xen_printf(3, 4);
size_t xen_vformat(char *buffer, size_t size, const char *format, va_list args) xen_printf(3, 0);

#endif
