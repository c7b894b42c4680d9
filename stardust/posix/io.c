/*
 * Reading, writing and what else is done with an open file.
 */
#define _GNU_SOURCE
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "copy.h"
#include "file.h"
#include "sys.h"

/* IOV_MAX, which one of the compilers' limits.h hides. */
#define VECTORS_MAX 1024

long sd_io_any(int fd, bool out, void *buffer, size_t bytes)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    result = sd_io_file(file, out, buffer, bytes);
    sd_file_put(file);
    return result;
}

long sd_sys_write(int fd, const void *buffer, size_t bytes)
{
    return sd_io(fd, true, (void *)(uintptr_t)buffer, bytes);
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

/* One after the other, until one is not done whole; from what arrives by and by, no more is waited for. */
static long each_vector(struct sd_file *file, bool out, const struct iovec *vectors, int count)
{
    long done = 0;

    for (int i = 0; i < count; i++) {
        struct iovec vector;
        long now;

        if (sd_copy_in(&vector, vectors + i, sizeof(vector)))
            return done ? done : -EFAULT;
        now = sd_io_file(file, out, vector.iov_base, vector.iov_len);
        if (now < 0)
            return done ? done : now;
        done += now;
        if ((size_t)now < vector.iov_len || (done && !out && !file->ops->lseek))
            break;
    }
    return done;
}

long sd_io_vectored(int fd, bool out, const struct iovec *vectors, int count)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    result = check_vectors(vectors, count);
    if (!result)
        result = file->ops->vectored ? file->ops->vectored(file, out, vectors, count)
                                     : each_vector(file, out, vectors, count);
    sd_file_put(file);
    return result;
}

long sd_sys_writev(int fd, const struct iovec *vectors, int count)
{
    return sd_io_vectored(fd, true, vectors, count);
}

long sd_sys_close(int fd)
{
    return sd_fd_close(fd);
}

long sd_sys_lseek(int fd, long offset, int whence)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    result = file->ops->lseek ? file->ops->lseek(file, offset, whence) : -ESPIPE;
    sd_file_put(file);
    return result;
}

/* FIONBIO */
static long set_nonblocking(struct sd_file *file, const void *arg)
{
    int on;

    if (sd_copy_in(&on, arg, sizeof(on)))
        return -EFAULT;
    file->flags = on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
    return 0;
}

long sd_sys_ioctl(int fd, unsigned long request, void *arg)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    if (file->flags & O_PATH)
        result = -EBADF;
    else if (request == FIOCLEX || request == FIONCLEX)
        result = sd_fd_set_cloexec(fd, request == FIOCLEX);
    else if (request == FIONBIO)
        result = set_nonblocking(file, arg);
    else
        result = file->ops->ioctl ? file->ops->ioctl(file, request, arg) : -ENOTTY;
    sd_file_put(file);
    return result;
}

long sd_sys_fstat(int fd, struct stat *status)
{
    struct sd_file *file = sd_fd_get(fd);
    struct stat found = {0};

    if (!file)
        return -EBADF;
    file->ops->stat(file, &found);
    sd_file_put(file);
    return sd_copy_out(status, &found, sizeof(found));
}

long sd_fd_duplicate(int fd, long lowest, bool cloexec)
{
    struct sd_file *file = sd_fd_get(fd);
    long result;

    if (!file)
        return -EBADF;
    result = lowest < 0 || lowest >= sd_fd_limit() ? -EINVAL : sd_fd_install(file, (int)lowest, cloexec);
    if (result < 0)
        sd_file_put(file);
    return result;
}

long sd_sys_dup(int fd)
{
    return sd_fd_duplicate(fd, 0, false);
}

static long duplicate_to(int from, int to, bool cloexec)
{
    struct sd_file *file = sd_fd_get(from);
    long result;

    if (!file)
        return -EBADF;
    result = sd_fd_replace(to, file, cloexec);
    if (result < 0)
        sd_file_put(file);
    return result;
}

long sd_sys_dup2(int from, int to)
{
    if (from == to)
        return sd_fd_cloexec(from) < 0 ? -EBADF : to;
    return duplicate_to(from, to, false);
}

long sd_sys_dup3(int from, int to, int flags)
{
    if ((flags & ~O_CLOEXEC) || from == to)
        return -EINVAL;
    return duplicate_to(from, to, flags & O_CLOEXEC);
}
