/* The stack goes while the thread stands on its kernel stack. */
#include "sys.h"

#include "clone.h"

long sd_unmap_self(void *stack, size_t bytes)
{
    (void)sd_sys_munmap(stack, bytes);
    return sd_sys_exit(0);
}
