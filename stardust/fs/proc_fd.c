/*
 * /proc/self/fd: a directory that is what is open, and links that stand for the very files.
 */
#include "proc.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stardust/memory.h>
#include <xenlib/format.h>

#include "tmpfs.h"

struct proc_link {
    struct sd_node node;
    int fd; /* or PROC_CURRENT, PROC_ROOT */
};

static void free_node(struct sd_node *node)
{
    sd_free(node);
}

static struct sd_node *directory_of(int fd)
{
    return fd == PROC_CURRENT ? sd_fs_current() : sd_fs_root();
}

static int jump(const struct sd_node *node, struct sd_node **to, struct sd_file **file)
{
    int fd = ((const struct proc_link *)(const void *)node)->fd;
    struct sd_file *found;

    if (fd < 0) {
        *to = sd_node_get(directory_of(fd));
        return 0;
    }
    found = sd_fd_get(fd);
    if (!found)
        return -ENOENT;
    if (!found->node) {
        *file = found;
        return 0;
    }
    *to = sd_node_get(found->node);
    sd_file_put(found);
    return 0;
}

/* What a link says is for the eye, and for ttyname: it is followed by jump. */
static const char *describe(struct sd_file *file, char *text)
{
    struct stat status = {0};

    if (file->node) {
        if (sd_tmp_path_of(file->node, text, SD_PATH_MAX) < 0)
            xen_format(text, SD_PATH_MAX, "/ (deleted)");
        return text;
    }
    file->ops->stat(file, &status);
    if (file->ops == sd_console_file.ops)
        return "/dev/console";
    xen_format(text, SD_PATH_MAX, "%s:[%lu]",
               S_ISFIFO(status.st_mode)   ? "pipe"
               : S_ISSOCK(status.st_mode) ? "socket"
                                          : "anon_inode",
               (unsigned long)status.st_ino);
    return text;
}

static const char *target(const struct sd_node *node)
{
    static char text[SD_PATH_MAX]; /* read before anything else runs */
    int fd = ((const struct proc_link *)(const void *)node)->fd;
    struct sd_file *file;
    const char *found;

    text[0] = '\0';
    if (fd < 0)
        return sd_fs_path_of(directory_of(fd), text, sizeof(text)) < 0 ? "/ (deleted)" : text;
    file = sd_fd_get(fd);
    if (!file)
        return text;
    found = describe(file, text);
    sd_file_put(file);
    return found;
}

static const struct sd_node_ops link_ops = {.free = free_node, .target = target, .jump = jump};

struct sd_node *sd_proc_link(struct sd_mount *mount, int fd)
{
    struct sd_node *node = sd_calloc(1, sizeof(struct proc_link));

    if (!node)
        return NULL;
    sd_node_init(node, mount, &link_ops, S_IFLNK | 0777);
    node->links = 1;
    ((struct proc_link *)(void *)node)->fd = fd;
    return node;
}

static bool parse_fd(const char *name, size_t length, int *fd)
{
    *fd = 0;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9' || (i == 1 && name[0] == '0') || *fd >= SD_FD_MAX)
            return false;
        *fd = *fd * 10 + (name[i] - '0');
    }
    return true;
}

static int lookup(struct sd_node *directory, const char *name, size_t length, struct sd_node **found)
{
    int fd;

    if (!parse_fd(name, length, &fd) || sd_fd_next(fd) != fd)
        return -ENOENT;
    *found = sd_proc_link(directory->mount, fd);
    return *found ? 0 : -ENOMEM;
}

/* Offsets: 0 before ".", 1 before "..", 2 and a descriptor: before that one. */
static long fd_getdents(struct sd_file *file, void *buffer, size_t bytes)
{
    struct tmp_open *open = xen_container_of(file, struct tmp_open, file);
    struct sd_dirents out = {buffer, bytes, 0, 0};
    struct sd_node *above = file->node->ops->parent(file->node);
    char name[12];
    bool fits = true;

    if (!open->offset)
        fits = sd_dirent_put(&out, file->node, file->node->inode, ".", 1, ++open->offset) ||
               (open->offset--, false);
    if (fits && open->offset == 1)
        fits = sd_dirent_put(&out, above, above->inode, "..", 2, ++open->offset) || (open->offset--, false);
    while (fits) {
        const struct sd_node link = {.mode = S_IFLNK};
        int fd = sd_fd_next((int)open->offset - 2);

        if (fd < 0)
            break;
        fits = sd_dirent_put(&out, &link, (uint64_t)fd + 100, name, xen_format(name, sizeof(name), "%d", fd),
                             (uint64_t)fd + 3);
        if (fits)
            open->offset = (uint64_t)fd + 3;
    }
    if (out.done || out.error)
        return out.done ? (long)out.done : out.error;
    return fits ? 0 : -EINVAL;
}

static long fd_seek(struct sd_file *file, long offset, int whence)
{
    struct tmp_open *open = xen_container_of(file, struct tmp_open, file);
    long to = whence == SEEK_END ? -EINVAL : sd_tmp_place(open->offset, 0, offset, whence);

    if (to > SD_FD_MAX + 2)
        return -EINVAL;
    if (to >= 0)
        open->offset = (uint64_t)to;
    return to;
}

static const struct sd_file_ops fd_ops = {
    .lseek = fd_seek, .getdents = fd_getdents, .stat = sd_tmp_stat, .close = sd_tmp_close};

static int open_fd(struct sd_node *node, int flags, struct sd_file **file)
{
    struct tmp_open *open = sd_tmp_open(node, flags, &fd_ops);

    if (!open)
        return -ENOMEM;
    *file = &open->file;
    return 0;
}

struct sd_node *sd_proc_fd(struct sd_mount *mount)
{
    static struct sd_node_ops ops;
    struct sd_node *node = sd_tmp_directory(mount, 0500);

    /* As any directory of /proc, but for what is in it. */
    ops = sd_tmp_fixed_ops;
    ops.open = open_fd;
    ops.lookup = lookup;
    if (node)
        node->ops = &ops;
    return node;
}
