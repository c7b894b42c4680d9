/* Files mapped MAP_SHARED. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define NAME "/tmp/vm-shared"

/* A file of so many bytes, each with the number of its page; on Linux, too, one in memory. */
static int make_file(const char *name, size_t bytes)
{
    char page[PAGE];
    int fd;

    mkdir("/tmp", 0777);
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    for (size_t done = 0; done < bytes; done += PAGE) {
        size_t now = bytes - done < PAGE ? bytes - done : PAGE;

        memset(page, 'a' + (int)(done / PAGE), sizeof(page));
        CHECK(write(fd, page, now) == (ssize_t)now);
    }
    return fd;
}

static char *share(int fd, size_t bytes, int prot, long offset)
{
    char *at = mmap(NULL, bytes, prot, MAP_SHARED, fd, offset);

    CHECK(at != MAP_FAILED);
    return at;
}

static char byte_at(int fd, long offset)
{
    char byte = 0;

    CHECK(pread(fd, &byte, 1, offset) == 1);
    return byte;
}

static void a_store_reaches_the_file_and_every_other_mapping(void)
{
    int fd = make_file(NAME, 3 * PAGE + 100), again = open(NAME, O_RDONLY);
    char *at = share(fd, 4 * PAGE, RW, 0), *other = share(again, 2 * PAGE, PROT_READ, PAGE);

    CHECK(at[0] == 'a' && at[3 * PAGE + 99] == 'd' && !at[3 * PAGE + 100]);
    at[PAGE + 7] = '1';
    CHECK(other[7] == '1' && other[8] == 'b' && byte_at(again, PAGE + 7) == '1');
    CHECK(pwrite(fd, "2", 1, 2 * PAGE) == 1);
    CHECK(at[2 * PAGE] == '2' && other[PAGE] == '2');
    CHECK(!msync(at, 4 * PAGE, MS_SYNC) && !msync(at, PAGE, MS_ASYNC | MS_INVALIDATE));
    CHECK(!close(fd));
    at[0] = '3';
    CHECK(byte_at(again, 0) == '3');
    CHECK(!munmap(at, 4 * PAGE) && !munmap(other, 2 * PAGE));
    CHECK(byte_at(again, 0) == '3' && byte_at(again, PAGE + 7) == '1');
    close(again);
}

static void a_file_outlives_its_name_and_descriptor_in_a_mapping(void)
{
    int fd = make_file(NAME, 2 * PAGE);
    char *at = share(fd, 2 * PAGE, RW, 0);

    CHECK(!unlink(NAME) && !close(fd));
    at[1] = 'x';
    CHECK(at[0] == 'a' && at[1] == 'x' && at[PAGE] == 'b');
    CHECK(!munmap(at, PAGE) && at[PAGE] == 'b');
    CHECK(!munmap(at + PAGE, PAGE));
    CHECK_ERRNO(open(NAME, O_RDONLY), ENOENT);
}

static void rights_are_those_of_the_open_file(void)
{
    int fd = make_file(NAME, 2 * PAGE), reader = open(NAME, O_RDONLY), writer = open(NAME, O_WRONLY);
    char *at;

    CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, reader, 0), EACCES);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, writer, 0), EACCES);
    at = share(reader, 2 * PAGE, PROT_READ, 0);
    CHECK_ERRNO(mprotect(at, PAGE, RW), EACCES);
    CHECK_ERRNO(madvise(at, PAGE, MADV_REMOVE), EACCES);
    CHECK_ERRNO(pread(fd, at, 1, 0), EFAULT);
    munmap(at, 2 * PAGE);
    at = share(fd, 2 * PAGE, RW, 0);
    at[PAGE] = 'x';
    CHECK(!mprotect(at, 2 * PAGE, PROT_NONE));
    CHECK_ERRNO(write(writer, at, 1), EFAULT);
    CHECK(!mprotect(at + PAGE, PAGE, PROT_READ) && at[PAGE] == 'x');
    CHECK(!mprotect(at, PAGE, RW) && at[0] == 'a');
    at[0] = 'y';
    CHECK(byte_at(reader, 0) == 'y');
    munmap(at, 2 * PAGE);
    close(fd), close(reader), close(writer);
}

