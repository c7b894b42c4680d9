/*
 * From one file to another without the program's memory between: by way of a page, or from where it lies.
 */
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stardust/memory.h>

#include "../fs/fs.h"
#include "copy.h"
#include "file.h"
#include "socket.h"

#pragma weak sd_socket_sendfile

#define BYTES_MAX 0x7ffff000ul

struct transfer {
    struct sd_file *from, *to;
    long at;    /* in `from` */
    long to_at; /* in `to`; below 0: where it stands */
    size_t bytes;
};

/* What arrived, or what went wrong when nothing did. */
static long run(struct transfer *transfer)
{
    long done = 0, result = -ENOTSOCK;
    char *page;

    if (sd_socket_sendfile && transfer->from->ops->lend)
        result = sd_socket_sendfile(transfer->to, transfer->from, transfer->at, transfer->bytes);
    if (result != -ENOTSOCK)
        return result;
    page = sd_page_alloc(0);
    result = page ? 0 : -ENOMEM;
    while (page && (size_t)done < transfer->bytes) {
        size_t left = transfer->bytes - (size_t)done;

        result = transfer->from->ops->pread(transfer->from, page, left < XEN_PAGE_SIZE ? left : XEN_PAGE_SIZE,
                                            transfer->at + done);
        if (result <= 0)
            break;
        left = (size_t)result;
        result = transfer->to_at < 0
                     ? transfer->to->ops->write(transfer->to, page, left)
                     : transfer->to->ops->pwrite(transfer->to, page, left, transfer->to_at + done);
        if (result <= 0)
            break;
        done += result;
        if ((size_t)result < left)
            break;
    }
    if (page)
        sd_page_free(page, 0);
    return done ? done : result;
}

/* Where to begin: what the program gives, or where the file stands. */
static long begin(struct sd_file *file, const long *offset)
{
    long at;

    if (!offset)
        return file->ops->lseek ? file->ops->lseek(file, 0, SEEK_CUR) : -ESPIPE;
    if (sd_copy_in(&at, offset, sizeof(at)))
        return -EFAULT;
    return at < 0 ? -EINVAL : at;
}

static long finish(struct sd_file *file, long *offset, long at)
{
    if (offset)
        return sd_copy_out(offset, &at, sizeof(at));
    at = file->ops->lseek(file, at, SEEK_SET);
    return at < 0 ? at : 0;
}

static bool is_open_for(const struct sd_file *file, bool out)
{
    int mode = file->flags & 3;

    return !(file->flags & O_PATH) && mode != (out ? O_RDONLY : O_WRONLY);
}

static long send(struct sd_file *to, struct sd_file *from, long *offset, size_t bytes)
{
    struct transfer transfer = {from, to, 0, -1, bytes < BYTES_MAX ? bytes : BYTES_MAX};
    long error, done;

    if (!is_open_for(from, false) || !is_open_for(to, true))
        return -EBADF;
    if (!from->ops->pread || !to->ops->write || to->flags & O_APPEND)
        return offset && !from->ops->pread ? -ESPIPE : -EINVAL;
    transfer.at = begin(from, offset);
    if (transfer.at < 0)
        return transfer.at;
    done = run(&transfer);
    error = done > 0 ? finish(from, offset, transfer.at + done) : 0;
    return error ? error : done;
}

long sd_sys_sendfile(int to, int from, long *offset, size_t bytes)
{
    struct sd_file *source = sd_fd_get(from), *target = sd_fd_get(to);
    long result = source && target ? send(target, source, offset, bytes) : -EBADF;

    if (source)
        sd_file_put(source);
    if (target)
        sd_file_put(target);
    return result;
}

static int check_regular(const struct sd_file *file)
{
    if (!file->node || !sd_node_is(file->node, S_IFREG))
        return file->node && sd_node_is(file->node, S_IFDIR) ? -EISDIR : -EINVAL;
    return file->ops->pread && file->ops->pwrite ? 0 : -EINVAL;
}

static long copy(struct sd_file *from, long *from_offset, struct sd_file *to, long *to_offset, size_t bytes)
{
    struct transfer transfer = {from, to, 0, 0, bytes < BYTES_MAX ? bytes : BYTES_MAX};
    long error = check_regular(from), done;

    if (!error)
        error = check_regular(to);
    if (error)
        return error;
    if (!is_open_for(from, false) || !is_open_for(to, true) || to->flags & O_APPEND)
        return -EBADF;
    transfer.at = begin(from, from_offset);
    transfer.to_at = transfer.at < 0 ? transfer.at : begin(to, to_offset);
    if (transfer.to_at < 0)
        return transfer.to_at;
    if (transfer.at + (long)transfer.bytes < 0 || transfer.to_at + (long)transfer.bytes < 0)
        return -EOVERFLOW;
    if (from->node == to->node && transfer.at < transfer.to_at + (long)transfer.bytes &&
        transfer.to_at < transfer.at + (long)transfer.bytes)
        return -EINVAL;
    done = run(&transfer);
    if (done <= 0)
        return done;
    error = finish(from, from_offset, transfer.at + done);
    if (!error)
        error = finish(to, to_offset, transfer.to_at + done);
    return error ? error : done;
}

long sd_sys_copy_file_range(int from, long *from_offset, int to, long *to_offset, size_t bytes,
                            unsigned flags)
{
    struct sd_file *source, *target;
    long result = -EBADF;

    if (flags)
        return -EINVAL;
    source = sd_fd_get(from);
    target = sd_fd_get(to);
    if (source && target)
        result = copy(source, from_offset, target, to_offset, bytes);
    if (source)
        sd_file_put(source);
    if (target)
        sd_file_put(target);
    return result;
}
