/*
 * In place of musl's file of the same name: a system call is a call of the function that serves it, so that
 * the linker brings in what a program calls and nothing else. syscall_names.h, made from musl's list,
 * declares the functions and defines SYS_NAME as the address of sd_sys_NAME; an image lies below 2 GiB, so
 * that it fits musl's ints, too.
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

static inline long __syscall0(long n)
{
    return ((long (*)(void))n)();
}

static inline long __syscall1(long n, long a)
{
    return ((long (*)(long))n)(a);
}

static inline long __syscall2(long n, long a, long b)
{
    return ((long (*)(long, long))n)(a, b);
}

static inline long __syscall3(long n, long a, long b, long c)
{
    return ((long (*)(long, long, long))n)(a, b, c);
}

static inline long __syscall4(long n, long a, long b, long c, long d)
{
    return ((long (*)(long, long, long, long))n)(a, b, c, d);
}

static inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
    return ((long (*)(long, long, long, long, long))n)(a, b, c, d, e);
}

static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    return ((long (*)(long, long, long, long, long, long))n)(a, b, c, d, e, f);
}

#define IPC_64 0

#endif
