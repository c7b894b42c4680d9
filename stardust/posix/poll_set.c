#include "poll_set.h"

#include <errno.h>
#include <poll.h>

#include <stardust/memory.h>
#include <stardust/timer.h>
#include <xenlib/time.h>

#include "file.h"
#include "wait.h"

void sd_poll_begin(struct sd_poll_set *set)
{
    set->first = (struct sd_poll_part){.room = SD_POLL_FIRST, .entries = set->entries};
    set->last = &set->first;
    xen_waitq_init(&set->queue);
}

static bool on_change(struct sd_watch *watch)
{
    struct sd_poll_set *set = xen_container_of(watch, struct sd_poll_entry, watch)->set;

    set->changed = true;
    xen_platform_wake(&set->queue);
    return true;
}

static struct sd_poll_part *more(struct sd_poll_set *set)
{
    struct sd_poll_part *part = sd_alloc(sizeof(*part) + SD_POLL_MORE * sizeof(struct sd_poll_entry));

    if (!part)
        return NULL;
    *part = (struct sd_poll_part){.room = SD_POLL_MORE, .entries = (struct sd_poll_entry *)(part + 1)};
    set->last->next = part;
    set->last = part;
    return part;
}

int sd_poll_add(struct sd_poll_set *set, int fd, unsigned events)
{
    struct sd_poll_part *part = set->last;
    struct sd_poll_entry *entry;

    if (part->count == part->room)
        part = more(set);
    if (!part)
        return -ENOMEM;
    entry = &part->entries[part->count++];
    *entry = (struct sd_poll_entry){
        .watch = {.events = events, .changed = on_change}, .set = set, .fd = fd, .events = events};
    xen_list_init(&entry->watch.link);
    entry->file = sd_fd_get(fd);
    if (!entry->file && fd >= 0)
        entry->ready = POLLNVAL;
    return 0;
}

/* How many are ready now. */
static long look(struct sd_poll_set *set)
{
    long count = 0;

    sd_poll_each(entry, set)
    {
        if (entry->file)
            entry->ready = sd_file_ready(entry->file) & (entry->events | POLLERR | POLLHUP);
        count += entry->ready != 0;
    }
    return count;
}

static void watch_all(struct sd_poll_set *set)
{
    sd_poll_each(entry, set)
    {
        if (entry->file && entry->file->ops->ready)
            sd_readiness_watch(entry->file->ops->readiness(entry->file), &entry->watch);
    }
}

/* Sleeps until a file changes. 0, -ETIMEDOUT, -EINTR. */
static int sleep(struct sd_poll_set *set, uint64_t deadline)
{
    int error = 0;

    xen_platform_lock(&sd_readiness_lock);
    while (!set->changed && !error)
        error = sd_wait(&set->queue, &sd_readiness_lock, deadline);
    set->changed = false;
    xen_platform_unlock(&sd_readiness_lock);
    return error == -SD_RESTART ? -EINTR : error;
}

long sd_poll_wait(struct sd_poll_set *set, uint64_t deadline)
{
    long count = look(set);
    int error = 0;

    if (count || !deadline)
        return count;
    set->changed = false;
    watch_all(set);
    while (!(count = look(set)) && !error)
        error = sleep(set, deadline);
    return count || error == -ETIMEDOUT ? count : error;
}

void sd_poll_end(struct sd_poll_set *set)
{
    struct sd_poll_part *next;

    sd_poll_each(entry, set)
    {
        sd_readiness_unwatch(&entry->watch);
        if (entry->file)
            sd_file_put(entry->file);
    }
    for (struct sd_poll_part *part = set->first.next; part; part = next) {
        next = part->next;
        sd_free(part);
    }
}

uint64_t sd_poll_deadline(long ms)
{
    if (ms < 0)
        return XEN_FOREVER;
    return ms ? xen_time_now() + (uint64_t)ms * SD_MS : 0;
}
