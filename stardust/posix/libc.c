#include "libc.h"

#include <errno.h>

#include <xenlib/platform.h>
#include <xenlib/sched.h>

int __set_thread_area(void *address)
{
    return xen_cpu_set_thread_pointer(address);
}

/* There are no threads yet: pthread_create gives EAGAIN. */
int __clone(int (*function)(void *), void *stack, int flags, void *arg, ...)
{
    (void)function;
    (void)stack;
    (void)flags;
    (void)arg;
    return -ENOSYS;
}

_Noreturn void __unmapself(void *stack, unsigned long bytes)
{
    xen_platform_panic("thread on the stack %p of %lu bytes, which nobody made, ends", stack, bytes);
}

/* Handlers are called and return as functions do; this address is only stored. */
void __restore_rt(void)
{
}

/*
 * musl cancels a thread whose program counter lies between these symbols, in the assembly of its system call.
 * Here it never does, as services are C: they look for a cancellation where they block.
 */
__asm__(".globl __cp_begin, __cp_end, __cp_cancel\n"
        ".set __cp_begin, 0\n"
        ".set __cp_end, 0\n"
        ".set __cp_cancel, 0");

long __syscall_cp_asm(volatile int *cancel, long (*service)(long, long, long, long, long, long), long a,
                      long b, long c, long d, long e, long f)
{
    return *cancel ? -EINTR : service(a, b, c, d, e, f);
}

int vfork(void)
{
    return (int)__syscall_ret((unsigned long)-ENOSYS);
}
