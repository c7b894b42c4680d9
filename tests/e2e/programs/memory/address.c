/* Addresses where nothing good is: every service that takes one says EFAULT, and the guest goes on. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#ifdef __stardust__
static char *bad_to_write[6];
static char *bad_to_read[5];

static void find_bad_ones(void)
{
    char *two = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0), *none = mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0);
    char *constant = mmap(NULL, PAGE, PROT_READ, ANON, -1, 0);

    munmap(two + PAGE, PAGE);
    bad_to_read[0] = NULL;
    bad_to_read[1] = none;
    bad_to_read[2] = two + PAGE - 1; /* straddles the end */
    bad_to_read[3] = (char *)(1ul << 63);
    bad_to_read[4] = (char *)UINTPTR_MAX;
    bad_to_write[0] = NULL;
    bad_to_write[1] = none;
    bad_to_write[2] = two + PAGE - 1;
    bad_to_write[3] = (char *)(1ul << 63);
    bad_to_write[4] = (char *)(uintptr_t)&find_bad_ones;
    bad_to_write[5] = constant;
}

#define EACH(list) for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)

static void services_that_write_give_efault(void)
{
    find_bad_ones();
    EACH(bad_to_write)
    {
        void *at = bad_to_write[i];
        struct iovec vector = {at, 8};
        int in[2];

        CHECK_ERRNO(getrandom(at, 16, 0), EFAULT);
        CHECK_ERRNO(clock_gettime(CLOCK_MONOTONIC, at), EFAULT);
        if (at)
            CHECK_ERRNO(clock_getres(CLOCK_MONOTONIC, at), EFAULT);
        CHECK_ERRNO(uname(at), EFAULT);
        if (at)
            CHECK_ERRNO(getrlimit(RLIMIT_NOFILE, at), EFAULT);
        CHECK_ERRNO(getrusage(RUSAGE_SELF, at), EFAULT);
        CHECK_ERRNO(sysinfo(at), EFAULT);
        if (!pipe(in)) {
            CHECK(write(in[1], "12345678", 8) == 8);
            CHECK_ERRNO(read(in[0], at, 8), EFAULT);
            CHECK_ERRNO(readv(in[0], &vector, 1), EFAULT);
            close(in[0]);
            close(in[1]);
        }
    }
}

static void services_that_read_give_efault(void)
{
    find_bad_ones();
    EACH(bad_to_read)
    {
        void *at = bad_to_read[i];
        struct iovec vector = {at, 8};
        int fd;

        CHECK_ERRNO(write(1, at, 8), EFAULT);
        CHECK_ERRNO(writev(1, &vector, 1), EFAULT);
        CHECK_ERRNO(writev(1, at, 1), EFAULT);
        CHECK_ERRNO(clock_nanosleep(CLOCK_MONOTONIC, 0, at, NULL) ? (errno = EFAULT, -1) : 0, EFAULT);
        CHECK_ERRNO(poll(at, 3, 0), EFAULT);
        fd = open(at, O_RDONLY);
        CHECK(fd == -1 && (errno == EFAULT || errno == ENOENT || errno == ENOSYS));
    }
}
#endif

const struct claim address_claims[] = {
#ifdef __stardust__
    CLAIM(services_that_write_give_efault),
    CLAIM(services_that_read_give_efault),
#endif
    {NULL, NULL},
};
