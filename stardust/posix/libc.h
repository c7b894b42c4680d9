/*
 * What musl has in assembly that enters a kernel, and deps/libc.mk leaves out. Names and contracts are musl's
 * (src/internal of its source). Thread context.
 */
#ifndef STARDUST_POSIX_LIBC_H
#define STARDUST_POSIX_LIBC_H

#include <stddef.h>

/* 0 or a negative errno. */
int __set_thread_area(void *address);
int __clone(int (*function)(void *), void *stack, int flags, void *arg, ...);
_Noreturn void __unmapself(void *stack, unsigned long bytes);
void __restore_rt(void);
long __syscall_cp_asm(volatile int *cancel, long (*service)(long, long, long, long, long, long), long a,
                      long b, long c, long d, long e, long f);
int vfork(void);

/* Zeroed memory for thread-local variables, called once and before main: its address, or -ENOMEM. */
long sd_tls_memory(void *address, size_t bytes);

/* A result below 0 as errno and -1. */
long __syscall_ret(unsigned long result);

/* Services by Linux's number, NULL where there is none (generated, deps/libc.mk). */
typedef long sd_service(long, long, long, long, long, long);
extern sd_service *const sd_services[];
extern const unsigned sd_service_count;

#endif
