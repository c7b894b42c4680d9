/*
 * Character devices, by Linux's numbers (Documentation/admin-guide/devices.txt), and the file system that has
 * them under /dev.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <stardust/memory.h>

#include "../posix/copy.h"
#include "../posix/file.h"
#include "../posix/sys.h"
#include "tmpfs.h"

static long null_read(struct sd_file *file, void *buffer, size_t bytes)
{
    (void)file;
    (void)buffer;
    (void)bytes;
    return 0;
}

static long null_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    (void)file;
    (void)buffer;
    return (long)bytes;
}

static long full_write(struct sd_file *file, const void *buffer, size_t bytes)
{
    (void)file;
    (void)buffer;
    (void)bytes;
    return -ENOSPC;
}

/* Gives pieces that `fill` makes. */
static long read_pieces(char *to, size_t bytes, void (*fill)(void *piece, size_t bytes))
{
    char piece[256];
    size_t done = 0;

    while (done < bytes) {
        size_t now = bytes - done < sizeof(piece) ? bytes - done : sizeof(piece);

        fill(piece, now);
        if (sd_copy_out(to + done, piece, now))
            return done ? (long)done : -EFAULT;
        done += now;
    }
    return (long)done;
}

static void fill_zeros(void *piece, size_t bytes)
{
    memset(piece, 0, bytes);
}

static long zero_read(struct sd_file *file, void *buffer, size_t bytes)
{
    (void)file;
    return read_pieces(buffer, bytes, fill_zeros);
}

static long random_read(struct sd_file *file, void *buffer, size_t bytes)
{
    (void)file;
    return read_pieces(buffer, bytes, sd_random_for_program);
}

/* Places do not matter here. */
static long device_lseek(struct sd_file *file, long offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    return 0;
}

static long null_pread(struct sd_file *file, void *buffer, size_t bytes, long offset)
{
    (void)offset;
    return file->ops->read(file, buffer, bytes);
}

static long null_pwrite(struct sd_file *file, const void *buffer, size_t bytes, long offset)
{
    (void)offset;
    return file->ops->write(file, buffer, bytes);
}

static void device_stat(struct sd_file *file, struct stat *status)
{
    sd_node_stat(file->node, status);
}

static void device_close(struct sd_file *file)
{
    sd_fs_close(file);
    sd_free(file);
}

#define DEVICE(reads, writes, are_prompt)                                                                    \
    {                                                                                                        \
        .prompt = (are_prompt), .read = (reads), .write = (writes), .pread = null_pread,                     \
        .pwrite = null_pwrite, .lseek = device_lseek, .stat = device_stat, .close = device_close             \
    }

static const struct sd_file_ops null_ops = DEVICE(null_read, null_write, true);
static const struct sd_file_ops zero_ops = DEVICE(zero_read, null_write, true);
static const struct sd_file_ops full_ops = DEVICE(zero_read, full_write, true);
/* What is written there would be mixed in: the generator has seed enough of its own. */
static const struct sd_file_ops random_ops = DEVICE(random_read, null_write, false);

/* The console with a name: as descriptor 0, but it goes with its last descriptor. */
static const struct sd_file_ops *console_ops(void)
{
    static struct sd_file_ops ops;

    ops = *sd_console_file.ops;
    ops.stat = device_stat;
    ops.close = device_close;
    return &ops;
}

static const struct device {
    const char *name;
    unsigned major, minor, mode;
    const struct sd_file_ops *ops; /* NULL: the console */
} devices[] = {
    {"null", 1, 3, 0666, &null_ops},      {"zero", 1, 5, 0666, &zero_ops},
    {"full", 1, 7, 0666, &full_ops},      {"random", 1, 8, 0666, &random_ops},
    {"urandom", 1, 9, 0666, &random_ops}, {"tty", 5, 0, 0666, NULL},
    {"console", 5, 1, 0600, NULL},
};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

int sd_device_open(struct sd_node *node, int flags, struct sd_file **file)
{
    const struct sd_file_ops *ops;
    size_t i = 0;

    while (i < DEVICES && node->device != makedev(devices[i].major, devices[i].minor))
        i++;
    if (i == DEVICES)
        return -ENXIO;
    ops = devices[i].ops ? devices[i].ops : console_ops();
    *file = sd_calloc(1, sizeof(**file));
    if (!*file)
        return -ENOMEM;
    **file = (struct sd_file){.ops = ops, .references = 1, .flags = flags, .node = sd_node_get(node)};
    sd_mount_use(node->mount);
    return 0;
}

static int fill_dev(struct sd_node *root)
{
    static const struct {
        const char *name, *target;
    } links[] = {{"fd", "/proc/self/fd"},
                 {"stdin", "/proc/self/fd/0"},
                 {"stdout", "/proc/self/fd/1"},
                 {"stderr", "/proc/self/fd/2"}};
    const struct sd_new shm = {.mode = S_IFDIR | 01777};
    struct sd_node *made;
    int error = 0;

    for (size_t i = 0; i < DEVICES && !error; i++) {
        const struct sd_new device = {.mode = S_IFCHR | devices[i].mode,
                                      .device = makedev(devices[i].major, devices[i].minor)};

        error = root->ops->make(root, devices[i].name, strlen(devices[i].name), &device, &made);
        if (!error)
            sd_node_put(made);
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && !error; i++) {
        const struct sd_new link = {.mode = S_IFLNK | 0777, .target = links[i].target};

        error = root->ops->make(root, links[i].name, strlen(links[i].name), &link, &made);
        if (!error)
            sd_node_put(made);
    }
    if (!error)
        error = root->ops->make(root, "shm", 3, &shm, &made);
    if (!error)
        sd_node_put(made);
    return error;
}

static int make_dev(struct sd_mount *mount)
{
    int error;

    mount->root = sd_tmp_directory(mount, 0755);
    if (!mount->root)
        return -ENOMEM;
    error = fill_dev(mount->root);
    if (error)
        sd_tmp_end(mount);
    return error;
}

const struct sd_fs sd_devtmpfs = {"devtmpfs", 0x01021994 /* as Linux's, which is a tmpfs */, make_dev,
                                  sd_tmp_end};
