#include "epoll_set.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <stardust/memory.h>

#include "anonymous.h"
#include "copy.h"
#include "epoll.h"
#include "wait.h"

/* Sets in sets, as many as on Linux. */
#define NESTED_MAX 4

/* Bits of `events` that are no events. */
#define MANNERS (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

/* sd_readiness_lock is held. Returns whether a thread waited. */
static bool mark(struct sd_epoll_item *item)
{
    struct sd_epoll *set = item->set;

    if (xen_list_is_empty(&item->changed))
        xen_list_insert(&set->changed, &item->changed);
    xen_platform_wake(&set->queue);
    sd_readiness_events_locked(&set->readiness, POLLIN);
    return set->waiters > 0;
}

static bool on_change(struct sd_watch *watch)
{
    struct sd_epoll_item *item = xen_container_of(watch, struct sd_epoll_item, watch);

    /* After its one shot it wants nothing, not even errors. */
    return item->watch.events && mark(item);
}

/* The first item to look at, taken from the list; NULL. */
static struct sd_epoll_item *take(struct sd_epoll *set)
{
    struct sd_epoll_item *item = NULL;

    xen_platform_lock(&sd_readiness_lock);
    if (!xen_list_is_empty(&set->changed)) {
        item = xen_container_of(set->changed.next, struct sd_epoll_item, changed);
        xen_list_remove(&item->changed);
    }
    xen_platform_unlock(&sd_readiness_lock);
    return item;
}

/* Puts it back before `place`, if it has not come back by itself. */
static void put_back(struct sd_epoll_item *item, struct xen_list *place)
{
    xen_platform_lock(&sd_readiness_lock);
    if (xen_list_is_empty(&item->changed))
        xen_list_insert(place, &item->changed);
    xen_platform_unlock(&sd_readiness_lock);
}

static unsigned ready_now(const struct sd_epoll_item *item)
{
    return item->watch.events ? sd_file_ready(item->file) & item->watch.events : 0;
}

/* An item that is ready goes back to where it was; those before it, which are not, are off the list. */
static unsigned set_ready(struct sd_file *file)
{
    struct sd_epoll *set = sd_epoll_of(file);
    struct sd_epoll_item *item;

    while ((item = take(set))) {
        if (ready_now(item)) {
            put_back(item, set->changed.next);
            return POLLIN;
        }
    }
    return 0;
}

static struct sd_readiness *set_readiness(struct sd_file *file)
{
    return &sd_epoll_of(file)->readiness;
}

static void set_close(struct sd_file *file)
{
    struct sd_epoll *set = sd_epoll_of(file);

    xen_list_each(at, &set->items) sd_epoll_remove(xen_container_of(at, struct sd_epoll_item, link));
    sd_free(set);
}

static const struct sd_file_ops ops = {
    .stat = sd_anonymous_stat,
    .ready = set_ready,
    .readiness = set_readiness,
    .close = set_close,
};

struct sd_epoll *sd_epoll_new(void)
{
    struct sd_epoll *set = sd_calloc(1, sizeof(*set));

    if (!set)
        return NULL;
    set->file = (struct sd_file){.ops = &ops, .references = 1, .flags = O_RDWR};
    xen_list_init(&set->items);
    xen_list_init(&set->changed);
    xen_waitq_init(&set->queue);
    sd_readiness_init(&set->readiness);
    return set;
}

struct sd_epoll *sd_epoll_of(struct sd_file *file)
{
    return file->ops == &ops ? xen_container_of(file, struct sd_epoll, file) : NULL;
}

struct sd_epoll_item *sd_epoll_find(const struct sd_epoll *set, const struct sd_file *file, int fd)
{
    struct sd_epoll_item *item = file->watched;

    while (item && (item->set != set || item->fd != fd))
        item = item->next;
    return item;
}

/* How deep sets are nested in this one, itself included; more than NESTED_MAX when `stop` is among them. */
static int depth_below(struct sd_epoll *set, const struct sd_epoll *stop, int limit)
{
    int deepest = 0;

    if (set == stop || limit < 0)
        return NESTED_MAX + 1;
    xen_list_each(at, &set->items)
    {
        struct sd_epoll *inner = sd_epoll_of(xen_container_of(at, struct sd_epoll_item, link)->file);
        int depth = inner ? depth_below(inner, stop, limit - 1) : 0;

        if (depth > deepest)
            deepest = depth;
    }
    return deepest + 1;
}

