/*
 * The program's memory, which may not be there: nothing of stardust/posix touches it in any other way.
 */
#ifndef STARDUST_POSIX_COPY_H
#define STARDUST_POSIX_COPY_H

#include <xenlib/trap.h>

/* From the program's memory and to it. 0, or -EFAULT with part of the bytes copied. Thread context. */
static inline int sd_copy_in(void *to, const void *from, size_t bytes)
{
    return xen_trap_copy(to, from, bytes);
}

static inline int sd_copy_out(void *to, const void *from, size_t bytes)
{
    return xen_trap_copy(to, from, bytes);
}

#endif
