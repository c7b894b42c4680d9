/* Mappings of other kinds, and what becomes of them when memory runs out. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void shared_anonymous_memory_is_memory(void)
{
    char *at = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    at[0] = at[3 * PAGE] = 4;
    CHECK(!madvise(at, 4 * PAGE, MADV_DONTNEED));
    CHECK(at[0] == 4 && at[3 * PAGE] == 4);
    CHECK(!madvise(at, PAGE, MADV_REMOVE));
    CHECK(!at[0] && at[3 * PAGE] == 4);
    CHECK_ERRNO(madvise(at, PAGE, MADV_FREE), EINVAL);
    CHECK(!msync(at, 4 * PAGE, MS_SYNC));
    CHECK(!munmap(at, 4 * PAGE));
}

static void data_and_bss_can_be_protected_and_text_cannot_be_written(void)
{
    static char own[3 * PAGE] __attribute__((aligned(4096)));
    char *text = (char *)((uintptr_t)&data_and_bss_can_be_protected_and_text_cannot_be_written & ~(PAGE - 1));

    own[PAGE] = 3;
    CHECK(!mprotect(own + PAGE, PAGE, PROT_READ));
    CHECK(own[PAGE] == 3);
    CHECK(read(0, own + PAGE, 0) == 0);
    CHECK_ERRNO(getentropy(own + PAGE, 8), EFAULT);
    CHECK(!mprotect(own + PAGE, PAGE, PROT_NONE));
    CHECK(write(1, own + PAGE, 1) == -1 && errno == EFAULT);
    CHECK(!mprotect(own + PAGE, PAGE, RW));
    CHECK(own[PAGE] == 3);
    own[PAGE] = 4;
    CHECK(!mprotect(text, PAGE, PROT_READ | PROT_EXEC));
#ifdef __stardust__
    CHECK_ERRNO(mprotect(text, PAGE, RW), EACCES);
#endif
}

static void protection_may_cross_areas_of_different_kinds(void)
{
    char *at = mmap(NULL, 12 * PAGE, RW, ANON, -1, 0);

    CHECK(mmap(at + 4 * PAGE, 4 * PAGE, RW, LAZY | MAP_FIXED, -1, 0) == at + 4 * PAGE);
    memset(at, 1, 6 * PAGE);
    CHECK(!mprotect(at + PAGE, 10 * PAGE, PROT_NONE));
    CHECK(!mprotect(at, 12 * PAGE, RW));
    CHECK(at[0] == 1 && at[3 * PAGE] == 1 && at[5 * PAGE] == 1 && !at[7 * PAGE] && !at[11 * PAGE]);
    CHECK(!munmap(at + 4 * PAGE, PAGE));
    CHECK_ERRNO(mprotect(at, 12 * PAGE, PROT_READ), ENOMEM);
    munmap(at, 12 * PAGE);
}

static void mremap_can_leave_the_old_place_mapped(void)
{
    char *at = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0), *moved;

    at[PAGE] = 9;
    moved = mremap(at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */);
    CHECK(moved != MAP_FAILED && moved != at);
    CHECK(moved[PAGE] == 9 && !at[PAGE]);
    CHECK_ERRNO(mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE | 4), EINVAL);
    CHECK_ERRNO(mremap(at, PAGE, PAGE, MREMAP_FIXED, moved), EINVAL);
    CHECK_ERRNO(mremap(at, 0, PAGE, MREMAP_MAYMOVE), EINVAL);
    munmap(at, 2 * PAGE);
    munmap(moved, 2 * PAGE);
}

