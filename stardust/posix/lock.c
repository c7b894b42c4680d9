#define _GNU_SOURCE
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <stardust/memory.h>

#include "../fs/fs.h"
#include "copy.h"
#include "file.h"
#include "sys.h"
#include "wait.h"

/* In the list of its node, in no order. */
struct sd_file_lock {
    struct sd_file_lock *next;
    const struct sd_file *owner;
    uint64_t start, end;   /* `end` is the last byte */
    bool exclusive, whole; /* `whole`: of flock */
};

static struct xen_waitq released = {{&released.waiters, &released.waiters}};
static struct xen_lock released_lock;

static bool concerns(const struct sd_file_lock *lock, const struct sd_file_lock *other)
{
    return lock->whole == other->whole && lock->start <= other->end && other->start <= lock->end;
}

static const struct sd_file_lock *find_conflict(const struct sd_node *node, const struct sd_file_lock *wanted)
{
    const struct sd_file_lock *lock = node->locks;

    while (lock && (!concerns(lock, wanted) || lock->owner == wanted->owner ||
                    !(lock->exclusive || wanted->exclusive)))
        lock = lock->next;
    return lock;
}

/* Makes the range free of the owner's locks; `spare` becomes what is left behind the range, if that is cut
 * out of the middle of one. Whether it was needed. */
static bool cut(struct sd_node *node, const struct sd_file_lock *range, struct sd_file_lock *spare)
{
    struct sd_file_lock **at = &node->locks, *lock;
    bool used = false;

    while ((lock = *at)) {
        bool before = lock->start<range->start, behind = lock->end> range->end;

        if (lock->owner != range->owner || !concerns(lock, range)) {
            at = &lock->next;
        } else if (!before && !behind) {
            *at = lock->next;
            sd_free(lock);
        } else {
            if (before && behind) {
                *spare = *lock;
                spare->start = range->end + 1;
                lock->next = spare;
                used = true;
            }
            if (before)
                lock->end = range->start - 1;
            else
                lock->start = range->end + 1;
            at = &lock->next;
        }
    }
    return used;
}

/* Takes the lock, or gives it back. -EAGAIN when somebody else has it. */
static int set(struct sd_node *node, const struct sd_file_lock *wanted, bool unlock)
{
    struct sd_file_lock *added, *spare;

    if (!unlock && find_conflict(node, wanted))
        return -EAGAIN;
    added = sd_alloc(sizeof(*added));
    spare = sd_alloc(sizeof(*spare));
    if (!added || !spare) {
        sd_free(added);
        sd_free(spare);
        return -ENOLCK;
    }
    if (!cut(node, wanted, spare))
        sd_free(spare);
    if (unlock) {
        sd_free(added);
    } else {
        *added = *wanted;
        added->next = node->locks;
        node->locks = added;
    }
    xen_platform_wake(&released);
    return 0;
}

static int set_or_wait(struct sd_node *node, const struct sd_file_lock *wanted, bool unlock, bool wait)
{
    int error;

    xen_platform_lock(&released_lock);
    for (;;) {
        error = set(node, wanted, unlock);
        if (error != -EAGAIN || !wait)
            break;
        error = sd_wait(&released, &released_lock, XEN_FOREVER);
        if (error)
            break;
    }
    xen_platform_unlock(&released_lock);
    return error;
}

void sd_lock_release(struct sd_file *file)
{
    struct sd_file_lock **at = &file->node->locks, *lock;

    while ((lock = *at)) {
        if (lock->owner != file) {
            at = &lock->next;
            continue;
        }
        *at = lock->next;
        sd_free(lock);
    }
    xen_platform_wake(&released);
}

/* The range that the program means, first and last byte. */
static int range_of(struct sd_file *file, const struct flock *lock, uint64_t *start, uint64_t *end)
{
    long base = 0, first, last = INT64_MAX;

    if (lock->l_whence == SEEK_CUR)
        base = file->ops->lseek ? file->ops->lseek(file, 0, SEEK_CUR) : 0;
    else if (lock->l_whence == SEEK_END)
        base = file->node ? (long)file->node->size : 0;
    else if (lock->l_whence != SEEK_SET)
        return -EINVAL;
    if (__builtin_add_overflow(base, lock->l_start, &first))
        return -EOVERFLOW;
    if (first < 0)
        return -EINVAL;
    if (lock->l_len > 0 && __builtin_add_overflow(first, lock->l_len - 1, &last))
        return -EOVERFLOW;
    if (lock->l_len < 0) {
        last = first - 1;
        first += lock->l_len;
        if (first < 0)
            return -EINVAL;
    }
    *start = (uint64_t)first;
    *end = (uint64_t)last;
    return 0;
}

static int check_type(const struct sd_file *file, const struct flock *lock, bool get)
{
    int mode = file->flags & 3;

    if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK && (get || lock->l_type != F_UNLCK))
        return -EINVAL;
    if (get)
        return 0;
    if ((lock->l_type == F_RDLCK && mode == O_WRONLY) || (lock->l_type == F_WRLCK && mode == O_RDONLY))
        return -EBADF;
    return 0;
}

static void tell(struct flock *lock, const struct sd_file_lock *found)
{
    if (!found) {
        lock->l_type = F_UNLCK;
        return;
    }
    lock->l_type = found->exclusive ? F_WRLCK : F_RDLCK;
    lock->l_whence = SEEK_SET;
    lock->l_start = (off_t)found->start;
    lock->l_len = found->end == INT64_MAX ? 0 : (off_t)(found->end - found->start + 1);
    lock->l_pid = -1;
}

long sd_lock_control(struct sd_file *file, int command, struct flock *lock)
{
    bool get = command == F_GETLK || command == F_OFD_GETLK;
    bool of_file = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
    struct sd_file_lock wanted = {.owner = file};
    struct flock asked;
    int error;

    if (sd_copy_in(&asked, lock, sizeof(asked)))
        return -EFAULT;
    error = check_type(file, &asked, get);
    if (!error)
        error = range_of(file, &asked, &wanted.start, &wanted.end);
    if (!error && of_file && asked.l_pid)
        error = -EINVAL;
    if (error)
        return error;
    wanted.exclusive = asked.l_type == F_WRLCK;
    if (get) {
        tell(&asked, of_file && file->node ? find_conflict(file->node, &wanted) : NULL);
        return sd_copy_out(lock, &asked, sizeof(asked));
    }
    if (!of_file || !file->node)
        return 0;
    return set_or_wait(file->node, &wanted, asked.l_type == F_UNLCK, command == F_OFD_SETLKW);
}

static int lock_whole(struct sd_file *file, int operation)
{
    struct sd_file_lock wanted = {.owner = file, .end = INT64_MAX, .whole = true};

    wanted.exclusive = (operation & ~LOCK_NB) == LOCK_EX;
    switch (operation & ~LOCK_NB) {
    case LOCK_SH:
    case LOCK_EX:
    case LOCK_UN:
        break;
    default:
        return -EINVAL;
    }
    if (file->flags & O_PATH)
        return -EBADF;
    if (!file->node)
        return 0;
    return set_or_wait(file->node, &wanted, (operation & ~LOCK_NB) == LOCK_UN, !(operation & LOCK_NB));
}

long sd_sys_flock(int fd, int operation)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    result = lock_whole(file, operation);
    sd_file_put(file);
    return result;
}
