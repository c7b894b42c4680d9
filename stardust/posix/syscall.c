/*
 * syscall(2), apart from the rest: its table refers to every service there is.
 */
#include "libc.h"

#include <errno.h>
#include <stdarg.h>

static long call(sd_service *service, const long a[6])
{
    /* As the edge expects them (x86_64/call.S). */
    long result = (long)service, d = a[0], s = a[1], x = a[2], c = a[3];
    register long r8 __asm__("r8") = a[4];
    register long r9 __asm__("r9") = a[5];

    __asm__ volatile("call sd_call6"
                     : "+a"(result), "+D"(d), "+S"(s), "+d"(x), "+c"(c), "+r"(r8), "+r"(r9)::"r10", "r11",
                       "memory", "cc");
    return result;
}

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
    return __syscall_ret((unsigned long)call(sd_services[number], a));
}
