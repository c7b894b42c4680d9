#include "anonymous.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "copy.h"
#include "file.h"

long sd_file_offer(struct sd_file *file, int flags)
{
    long fd = sd_fd_install(file, 0, flags & O_CLOEXEC);

    if (fd < 0)
        sd_file_put(file);
    return fd;
}

long sd_file_offer_pair(struct sd_file *first, struct sd_file *second, int flags, int *fds)
{
    long one = sd_file_offer(first, flags), two;
    int numbers[2];

    if (one < 0) {
        sd_file_put(second);
        return one;
    }
    two = sd_file_offer(second, flags);
    if (two < 0)
        goto close_one;
    numbers[0] = (int)one;
    numbers[1] = (int)two;
    if (!sd_copy_out(fds, numbers, sizeof(numbers)))
        return 0;
    if (sd_fd_close((int)two)) {
        /* Closed by another thread already. */
    }
    two = -EFAULT;
close_one:
    if (sd_fd_close((int)one)) {
        /* The same. */
    }
    return two;
}

unsigned long sd_anonymous_inode(void)
{
    static unsigned long last = 0;

    return ++last;
}

void sd_anonymous_stat(struct sd_file *file, struct stat *status)
{
    (void)file;
    status->st_mode = 0600;
    status->st_nlink = 1;
    status->st_ino = 1; /* Linux has one for all of them, too */
    status->st_blksize = 4096;
}
