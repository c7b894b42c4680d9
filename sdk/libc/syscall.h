/*
 * In front of musl's file of the same name: points of cancellation with up to four arguments, which is nearly
 * all, call the edge in line, where musl goes through two functions that hand on seven. sd_call_cp is sd_call
 * unless something cancels (stardust/posix/x86_64/cancel.S).
 */
#ifndef SD_SYSCALL_H
#define SD_SYSCALL_H

#include_next "syscall.h"

static inline long sd_syscall_cp(long n, long a, long b, long c, long d)
{
    __asm__ volatile("call sd_call_cp"
                     : "+a"(n), "+D"(a), "+S"(b), "+d"(c), "+c"(d)::"r8", "r9", SD_CLOBBERS);
    return n;
}

static inline long sd_syscall_cp3(long n, long a, long b, long c)
{
    __asm__ volatile("call sd_call_cp" : "+a"(n), "+D"(a), "+S"(b), "+d"(c)::"rcx", "r8", "r9", SD_CLOBBERS);
    return n;
}

#undef __syscall_cp0
#undef __syscall_cp1
#undef __syscall_cp2
#undef __syscall_cp3
#undef __syscall_cp4
#define __syscall_cp0(n)             sd_syscall_cp3(n, 0, 0, 0)
#define __syscall_cp1(n, a)          sd_syscall_cp3(n, __scc(a), 0, 0)
#define __syscall_cp2(n, a, b)       sd_syscall_cp3(n, __scc(a), __scc(b), 0)
#define __syscall_cp3(n, a, b, c)    sd_syscall_cp3(n, __scc(a), __scc(b), __scc(c))
#define __syscall_cp4(n, a, b, c, d) sd_syscall_cp(n, __scc(a), __scc(b), __scc(c), __scc(d))

/* Where speed counts, the look at the result, too. */
#ifndef __OPTIMIZE_SIZE__
static inline long sd_syscall_ret(unsigned long result)
{
    return result > -4096ul ? __syscall_ret(result) : (long)result;
}

#undef syscall
#undef syscall_cp
#define syscall(...)    sd_syscall_ret(__syscall(__VA_ARGS__))
#define syscall_cp(...) sd_syscall_ret(__syscall_cp(__VA_ARGS__))
#endif

#endif
