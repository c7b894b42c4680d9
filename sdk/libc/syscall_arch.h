/*
 * In place of musl's file of the same name: a system call is a call of sd_call (stardust/posix/x86_64/call.S)
 * with the address of the function that serves it, so that the linker brings in what a program calls and
 * nothing else. syscall_names.h, made from musl's list, declares the functions and defines SYS_NAME as the
 * address of sd_sys_NAME; an image lies below 2 GiB, so that it fits musl's ints, too.
 */
#ifndef SD_SYSCALL_ARCH_H
#define SD_SYSCALL_ARCH_H

#include "syscall_names.h"

/* What the C library's start calls only for a program with the rights of another user, which no guest is
 * (AT_SECURE is 0): it brings in none of it. */
#ifdef SD_LIBC_START
#pragma weak sd_sys_poll
#pragma weak sd_sys_open
#endif

#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

/* Besides the registers for arguments: other threads may run meanwhile. */
#define SD_CLOBBERS                                                                                          \
    "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",    \
        "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)",       \
        "st(4)", "st(5)", "st(6)", "st(7)"

static inline long __syscall0(long n)
{
    __asm__ volatile("call sd_call" : "+a"(n)::"rdi", "rsi", "rdx", "rcx", "r8", "r9", SD_CLOBBERS);
    return n;
}

static inline long __syscall1(long n, long a)
{
    __asm__ volatile("call sd_call" : "+a"(n), "+D"(a)::"rsi", "rdx", "rcx", "r8", "r9", SD_CLOBBERS);
    return n;
}

static inline long __syscall2(long n, long a, long b)
{
    __asm__ volatile("call sd_call" : "+a"(n), "+D"(a), "+S"(b)::"rdx", "rcx", "r8", "r9", SD_CLOBBERS);
    return n;
}

static inline long __syscall3(long n, long a, long b, long c)
{
    __asm__ volatile("call sd_call" : "+a"(n), "+D"(a), "+S"(b), "+d"(c)::"rcx", "r8", "r9", SD_CLOBBERS);
    return n;
}

static inline long __syscall4(long n, long a, long b, long c, long d)
{
    __asm__ volatile("call sd_call" : "+a"(n), "+D"(a), "+S"(b), "+d"(c), "+c"(d)::"r8", "r9", SD_CLOBBERS);
    return n;
}

static inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
    register long r8 __asm__("r8") = e;

    __asm__ volatile("call sd_call6"
                     : "+a"(n), "+D"(a), "+S"(b), "+d"(c), "+c"(d), "+r"(r8)::"r9", SD_CLOBBERS);
    return n;
}

static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;

    __asm__ volatile("call sd_call6"
                     : "+a"(n), "+D"(a), "+S"(b), "+d"(c), "+c"(d), "+r"(r8), "+r"(r9)::SD_CLOBBERS);
    return n;
}

#define IPC_64 0

#endif