static void advice_is_checked(void)
{
    char *at = mmap(NULL, 3 * PAGE, RW, ANON, -1, 0);

    CHECK(!madvise(at, 3 * PAGE, MADV_WILLNEED) && !madvise(at, 3 * PAGE, MADV_SEQUENTIAL));
    CHECK_ERRNO(madvise(at, PAGE, 5), EINVAL);
    CHECK_ERRNO(madvise(at, PAGE, 77), EINVAL);
    CHECK_ERRNO(madvise(at + 1, PAGE, MADV_NORMAL), EINVAL);
    CHECK_ERRNO(madvise(at, PAGE, MADV_REMOVE), EINVAL);
    at[0] = at[2 * PAGE] = 6;
    munmap(at + PAGE, PAGE);
    CHECK_ERRNO(madvise(at, 3 * PAGE, MADV_DONTNEED), ENOMEM);
    CHECK(!at[0] && !at[2 * PAGE]);
    CHECK_ERRNO(msync(at, 3 * PAGE, MS_SYNC), ENOMEM);
    CHECK_ERRNO(msync(at, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_ERRNO(mlock(at, 3 * PAGE), ENOMEM);
    CHECK_ERRNO(mincore(at + 1, PAGE, (unsigned char *)at), EINVAL);
    CHECK_ERRNO(mincore(at, PAGE, NULL), EFAULT);
    CHECK(!mlockall(MCL_CURRENT) && !munlockall());
    CHECK_ERRNO(mlockall(0), EINVAL);
    munmap(at, 3 * PAGE);
}

static void files_that_cannot_be_mapped_say_why(void)
{
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0), EBADF);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_PRIVATE, 0, 1), EINVAL);
    CHECK_ERRNO(mmap(NULL, 0, RW, MAP_PRIVATE, 0, 0), EINVAL);
#ifdef __stardust__
    CHECK_ERRNO(mmap(NULL, PAGE, RW, ANON | MAP_GROWSDOWN, -1, 0), ENOMEM);
#endif
}

static void a_file_is_mapped_as_a_copy_with_zeros_behind_its_end(void)
{
    static char text[PAGE + 100];
    int fd = open("/tmp/vm-mapped", O_RDWR | O_CREAT | O_TRUNC, 0600), other;
    char *at;

    if (fd < 0)
        fd = open("/vm-mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    memset(text, 'x', sizeof(text));
    strcpy(text + PAGE, "second page");
    CHECK(write(fd, text, sizeof(text)) == sizeof(text));
    at = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK(at != MAP_FAILED && at[0] == 'x' && !strcmp(at + PAGE, "second page") && at[PAGE + 99] == 'x');
    CHECK(!at[PAGE + 100] && !at[2 * PAGE - 1]);
    at[0] = 'y';
    CHECK(pread(fd, text, 1, 0) == 1 && text[0] == 'x');
    munmap(at, 2 * PAGE);
    at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    CHECK(at != MAP_FAILED && !strcmp(at, "second page"));
    CHECK(getentropy(at, 8) == -1 && errno == EFAULT);
    CHECK(!mprotect(at, PAGE, RW));
    at[0] = 'S';
    munmap(at, PAGE);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 100), EINVAL);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0x7ffffffffffff000), EOVERFLOW);
    CHECK(!fstat(fd, &(struct stat){0}));
    other = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    if (other < 0)
        other = open("/", O_RDONLY | O_DIRECTORY);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, other, 0), ENODEV);
    close(other);
    close(fd);
    fd = open("/dev/zero", O_RDWR);
    CHECK(fd >= 0);
    at = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK(at != MAP_FAILED && !at[5]);
    munmap(at, PAGE);
    close(fd);
}

static void a_file_opened_for_one_thing_is_not_mapped_for_another(void)
{
    const char *name = access("/tmp", W_OK) ? "/vm-mapped-too" : "/tmp/vm-mapped-too";
    int fd = open(name, O_WRONLY | O_CREAT, 0600);

    CHECK(fd >= 0 && write(fd, "1", 1) == 1);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
    close(fd);
    fd = open(name, O_RDONLY);
    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES);
    close(fd);
    unlink(name);
}

static void *use_stack(void *arg)
{
    char here[MIB];
    size_t depth = (size_t)arg;
    volatile char *at = here;

    for (size_t i = 0; i < sizeof(here); i += 64)
        at[i] = (char)depth;
    if (depth)
        use_stack((void *)(depth - 1));
    for (size_t i = 0; i < sizeof(here); i += 64)
        CHECK(at[i] == (char)depth);
    return NULL;
}

