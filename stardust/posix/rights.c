#define _GNU_SOURCE
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <stardust/memory.h>

#include "copy.h"
#include "socket.h"

/* musl's, which stand for no library: a header, its data, and what aligns the next. */
#define ALIGN(bytes) (((bytes) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))

static int append(struct sd_rights **rights, const char *from, size_t count)
{
    struct sd_rights *all = *rights;

    if (!all) {
        all = sd_calloc(1, sizeof(*all) + SD_RIGHTS_MAX * sizeof(struct sd_file *));
        if (!all)
            return -ENOMEM;
        *rights = all;
    }
    if (count > SD_RIGHTS_MAX - all->count)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        int fd = -1;

        if (sd_copy_in(&fd, from + i * sizeof(fd), sizeof(fd)))
            return -EFAULT;
        all->files[all->count] = sd_fd_get(fd);
        if (!all->files[all->count])
            return -EBADF;
        all->count++;
    }
    return 0;
}

int sd_rights_take(const struct sd_message *message, struct sd_rights **rights)
{
    const char *at = message->control;
    size_t left = message->control_bytes;
    int error = 0;

    *rights = NULL;
    while (!error && left >= sizeof(struct cmsghdr)) {
        struct cmsghdr header = {0};

        if (sd_copy_in(&header, at, sizeof(header))) {
            error = -EFAULT;
            break;
        }
        if (header.cmsg_len < sizeof(header) || header.cmsg_len > left || header.cmsg_level != SOL_SOCKET ||
            header.cmsg_type != SCM_RIGHTS) {
            error = -EINVAL;
            break;
        }
        error = append(rights, at + sizeof(header), (header.cmsg_len - sizeof(header)) / sizeof(int));
        if (ALIGN(header.cmsg_len) >= left)
            break;
        at += ALIGN(header.cmsg_len);
        left -= ALIGN(header.cmsg_len);
    }
    if (error) {
        sd_rights_drop(*rights);
        *rights = NULL;
    }
    return error;
}

/* One more descriptor, at `to`. Whether there was one to have. */
static bool give_one(struct sd_file *file, int flags, char *to)
{
    int fd;

    file->references++;
    fd = sd_fd_install(file, 0, flags & MSG_CMSG_CLOEXEC);
    if (fd < 0) {
        sd_file_put(file);
        return false;
    }
    if (!sd_copy_out(to, &fd, sizeof(fd)))
        return true;
    if (sd_fd_close(fd)) {
        /* Closed by another thread already. */
    }
    return false;
}

void sd_rights_give(const struct sd_rights *rights, struct sd_message *message)
{
    struct cmsghdr header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    size_t room = message->control_bytes, given = 0;
    char *to = message->control;

    message->control_bytes = 0;
    if (!rights)
        return;
    while (given < rights->count && room >= sizeof(header) + (given + 1) * sizeof(int) &&
           give_one(rights->files[given], message->flags, to + sizeof(header) + given * sizeof(int)))
        given++;
    if (given) {
        header.cmsg_len = (socklen_t)(sizeof(header) + given * sizeof(int));
        message->control_bytes = ALIGN(header.cmsg_len) < room ? ALIGN(header.cmsg_len) : room;
        if (sd_copy_out(to, &header, sizeof(header)))
            message->control_bytes = 0;
    }
    if (given < rights->count)
        message->flags |= MSG_CTRUNC;
}

void sd_rights_drop(struct sd_rights *rights)
{
    if (!rights)
        return;
    for (unsigned i = 0; i < rights->count; i++)
        sd_file_put(rights->files[i]);
    sd_free(rights);
}
