/*
 * syscall(2), apart from the rest: its table refers to every service there is.
 */
#include "libc.h"

#include <errno.h>

/* Declared with an ellipsis where it is called: all of its arguments are in registers, but for the last. */
long syscall(long number, long a, long b, long c, long d, long e, long f);

long syscall(long number, long a, long b, long c, long d, long e, long f)
{
    /* As the edge expects them (x86_64/call.S). */
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    if ((unsigned long)number >= sd_service_count || !sd_services[number])
        return __syscall_ret((unsigned long)-ENOSYS);
    result = (long)sd_services[number];
    __asm__ volatile("call sd_call6"
                     : "+a"(result), "+D"(a), "+S"(b), "+d"(c), "+c"(d), "+r"(r8), "+r"(r9)::"r10", "r11",
                       "memory", "cc");
    return (unsigned long)result > -4096ul ? __syscall_ret((unsigned long)result) : result;
}
