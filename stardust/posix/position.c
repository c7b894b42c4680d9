/*
 * Reading and writing at a place, which leaves the file's own where it is.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

#include "copy.h"
#include "file.h"

#define BYTES_MAX   0x7ffff000ul
#define VECTORS_MAX 1024

static long at_place(struct sd_file *file, bool out, void *buffer, size_t bytes, long offset)
{
    if (bytes > BYTES_MAX)
        bytes = BYTES_MAX;
    return out ? file->ops->pwrite(file, buffer, bytes, offset)
               : file->ops->pread(file, buffer, bytes, offset);
}

/* A file that can do it, with a reference: 0 or a negative errno. */
static int get(int fd, bool out, long offset, struct sd_file **found)
{
    struct sd_file *file = offset < 0 ? NULL : sd_fd_get(fd);
    int mode, error = 0;

    if (offset < 0)
        return -EINVAL;
    if (!file)
        return -EBADF;
    mode = file->flags & 3;
    if (file->flags & O_PATH || mode == (out ? O_RDONLY : O_WRONLY))
        error = -EBADF;
    else if (out ? !file->ops->pwrite : !file->ops->pread)
        error = -ESPIPE;
    if (error)
        sd_file_put(file);
    *found = file;
    return error;
}

static long one(int fd, bool out, void *buffer, size_t bytes, long offset)
{
    struct sd_file *file;
    long result = get(fd, out, offset, &file), end;

    if (result)
        return result;
    if (__builtin_add_overflow(offset, (long)bytes, &end))
        result = -EINVAL;
    else
        result = bytes ? at_place(file, out, buffer, bytes, offset) : 0;
    sd_file_put(file);
    return result;
}

long sd_sys_pread64(int fd, void *buffer, size_t bytes, long offset)
{
    return one(fd, false, buffer, bytes, offset);
}

long sd_sys_pwrite64(int fd, const void *buffer, size_t bytes, long offset)
{
    return one(fd, true, (void *)(uintptr_t)buffer, bytes, offset);
}

static int check_vectors(const struct iovec *vectors, int count)
{
    size_t sum = 0;

    if (count < 0 || count > VECTORS_MAX)
        return -EINVAL;
    for (int i = 0; i < count; i++) {
        struct iovec vector;

        if (sd_copy_in(&vector, vectors + i, sizeof(vector)))
            return -EFAULT;
        if (vector.iov_len > (size_t)INT64_MAX - sum)
            return -EINVAL;
        sum += vector.iov_len;
    }
    return 0;
}

static long each(struct sd_file *file, bool out, const struct iovec *vectors, int count, long offset)
{
    long done = 0;

    for (int i = 0; i < count; i++) {
        struct iovec vector;
        long now;

        if (sd_copy_in(&vector, vectors + i, sizeof(vector)))
            return done ? done : -EFAULT;
        if (!vector.iov_len)
            continue;
        now = at_place(file, out, vector.iov_base, vector.iov_len, offset + done);
        if (now < 0)
            return done ? done : now;
        done += now;
        if ((size_t)now < vector.iov_len)
            break;
    }
    return done;
}

static long many(int fd, bool out, const struct iovec *vectors, int count, long offset)
{
    struct sd_file *file;
    long result = get(fd, out, offset, &file);

    if (result)
        return result;
    result = check_vectors(vectors, count);
    if (!result)
        result = each(file, out, vectors, count, offset);
    sd_file_put(file);
    return result;
}

/* The offset's upper half comes besides for processors that need it. */
long sd_sys_preadv(int fd, const struct iovec *vectors, int count, long offset, long high)
{
    (void)high;
    return many(fd, false, vectors, count, offset);
}

long sd_sys_pwritev(int fd, const struct iovec *vectors, int count, long offset, long high)
{
    (void)high;
    return many(fd, true, vectors, count, offset);
}