/* How many sets contain this one, one in the other. */
static int depth_above(const struct sd_epoll *set)
{
    int deepest = 0;

    for (const struct sd_epoll_item *item = set->file.watched; item; item = item->next) {
        int depth = depth_above(item->set) + 1;

        if (depth > deepest)
            deepest = depth;
    }
    return deepest;
}

/* Looks at it soon, if it is ready; what happens from now on comes by its watch. */
static void look_at(struct sd_epoll_item *item)
{
    if (!ready_now(item))
        return;
    xen_platform_lock(&sd_readiness_lock);
    mark(item);
    xen_platform_unlock(&sd_readiness_lock);
}

static void set_event(struct sd_epoll_item *item, const struct epoll_event *event)
{
    item->event = *event;
    item->watch.events = (event->events & ~(unsigned)MANNERS) | POLLERR | POLLHUP;
    item->watch.exclusive = event->events & EPOLLEXCLUSIVE;
}

int sd_epoll_add(struct sd_epoll *set, struct sd_file *file, int fd, const struct epoll_event *event)
{
    struct sd_epoll *inner = sd_epoll_of(file);
    struct sd_epoll_item *item;

    if (inner && depth_below(inner, set, NESTED_MAX) + depth_above(set) > NESTED_MAX)
        return -ELOOP;
    item = sd_calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    item->watch.changed = on_change;
    item->set = set;
    item->file = file;
    item->fd = fd;
    xen_list_init(&item->changed);
    xen_list_insert(&set->items, &item->link);
    item->next = file->watched;
    file->watched = item;
    set_event(item, event);
    sd_readiness_watch(file->ops->readiness(file), &item->watch);
    look_at(item);
    return 0;
}

void sd_epoll_modify(struct sd_epoll_item *item, const struct epoll_event *event)
{
    set_event(item, event);
    look_at(item);
}

void sd_epoll_remove(struct sd_epoll_item *item)
{
    struct sd_epoll_item **at = &item->file->watched;

    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
    xen_platform_lock(&sd_readiness_lock);
    xen_list_remove(&item->watch.link);
    xen_list_remove(&item->changed);
    xen_platform_unlock(&sd_readiness_lock);
    xen_list_remove(&item->link);
    sd_free(item);
}

void sd_epoll_forget(struct sd_file *file)
{
    while (file->watched)
        sd_epoll_remove(file->watched);
}

/* Puts what stays ready behind what nobody has looked at yet, so that each has its turn. */
static void put_back_all(struct sd_epoll *set, struct xen_list *stay)
{
    xen_platform_lock(&sd_readiness_lock);
    while (!xen_list_is_empty(stay)) {
        struct xen_list *first = stay->next;

        xen_list_remove(first);
        xen_list_insert(&set->changed, first);
    }
    xen_platform_unlock(&sd_readiness_lock);
}

long sd_epoll_collect(struct sd_epoll *set, struct epoll_event *events, int count)
{
    struct xen_list stay = XEN_LIST_INIT(stay);
    struct sd_epoll_item *item;
    long done = 0;

    while (done < count && (item = take(set))) {
        struct epoll_event event = {.events = ready_now(item), .data = item->event.data};

        if (!event.events)
            continue;
        if (sd_copy_out(events + done, &event, sizeof(event))) {
            put_back(item, set->changed.next);
            done = done ? done : -EFAULT;
            break;
        }
        done++;
        if (item->event.events & EPOLLONESHOT)
            item->watch.events = 0;
        else if (!(item->event.events & EPOLLET))
            put_back(item, &stay);
    }
    put_back_all(set, &stay);
    return done;
}

int sd_epoll_sleep(struct sd_epoll *set, uint64_t deadline)
{
    int error = 0;

    xen_platform_lock(&sd_readiness_lock);
    set->waiters++;
    while (xen_list_is_empty(&set->changed) && !error)
        error = sd_wait(&set->queue, &sd_readiness_lock, deadline);
    set->waiters--;
    xen_platform_unlock(&sd_readiness_lock);
    return error == -SD_RESTART ? -EINTR : error;
}
