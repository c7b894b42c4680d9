/*
 * Files that one call waits for: what poll and select have in common. Private to stardust/posix. Thread
 * context.
 */
#ifndef STARDUST_POSIX_POLL_SET_H
#define STARDUST_POSIX_POLL_SET_H

#include "readiness.h"

struct sd_poll_set;

struct sd_poll_entry {
    struct sd_watch watch;
    struct sd_poll_set *set;
    struct sd_file *file; /* with a reference; NULL when there is none */
    int fd;
    unsigned events; /* POLL*, as asked */
    unsigned ready;  /* as found; POLLNVAL when the descriptor is none */
};

/* As many as most calls have are in the set itself, on the caller's stack; others come in further parts. */
#define SD_POLL_FIRST 4
#define SD_POLL_MORE  60

struct sd_poll_part {
    struct sd_poll_part *next;
    unsigned count, room;
    struct sd_poll_entry *entries;
};

struct sd_poll_set {
    struct sd_poll_part first, *last;
    struct xen_waitq queue;
    bool changed; /* guarded by sd_readiness_lock */
    struct sd_poll_entry entries[SD_POLL_FIRST];
};

void sd_poll_begin(struct sd_poll_set *set);

/* Adds a descriptor; one that is no file's becomes an entry with POLLNVAL. A negative one's is never ready.
 * 0 or -ENOMEM. */
int sd_poll_add(struct sd_poll_set *set, int fd, unsigned events) xen_must_check;

/* Waits until one is ready. How many are; 0 at `deadline`, which is 0 for not waiting at all; -EINTR. */
long sd_poll_wait(struct sd_poll_set *set, uint64_t deadline) xen_must_check;

/* Gives everything back. */
void sd_poll_end(struct sd_poll_set *set);

/* For each entry in the order in which they were added. */
#define sd_poll_each(entry, set)                                                                             \
    for (struct sd_poll_part *part = &(set)->first; part; part = part->next)                                 \
        for (struct sd_poll_entry *entry = part->entries; entry < part->entries + part->count; entry++)

/* A time-out in ms as a deadline for sd_poll_wait: negative is for ever. */
uint64_t sd_poll_deadline(long ms);

#endif
