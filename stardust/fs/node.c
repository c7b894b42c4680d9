#include "fs.h"

#include <sys/stat.h>
#include <sys/statfs.h>

#include <stardust/memory.h>
#include <xenlib/time.h>

#include "../posix/vm_pages.h"

/* Pages that files leave to the program and the kernel: so many, and this part of all. */
#define KEPT_BACK      32
#define KEPT_BACK_PART 32

void sd_node_put(struct sd_node *node)
{
    if (node && !--node->references)
        node->ops->free(node);
}

struct timespec sd_fs_now(void)
{
    struct xen_wall_time wall = xen_time_wall();

    return (struct timespec){.tv_sec = (time_t)wall.seconds, .tv_nsec = wall.nanoseconds};
}

void sd_node_init(struct sd_node *node, struct sd_mount *mount, const struct sd_node_ops *ops, unsigned mode)
{
    node->ops = ops;
    node->mount = mount;
    node->references = 1;
    node->mode = mode;
    node->inode = ++mount->inodes;
    node->born = node->accessed = node->modified = node->changed = sd_fs_now();
}

static bool is_later(const struct timespec *one, const struct timespec *other)
{
    return one->tv_sec != other->tv_sec ? one->tv_sec > other->tv_sec : one->tv_nsec > other->tv_nsec;
}

/* As Linux does unless told otherwise (relatime): noted once after each change. */
void sd_node_accessed(struct sd_node *node)
{
    if (!is_later(&node->accessed, &node->modified) || !is_later(&node->accessed, &node->changed))
        node->accessed = sd_fs_now();
}

void sd_node_modified(struct sd_node *node)
{
    node->modified = node->changed = sd_fs_now();
}

void sd_node_changed(struct sd_node *node)
{
    node->changed = sd_fs_now();
}

void sd_node_stat(const struct sd_node *node, struct stat *status)
{
    status->st_dev = node->mount->device;
    status->st_ino = node->inode;
    status->st_mode = node->mode;
    status->st_nlink = node->links;
    status->st_uid = node->user;
    status->st_gid = node->group;
    status->st_rdev = node->device;
    status->st_size = (off_t)node->size;
    status->st_blksize = (blksize_t)XEN_PAGE_SIZE;
    status->st_blocks = node->ops->blocks ? (blkcnt_t)node->ops->blocks(node) : 0;
    status->st_atim = node->accessed;
    status->st_mtim = node->modified;
    status->st_ctim = node->changed;
}

static size_t kept_back(const struct sd_memory_stats *stats)
{
    return KEPT_BACK + stats->pages_total / KEPT_BACK_PART + sd_vm_kept_for_stacks() + sd_pages_kept();
}

bool sd_fs_has_room(size_t pages)
{
    struct sd_memory_stats stats;

    sd_memory_stats(&stats);
    return stats.pages_free >= pages + kept_back(&stats);
}

void sd_node_statfs(const struct sd_node *node, struct statfs *status)
{
    struct sd_memory_stats stats;
    size_t kept, left;

    sd_memory_stats(&stats);
    kept = kept_back(&stats);
    left = stats.pages_free > kept ? stats.pages_free - kept : 0;
    status->f_type = (unsigned long)node->mount->type->magic;
    status->f_bsize = status->f_frsize = XEN_PAGE_SIZE;
    status->f_namelen = SD_NAME_MAX;
    status->f_fsid.__val[0] = (int)node->mount->device;
    if (node->mount->type == &sd_procfs)
        return;
    status->f_blocks = stats.pages_total;
    status->f_bfree = status->f_bavail = left;
    /* A file takes two pages at least, with what belongs to it. */
    status->f_files = stats.pages_total / 2;
    status->f_ffree = left / 2;
}
