#include "wait.h"

int sd_wait(struct xen_waitq *queue, struct xen_lock *lock, uint64_t deadline)
{
    return xen_platform_wait(queue, lock, deadline);
}
