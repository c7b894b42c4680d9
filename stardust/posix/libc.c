#include "libc.h"

#include <errno.h>

#include <xenlib/platform.h>

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

int vfork(void)
{
    return (int)__syscall_ret((unsigned long)-ENOSYS);
}