static sigjmp_buf back;
static siginfo_t seen;

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    seen = *info;
    siglongjmp(back, 1);
}

/* Whether reading the byte is SIGBUS, told as Linux does. */
static bool is_bus(volatile char *at)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, old;
    volatile bool bus = false;

    sigaction(SIGBUS, &action, &old);
    if (!sigsetjmp(back, 1))
        *at;
    else
        bus = seen.si_signo == SIGBUS && seen.si_code == BUS_ADRERR && seen.si_addr == at;
    sigaction(SIGBUS, &old, NULL);
    return bus;
}

static void what_lies_behind_the_file_s_end_is_sigbus(void)
{
    int fd = make_file(NAME, 2 * PAGE + 1);
    char *at = share(fd, 4 * PAGE, RW, 0);

    CHECK(!at[3 * PAGE - 1] && is_bus(at + 3 * PAGE + 5));
    CHECK_ERRNO(write(fd, at + 3 * PAGE, 1), EFAULT);
    at[PAGE] = at[PAGE + 50] = 'x';
    CHECK(!ftruncate(fd, PAGE + 10));
    CHECK(at[PAGE] == 'x' && !at[PAGE + 50] && is_bus(at + 2 * PAGE));
    CHECK(!ftruncate(fd, 0));
    CHECK(is_bus(at) && is_bus(at + PAGE));
    CHECK(!ftruncate(fd, 4 * PAGE));
    CHECK(!at[0] && !at[PAGE] && !at[3 * PAGE]);
    at[3 * PAGE] = 'z';
    CHECK(byte_at(fd, 3 * PAGE) == 'z');
    munmap(at, 4 * PAGE);
    close(fd);
}

static void a_hole_gets_its_page_at_the_first_touch(void)
{
    int fd = make_file(NAME, 0);
    struct stat before, after;
    char *at;

    CHECK(!ftruncate(fd, (long)GIB) && !fstat(fd, &before));
    at = share(fd, GIB, RW, 0);
    CHECK(!at[GIB / 2]);
    at[GIB - 1] = 'e';
    CHECK(byte_at(fd, (long)GIB - 1) == 'e' && !byte_at(fd, (long)GIB / 2));
    CHECK(!fstat(fd, &after) && after.st_blocks > before.st_blocks);
    CHECK(!madvise(at, GIB, MADV_DONTNEED) && at[GIB - 1] == 'e');
#ifdef __stardust__ /* Not every file system of Linux's can. */
    CHECK(!madvise(at + GIB - PAGE, PAGE, MADV_REMOVE));
    CHECK(!at[GIB - 1] && !byte_at(fd, (long)GIB - 1));
    at[0] = 'x';
    CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (long)PAGE) && !at[0]);
#endif
    munmap(at, GIB);
    close(fd);
    unlink(NAME);
}

