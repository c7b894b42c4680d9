/*
 * syscall(2), apart from the rest: its table refers to every service there is.
 */
#include "libc.h"

#include <errno.h>
#include <stdarg.h>

long syscall(long number, ...)
{
    long a[6];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number < 0 || number >= (long)sd_service_count || !sd_services[number])
        return __syscall_ret((unsigned long)-ENOSYS);
    return __syscall_ret((unsigned long)sd_services[number](a[0], a[1], a[2], a[3], a[4], a[5]));
}