static void *use_little(void *arg)
{
    volatile char here[60000];

    for (size_t i = 0; i < sizeof(here); i += 64)
        here[i] = 1;
    return here[64] == 1 ? arg : NULL;
}

/* In a guest that has the memory for what is used of it: PVH. */
void a_thread_has_a_stack_of_64_mib(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    CHECK(!pthread_attr_setstacksize(&attributes, 64 * MIB));
    for (int i = 0; i < 10; i++) {
        int error = pthread_create(&thread, &attributes, use_stack, (void *)3ul);

        CHECK(!error);
        if (error)
            return;
        CHECK(!pthread_join(thread, NULL));
    }
}

/* A chain of blocks until there are no more; how many there were. */
static size_t exhaust(size_t bytes)
{
    void **first = NULL, **block;
    size_t count = 0;

    while ((block = malloc(bytes))) {
        *block = first;
        first = block;
        count++;
    }
    CHECK(errno == ENOMEM);
    while ((block = first)) {
        first = *block;
        free(block);
    }
    return count;
}

static void malloc_until_there_is_no_more_and_on_again(void)
{
#ifdef __stardust__
    static const size_t sizes[] = {100, 5000, 70000, MIB};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t count = exhaust(sizes[i]);

        CHECK(count * sizes[i] > MIB / 8);
        CHECK(exhaust(sizes[i]) + count / 4 + 2 >= count);
    }
    CHECK(mmap(NULL, GIB, RW, ANON, -1, 0) == MAP_FAILED && errno == ENOMEM);
#endif
}

static void brk_moves_within_what_there_is(void)
{
#ifdef __stardust__
    extern long sd_sys_brk(void *end);
    char *start = (char *)sd_sys_brk(NULL), *at = start;

    CHECK((char *)sd_sys_brk(at + 3 * PAGE) == at + 3 * PAGE);
    at[3 * PAGE - 1] = 1;
    CHECK((char *)sd_sys_brk(at + 8 * GIB) == at + 3 * PAGE);
    CHECK((char *)sd_sys_brk(at + GIB) == at + 3 * PAGE);
    CHECK((char *)sd_sys_brk(at + PAGE) == at + PAGE);
    CHECK(write(1, at + 2 * PAGE, 1) == -1 && errno == EFAULT);
    CHECK((char *)sd_sys_brk(at + 3 * PAGE) == at + 3 * PAGE && !at[3 * PAGE - 1]);
    CHECK((char *)sd_sys_brk(start) == start);
#endif
}

static __thread char large[40000] = "thread-local";

static void many_thread_local_variables_are_there(void)
{
    CHECK(!strcmp(large, "thread-local") && !large[39999]);
    large[39999] = 1;
}

static void threads_come_and_go_with_stacks_of_their_own(void)
{
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        CHECK(!pthread_create(&threads[i], NULL, use_little, NULL));
    for (size_t i = 0; i < 4; i++)
        CHECK(!pthread_join(threads[i], NULL));
}

const struct claim mapping_claims[] = {
    CLAIM(shared_anonymous_memory_is_memory),
    CLAIM(data_and_bss_can_be_protected_and_text_cannot_be_written),
    CLAIM(protection_may_cross_areas_of_different_kinds),
    CLAIM(mremap_can_leave_the_old_place_mapped),
    CLAIM(advice_is_checked),
    CLAIM(a_file_is_mapped_as_a_copy_with_zeros_behind_its_end),
    CLAIM(a_file_opened_for_one_thing_is_not_mapped_for_another),
    CLAIM(files_that_cannot_be_mapped_say_why),
    CLAIM(many_thread_local_variables_are_there),
    CLAIM(threads_come_and_go_with_stacks_of_their_own),
    CLAIM(brk_moves_within_what_there_is),
    CLAIM(malloc_until_there_is_no_more_and_on_again),
    {NULL, NULL},
};
