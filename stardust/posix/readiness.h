/*
 * Readiness: what poll, select and epoll wait for. An object that can be waited for holds one struct
 * sd_readiness for each side that a descriptor may show, and tells when something may have changed there.
 * Private to stardust/posix and stardust/fs.
 */
#ifndef STARDUST_POSIX_READINESS_H
#define STARDUST_POSIX_READINESS_H

#include <xenlib/list.h>
#include <xenlib/platform.h>

struct sd_file;

struct sd_watch {
    struct xen_list link;
    unsigned events; /* POLL*: what it is told of. POLLERR and POLLHUP are told to all */
    bool exclusive;  /* EPOLLEXCLUSIVE: of all such watches one that woke somebody is enough */
    /*
     * Something of `events` may have changed. Any context, upcalls included, with sd_readiness_lock held:
     * marks and wakes, nothing more. Returns whether a thread was there to be woken.
     */
    bool (*changed)(struct sd_watch *watch);
};

struct sd_readiness {
    struct xen_list watches; /* guarded by sd_readiness_lock */
};

#define SD_READINESS(name)                                                                                   \
    {                                                                                                        \
        {                                                                                                    \
            &(name).watches, &(name).watches                                                                 \
        }                                                                                                    \
    }

/* Guards every list of watches, and what watches mark. Taken while the object's own lock may be held. */
extern struct xen_lock sd_readiness_lock;

void sd_readiness_init(struct sd_readiness *readiness);

/* From here on and until it is removed, `watch` is told. Thread context. */
void sd_readiness_watch(struct sd_readiness *readiness, struct sd_watch *watch);
void sd_readiness_unwatch(struct sd_watch *watch);

/* Tells every watch, or those that `events` (POLL*) are of interest to. Any context; the object's own lock
 * may be held. */
void sd_readiness_changed(struct sd_readiness *readiness);
void sd_readiness_events(struct sd_readiness *readiness, unsigned events);

/* The same for a caller that holds sd_readiness_lock: a watch that is itself watched. */
void sd_readiness_events_locked(struct sd_readiness *readiness, unsigned events);

/* What holds for the file now, POLLRDNORM and POLLWRNORM included. Thread context. */
unsigned sd_file_ready(struct sd_file *file);

#endif
