#include "readiness.h"

#include <xenlib/platform.h>

static struct xen_lock lock; /* guards every list of watches */

void sd_readiness_init(struct sd_readiness *readiness)
{
    xen_list_init(&readiness->watches);
}

void sd_readiness_watch(struct sd_readiness *readiness, struct sd_watch *watch)
{
    xen_platform_lock(&lock);
    xen_list_insert(&readiness->watches, &watch->link);
    xen_platform_unlock(&lock);
}

void sd_readiness_unwatch(struct sd_watch *watch)
{
    xen_platform_lock(&lock);
    xen_list_remove(&watch->link);
    xen_platform_unlock(&lock);
}

void sd_readiness_changed(struct sd_readiness *readiness)
{
    xen_platform_lock(&lock);
    for (struct xen_list *at = readiness->watches.next; at != &readiness->watches; at = at->next) {
        struct sd_watch *watch = xen_container_of(at, struct sd_watch, link);

        watch->changed(watch);
    }
    xen_platform_unlock(&lock);
}
