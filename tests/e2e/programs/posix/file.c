#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

static void bad_pointers_give_efault(void)
{
    char *bad = (char *)8, *unmapped = (char *)0x7800000000, *beyond = (char *)0x8000000000000000, byte = 'x';
    struct iovec vectors[] = {{&byte, 0}, {bad, 5}};

    CHECK_ERRNO(write(1, NULL, 1), EFAULT);
    CHECK_ERRNO(write(1, bad, 1), EFAULT);
    CHECK_ERRNO(write(1, unmapped, 100000), EFAULT);
    CHECK_ERRNO(write(1, beyond, 1), EFAULT);
    CHECK_ERRNO(writev(1, vectors, 2), EFAULT);
    CHECK_ERRNO(writev(1, (struct iovec *)unmapped, 2), EFAULT);
    CHECK_ERRNO(syscall(SYS_fstat, 1, unmapped), EFAULT);
    CHECK_ERRNO(getentropy((void *)(size_t)&bad_pointers_give_efault, 8), EFAULT); /* text */
}

static void descriptors_are_the_lowest_free_ones(void)
{
    CHECK(dup(1) == 3);
    CHECK(dup(1) == 4);
    CHECK(!close(3));
    CHECK(dup(2) == 3);
    CHECK(dup2(1, 20) == 20 && dup2(20, 20) == 20);
    CHECK(fcntl(1, F_DUPFD, 4) == 5);
    CHECK(fcntl(1, F_DUPFD_CLOEXEC, 20) == 21 && fcntl(21, F_GETFD) == FD_CLOEXEC);
    CHECK(!fcntl(21, F_SETFD, 0) && !fcntl(21, F_GETFD));
    CHECK(dup3(1, 21, O_CLOEXEC) == 21 && fcntl(21, F_GETFD) == FD_CLOEXEC);
    CHECK_ERRNO(dup3(1, 1, 0), EINVAL);
    CHECK_ERRNO(dup2(1, 1024), EBADF);
    CHECK_ERRNO(fcntl(1, F_DUPFD, 1024), EINVAL);
    for (int fd = 3; fd < 22; fd++)
        close(fd);
    CHECK_ERRNO(close(3), EBADF);
    CHECK_ERRNO(dup(-1), EBADF);
    CHECK_ERRNO(write(7, "x", 1), EBADF);
}

static void too_many_descriptors_are_emfile(void)
{
    int last = 0, fd;

    while ((fd = dup(1)) >= 0)
        last = fd;
    CHECK(last == 1023 && errno == EMFILE);
    for (fd = 3; fd <= last; fd++)
        CHECK(!close(fd));
    CHECK(dup(1) == 3 && !close(3));
}

static void console_is_a_character_device_without_places(void)
{
    struct winsize size;
    struct stat status;

    CHECK(!fstat(1, &status) && S_ISCHR(status.st_mode));
    CHECK_ERRNO(lseek(1, 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(ioctl(1, TIOCGWINSZ, &size), ENOTTY);
    CHECK(!isatty(0));
    CHECK((fcntl(1, F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK_ERRNO(fcntl(1, 9999), EINVAL);
    CHECK_ERRNO(writev(1, NULL, -1), EINVAL);
    CHECK(!write(1, NULL, 0) && !writev(1, NULL, 0));
}

const struct claim file_claims[] = {
    CLAIM(bad_pointers_give_efault),
    CLAIM(descriptors_are_the_lowest_free_ones),
    CLAIM(too_many_descriptors_are_emfile),
    CLAIM(console_is_a_character_device_without_places),
    {NULL, NULL},
};
