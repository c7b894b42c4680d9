#include "libc.h"

#include <errno.h>

#include <xenlib/platform.h>

int vfork(void)
{
    return (int)__syscall_ret((unsigned long)-ENOSYS);
}
