/* Times as programs give them. Private to stardust/posix. */
#ifndef STARDUST_POSIX_TIMESPEC_H
#define STARDUST_POSIX_TIMESPEC_H

#include <xenlib/types.h>

struct timespec;

/*
 * The program's time, from now on or absolute by the wall clock or the monotonic one, as a deadline of system
 * time. 0, -EFAULT, -EINVAL.
 */
int sd_timespec_deadline(const struct timespec *time, bool absolute, bool wall,
                         uint64_t *deadline) xen_must_check;

#endif
