#include "readiness.h"

#include <poll.h>

#include "file.h"

struct xen_lock sd_readiness_lock;

void sd_readiness_init(struct sd_readiness *readiness)
{
    xen_list_init(&readiness->watches);
}

void sd_readiness_watch(struct sd_readiness *readiness, struct sd_watch *watch)
{
    xen_platform_lock(&sd_readiness_lock);
    xen_list_insert(&readiness->watches, &watch->link);
    xen_platform_unlock(&sd_readiness_lock);
}

void sd_readiness_unwatch(struct sd_watch *watch)
{
    xen_platform_lock(&sd_readiness_lock);
    xen_list_remove(&watch->link);
    xen_platform_unlock(&sd_readiness_lock);
}

void sd_readiness_events_locked(struct sd_readiness *readiness, unsigned events)
{
    bool taken = false; /* by an exclusive watch */

    xen_list_each(at, &readiness->watches)
    {
        struct sd_watch *watch = xen_container_of(at, struct sd_watch, link);

        if (!(events & (watch->events | POLLERR | POLLHUP)) || (watch->exclusive && taken))
            continue;
        taken |= watch->changed(watch) && watch->exclusive;
    }
}

void sd_readiness_events(struct sd_readiness *readiness, unsigned events)
{
    xen_platform_lock(&sd_readiness_lock);
    sd_readiness_events_locked(readiness, events);
    xen_platform_unlock(&sd_readiness_lock);
}

void sd_readiness_changed(struct sd_readiness *readiness)
{
    sd_readiness_events(readiness, ~0u);
}

unsigned sd_file_ready(struct sd_file *file)
{
    unsigned ready = file->ops->ready ? file->ops->ready(file) : POLLIN | POLLOUT;

    if (ready & POLLIN)
        ready |= POLLRDNORM;
    if (ready & POLLOUT)
        ready |= POLLWRNORM;
    return ready;
}
