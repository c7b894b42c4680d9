/*
 * Watches. Each has a number of its own, which is its token; an event for a number that no watch has any more
 * is dropped. A new connection knows no watch: they are set up again one after another, by whoever pumps.
 */
#include "store_internal.h"

#include <errno.h>
#include <string.h>

#include <xenlib/format.h>
#include <xenlib/time.h>

static struct store_monitor *const store = &xen_store_monitor;

static struct xen_store_watch *watch_of(struct xen_list *item)
{
    return xen_container_of(item, struct xen_store_watch, link);
}

void xen_store_fire(uint32_t id)
{
    xen_list_each(item, &store->watches)
    {
        if (watch_of(item)->id == id) {
            watch_of(item)->fired = true;
            store->wake = true;
        }
    }
}

/* ---- on a new connection ---- */

void xen_store_forget_set(void)
{
    xen_list_each(item, &store->watches) watch_of(item)->set = false;
}

static size_t write_token(char token[STORE_TEXT_MAX], uint32_t id)
{
    return xen_format(token, STORE_TEXT_MAX, "%u", id) + 1;
}

static struct xen_store_watch *first_unset(void)
{
    xen_list_each(item, &store->watches)
    {
        if (!watch_of(item)->set)
            return watch_of(item);
    }
    return NULL;
}

/* A watch that is not `set` any more belongs to yet another connection, and comes again. */
static void end_restoring(void)
{
    struct xen_store_watch *watch = store->restoring;
    int error = store->restore.error;

    store->restoring = NULL;
    if (!error || error == -EEXIST || !watch->set)
        return;
    xen_platform_log(XEN_LOG_WARN, "xenstore: watch on %s is lost: error %d", watch->path, -error);
    watch->fired = true; /* its owner looks once more, and meets the error itself */
    store->wake = true;
}

void xen_store_restore_watches(void)
{
    struct xen_store_watch *watch;

    if (store->restoring && store->restore.done)
        end_restoring();
    if (store->restoring)
        return;
    watch = first_unset();
    if (!watch)
        return;
    watch->set = true;
    store->restoring = watch;
    store->restore_parts[0] = (struct store_part){watch->path, strlen(watch->path) + 1};
    store->restore_parts[1] =
        (struct store_part){store->restore_token, write_token(store->restore_token, watch->id)};
    store->restore = (struct store_request){.type = XS_WATCH, .parts = store->restore_parts, .part_count = 2};
    xen_store_submit(&store->restore);
}

/* ---- one watch ---- */

/* With the lock held: the module has no pointer to the watch, nor to its path, any more. */
static void detach(struct xen_store_watch *watch)
{
    while (store->restoring == watch && !store->restore.done) {
        (void)xen_platform_wait(&store->changed, &store->lock, XEN_FOREVER);
        xen_store_pump();
    }
    if (store->restoring == watch)
        store->restoring = NULL;
    xen_list_remove(&watch->link);
}

static bool id_is_taken(uint32_t id)
{
    xen_list_each(item, &store->watches)
    {
        if (watch_of(item)->id == id)
            return true;
    }
    return false;
}

static int ask(uint32_t type, const struct xen_store_watch *watch)
{
    char token[STORE_TEXT_MAX];
    size_t token_length = write_token(token, watch->id);
    struct store_part parts[] = {{watch->path, strlen(watch->path) + 1}, {token, token_length}};
    struct store_request request = {.type = type, .parts = parts, .part_count = 2};

    return xen_store_call_for_ok(&request);
}

/* It is in the list before it is asked for: its first event may come with the answer. */
int xen_store_watch(struct xen_store_watch *watch, const char *path)
{
    int error = xen_store_check_path(path);

    xen_list_init(&watch->link);
    if (error)
        return error;
    xen_platform_lock(&store->lock);
    if (store->state == STORE_DOWN) {
        xen_platform_unlock(&store->lock);
        return -EIO;
    }
    watch->path = path;
    watch->fired = false;
    watch->set = true;
    do
        watch->id = ++store->last_watch;
    while (id_is_taken(watch->id));
    xen_list_insert(&store->watches, &watch->link);
    xen_platform_unlock(&store->lock);

    /* It exists already if a new connection began meanwhile and it was set up with all the others. */
    error = ask(XS_WATCH, watch);
    if (!error || error == -EEXIST)
        return 0;
    xen_platform_lock(&store->lock);
    detach(watch);
    xen_platform_unlock(&store->lock);
    return error;
}

void xen_store_unwatch(struct xen_store_watch *watch)
{
    bool up;

    xen_platform_lock(&store->lock);
    detach(watch);
    up = store->state == STORE_UP && watch->set;
    xen_platform_unlock(&store->lock);
    /* If it fails, events may still come, and are dropped. */
    if (up)
        (void)!ask(XS_UNWATCH, watch);
}

void xen_store_watch_fire(struct xen_store_watch *watch)
{
    xen_platform_lock(&store->lock);
    watch->fired = true;
    xen_platform_unlock(&store->lock);
    xen_platform_wake(&store->changed);
}

/* ---- waiting ---- */

static bool take_fired(struct xen_store_watch *const *watches, size_t count, size_t *which)
{
    for (size_t i = 0; i < count; i++) {
        if (watches[i]->fired) {
            watches[i]->fired = false;
            *which = i;
            return true;
        }
    }
    return false;
}

static int wait_any(struct xen_store_watch *const *watches, size_t count, uint64_t deadline, size_t *which)
{
    int late = 0;

    for (;;) {
        int error = xen_store_await_connection(deadline);

        if (take_fired(watches, count, which))
            return 0;
        if (error || late)
            return error ? error : late;
        late = xen_platform_wait(&store->changed, &store->lock, deadline);
    }
}

int xen_store_watch_wait_any(struct xen_store_watch *const *watches, size_t count, uint64_t deadline,
                             size_t *which)
{
    int error;

    xen_platform_lock(&store->lock);
    error = wait_any(watches, count, deadline, which);
    xen_platform_unlock(&store->lock);
    return error;
}

int xen_store_watch_wait(struct xen_store_watch *watch, uint64_t deadline)
{
    size_t which;

    return xen_store_watch_wait_any(&watch, 1, deadline, &which);
}