static void mappings_are_cut_moved_and_made_larger(void)
{
    int fd = make_file(NAME, 8 * PAGE);
    char *at = mmap(NULL, 7 * PAGE, PROT_NONE, ANON, -1, 0), *moved;

    CHECK(mmap(at, 6 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, PAGE) == at && !munmap(at + 6 * PAGE, PAGE));
    CHECK(!munmap(at + 2 * PAGE, PAGE));
    CHECK(at[PAGE] == 'c' && at[3 * PAGE] == 'e');
    CHECK_ERRNO(mremap(at, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), EFAULT);
    moved = mremap(at + 3 * PAGE, 3 * PAGE, 4 * PAGE, 0);
    CHECK(moved == at + 3 * PAGE && moved[3 * PAGE] == 'h');
    CHECK(mmap(at + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == at + 2 * PAGE);
    moved = mremap(at, 2 * PAGE, 7 * PAGE, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved != at && moved[0] == 'b' && moved[6 * PAGE] == 'h');
    moved[6 * PAGE] = 'x';
    CHECK(at[6 * PAGE] == 'x' && byte_at(fd, 7 * PAGE) == 'x');
    CHECK(mmap(moved + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) == moved + PAGE);
    CHECK(moved[PAGE] == 'a' && moved[0] == 'b' && moved[2 * PAGE] == 'd');
    munmap(moved, 7 * PAGE);
    munmap(at, 7 * PAGE);
    close(fd);
}

/* A service's buffer lies in the very file that it writes. */
static void a_file_is_copied_within_itself(void)
{
    int fd = make_file(NAME, 4 * PAGE);
    char *at = share(fd, 4 * PAGE, RW, 0);

    CHECK(pwrite(fd, at + PAGE, PAGE, 2 * PAGE) == PAGE && at[2 * PAGE] == 'b');
    CHECK(pread(fd, at, PAGE, 3 * PAGE) == PAGE && byte_at(fd, 5) == 'd');
    CHECK(pwrite(fd, at, PAGE, 6 * PAGE) == PAGE && byte_at(fd, 6 * PAGE) == 'd');
    munmap(at, 4 * PAGE);
    close(fd);
}

static void other_kinds_of_file(void)
{
    int fd = open("/dev/zero", O_RDWR), pair[2];
    char *at = share(fd, PAGE, RW, 0);

    at[5] = 5;
    CHECK(at[5] == 5 && !at[6]);
    munmap(at, PAGE);
    close(fd);
    CHECK(!pipe(pair));
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, pair[0], 0), ENODEV);
    close(pair[0]), close(pair[1]);
    fd = open("/proc/self/status", O_RDONLY);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
    close(fd);
}

/* Pages that nobody has room for are SIGBUS, and the guest goes on. */
static void a_file_that_finds_no_memory_is_sigbus(void)
{
#ifdef __stardust__
    int fd = make_file(NAME, 0);
    size_t there = 0;
    char *at;

    CHECK(!ftruncate(fd, (long)GIB));
    at = share(fd, GIB, RW, 0);
    while (there < GIB && !is_bus(at + there))
        there += PAGE;
    CHECK(there > MIB && there < GIB);
    CHECK(pwrite(fd, "x", 1, (long)there) == -1 && errno == ENOSPC);
    CHECK(!ftruncate(fd, 0) && !ftruncate(fd, (long)PAGE) && !at[0]);
    munmap(at, GIB);
    close(fd);
    unlink(NAME);
#endif
}

/* With a file /borrowed of 5,000 times 'b' in the ramdisk. */
void a_file_of_the_ramdisk_is_copied_at_the_first_touch(void)
{
    int fd = open("/borrowed", O_RDWR), reader = open("/borrowed", O_RDONLY);
    char *at = share(reader, 2 * PAGE, PROT_READ, 0), *other = share(fd, 2 * PAGE, RW, 0), byte;

    CHECK(at[0] == 'b' && at[4999] == 'b' && !at[5000]);
    CHECK(pwrite(fd, "1", 1, 1) == 1 && at[1] == '1' && other[1] == '1');
    other[2] = '2';
    CHECK(at[2] == '2' && byte_at(reader, 2) == '2' && byte_at(reader, 3) == 'b');
    other[4999] = '3';
    CHECK(byte_at(reader, 4999) == '3' && byte_at(reader, 4998) == 'b' && pread(fd, &byte, 1, 5000) == 0);
    CHECK(!ftruncate(fd, 3) && is_bus(other + PAGE) && !at[3]);
    munmap(at, 2 * PAGE);
    munmap(other, 2 * PAGE);
    close(fd), close(reader);
}

const struct claim shared_claims[] = {
    CLAIM(a_store_reaches_the_file_and_every_other_mapping),
    CLAIM(a_file_outlives_its_name_and_descriptor_in_a_mapping),
    CLAIM(rights_are_those_of_the_open_file),
    CLAIM(what_lies_behind_the_file_s_end_is_sigbus),
    CLAIM(a_hole_gets_its_page_at_the_first_touch),
    CLAIM(mappings_are_cut_moved_and_made_larger),
    CLAIM(a_file_is_copied_within_itself),
    CLAIM(other_kinds_of_file),
    CLAIM(a_file_that_finds_no_memory_is_sigbus),
    {NULL, NULL},
};
