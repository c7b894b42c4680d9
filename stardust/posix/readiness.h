/*
 * Readiness: what poll, select and epoll wait for. An object that can be waited for holds one struct
 * sd_readiness for each side that a descriptor may show (a pipe has two), and tells when something may have
 * changed there. Private to stardust/posix and stardust/fs.
 */
#ifndef STARDUST_POSIX_READINESS_H
#define STARDUST_POSIX_READINESS_H

#include <xenlib/list.h>

struct sd_watch {
    struct xen_list link;
    /* Something may have changed. Any context, upcalls included: marks and wakes, nothing more. */
    void (*changed)(struct sd_watch *watch);
};

struct sd_readiness {
    struct xen_list watches; /* guarded by the module's lock */
};

#define SD_READINESS(name)                                                                                   \
    {                                                                                                        \
        {                                                                                                    \
            &(name).watches, &(name).watches                                                                 \
        }                                                                                                    \
    }

void sd_readiness_init(struct sd_readiness *readiness);

/* From here on and until it is removed, `watch` is told. Thread context. */
void sd_readiness_watch(struct sd_readiness *readiness, struct sd_watch *watch);
void sd_readiness_unwatch(struct sd_watch *watch);

/* Tells every watch. Any context; the object's own lock may be held. */
void sd_readiness_changed(struct sd_readiness *readiness);

#endif
