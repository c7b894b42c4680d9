/*
 * An epoll set: items with a watch each, which put themselves on the list of those to look at when something
 * may have changed. Waiting looks at that list and nothing else. Private to stardust/posix. Thread context.
 *
 * Items and their files belong to no lock: nothing here waits between looking one up and being done with it,
 * and a service is not preempted.
 */
#ifndef STARDUST_POSIX_EPOLL_SET_H
#define STARDUST_POSIX_EPOLL_SET_H

#include <sys/epoll.h>

#include "file.h"
#include "readiness.h"

struct sd_epoll {
    struct sd_file file;
    struct xen_list items;
    struct xen_list changed; /* items to look at, the oldest first; guarded by sd_readiness_lock */
    struct xen_waitq queue;
    unsigned waiters; /* guarded by sd_readiness_lock */
    struct sd_readiness readiness;
};

struct sd_epoll_item {
    struct sd_watch watch; /* its events are those that are wanted now, POLLERR and POLLHUP among them */
    struct sd_epoll *set;
    struct xen_list link;       /* in set->items */
    struct xen_list changed;    /* in set->changed, or in none */
    struct sd_epoll_item *next; /* of the same file */
    struct sd_file *file;
    int fd;
    struct epoll_event event; /* as the program gave it */
};

/* NULL when there is no memory. */
struct sd_epoll *sd_epoll_new(void);

/* The set that a file is; NULL when it is none. */
struct sd_epoll *sd_epoll_of(struct sd_file *file);

/* The item of that file by that descriptor; NULL. */
struct sd_epoll_item *sd_epoll_find(const struct sd_epoll *set, const struct sd_file *file, int fd);

/* 0, -ENOMEM, -ELOOP when sets would contain each other or nest too deeply. */
int sd_epoll_add(struct sd_epoll *set, struct sd_file *file, int fd,
                 const struct epoll_event *event) xen_must_check;
void sd_epoll_modify(struct sd_epoll_item *item, const struct epoll_event *event);
void sd_epoll_remove(struct sd_epoll_item *item);

/* Gives the program what is ready now, at most `count`. How many, -EFAULT. */
long sd_epoll_collect(struct sd_epoll *set, struct epoll_event *events, int count);

/* Waits until there is something to look at. 0, -ETIMEDOUT, -EINTR. */
int sd_epoll_sleep(struct sd_epoll *set, uint64_t deadline) xen_must_check;

#endif
