/* Limits, and what the machine says of itself. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check.h"

static void limits_can_be_read_and_set(void)
{
    struct rlimit limit, old;

    CHECK(!getrlimit(RLIMIT_CORE, &limit));
    limit.rlim_cur = 0;
    CHECK(!setrlimit(RLIMIT_CORE, &limit));
    CHECK(!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur >= 1024);
    CHECK(!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur >= 65536);
    CHECK(!prlimit(0, RLIMIT_DATA, NULL, &old));
    limit.rlim_cur = 5;
    limit.rlim_max = 4;
    CHECK_ERRNO(setrlimit(RLIMIT_DATA, &limit), EINVAL);
    CHECK_ERRNO(prlimit(0, 99, NULL, &old), EINVAL);
    CHECK_ERRNO(prlimit(-5, RLIMIT_DATA, NULL, &old), ESRCH);
    CHECK_ERRNO(prlimit(0, RLIMIT_DATA, (void *)8, NULL), EFAULT);
}

static void a_limit_of_descriptors_holds(void)
{
    struct rlimit old, limit;
    int fd;

    CHECK(!getrlimit(RLIMIT_NOFILE, &old));
    limit = old;
    limit.rlim_cur = 10;
    CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
    CHECK_ERRNO(fcntl(1, F_DUPFD, 10), EINVAL);
    CHECK(!setrlimit(RLIMIT_NOFILE, &old));
    fd = fcntl(1, F_DUPFD, 10);
    CHECK(fd >= 10 && !close(fd));
#ifdef __stardust__
    limit.rlim_cur = limit.rlim_max = 1 << 20;
    CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
#endif
}

static void a_limit_of_the_address_space_holds(void)
{
    struct rlimit old, limit;
    char *at = mmap(NULL, PAGE, RW, ANON, -1, 0);

    CHECK(!getrlimit(RLIMIT_AS, &old));
    limit = old;
    limit.rlim_cur = 0;
    CHECK(!setrlimit(RLIMIT_AS, &limit));
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0), ENOMEM);
    CHECK(!setrlimit(RLIMIT_AS, &old));
    munmap(at, PAGE);
    at = mmap(NULL, PAGE, RW, ANON, -1, 0);
    CHECK(at != MAP_FAILED);
    munmap(at, PAGE);
}

static void usage_says_what_was_used(void)
{
    struct rusage before, after;
    char *at = mmap(NULL, 2 * MIB, RW, ANON, -1, 0);

    memset(at, 1, 2 * MIB);
    CHECK(!getrusage(RUSAGE_SELF, &before));
    CHECK(before.ru_maxrss >= 2048);
    munmap(at, 2 * MIB);
    for (volatile int i = 0; i < 20000000; i++)
        ;
    CHECK(!getrusage(RUSAGE_SELF, &after));
    CHECK(after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec >
          before.ru_utime.tv_sec * 1000000 + before.ru_utime.tv_usec);
    CHECK(after.ru_maxrss >= before.ru_maxrss);
    CHECK_ERRNO(getrusage(7, &after), EINVAL);
}

static void sysinfo_tells_the_memory_that_there_is(void)
{
    struct sysinfo info, later;
    char *at;

    CHECK(!sysinfo(&info));
    CHECK(info.mem_unit && info.totalram > info.freeram && info.freeram && info.procs);
    at = mmap(NULL, MIB, RW, ANON, -1, 0);
    memset(at, 1, MIB);
    CHECK(!sysinfo(&later));
#ifdef __stardust__
    CHECK(later.freeram + MIB <= info.freeram);
#endif
    munmap(at, MIB);
}

static void the_host_has_a_name_that_can_be_set(void)
{
    struct utsname name;

    CHECK(!uname(&name) && name.nodename[0] && !strcmp(name.machine, "x86_64"));
#ifdef __stardust__
    CHECK(!sethostname("another", 7));
    CHECK(!uname(&name) && !strcmp(name.nodename, "another"));
    CHECK(!sethostname("on", 2));
    CHECK(!uname(&name) && !strcmp(name.nodename, "on"));
    CHECK_ERRNO(sethostname("x", 65), EINVAL);
    CHECK_ERRNO(sethostname(NULL, 3), EFAULT);
#endif
}

const struct claim limit_claims[] = {
    CLAIM(limits_can_be_read_and_set),
    CLAIM(a_limit_of_descriptors_holds),
    CLAIM(a_limit_of_the_address_space_holds),
    CLAIM(usage_says_what_was_used),
    CLAIM(sysinfo_tells_the_memory_that_there_is),
    CLAIM(the_host_has_a_name_that_can_be_set),
    {NULL, NULL},
};
