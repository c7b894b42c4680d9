/* The signal masks of ppoll, pselect and epoll_pwait. Private to stardust/posix. Thread context. */
#ifndef STARDUST_POSIX_WAIT_MASK_H
#define STARDUST_POSIX_WAIT_MASK_H

#include <xenlib/types.h>

/* The program's mask at `set`, if it is not NULL, holds from here on. 0, -EINVAL for a size that is none,
 * -EFAULT. */
int sd_mask_enter(const void *set, size_t bytes) xen_must_check;

/* The one from before holds again: now, or once the handlers of what interrupted the call have run. */
void sd_mask_leave(const void *set, bool interrupted);

#endif
