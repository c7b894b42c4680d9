#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

#define GIB   (1ll << 30)
#define MODEL 100000

static void sparse_files_hold_what_is_written(void)
{
    static const long long places[] = {0, 4095, 4096, 5 * GIB + 1, 1000 * GIB, 300000};
    struct stat status;
    char text[8];
    int fd = open("sparse", O_RDWR | O_CREAT | O_TRUNC, 0644);

    for (int i = 0; i < 6; i++)
        CHECK(pwrite(fd, "data", 4, places[i]) == 4);
    for (int i = 0; i < 6; i++)
        CHECK(pread(fd, text, 3, places[i] + 1) == 3 && (i == 1 || i == 2 || !memcmp(text, "ata", 3)));
    CHECK(!fstat(fd, &status) && status.st_size == 1000 * GIB + 4 && status.st_blocks * 512 < 1 << 20);
    CHECK(pread(fd, text, 8, 50000) == 8 && !memcmp(text, "\0\0\0\0\0\0\0\0", 8));
    CHECK(pread(fd, text, 8, 1000 * GIB + 2) == 2 && !pread(fd, text, 8, 1000 * GIB + 4));
    CHECK(lseek(fd, 0, SEEK_DATA) == 0 && lseek(fd, 0, SEEK_HOLE) == 8192);
    CHECK(lseek(fd, 8192, SEEK_DATA) == 299008 && lseek(fd, 299009, SEEK_DATA) == 299009);
    CHECK(lseek(fd, 400000, SEEK_DATA) == 5 * GIB && lseek(fd, 1000 * GIB + 1, SEEK_HOLE) == 1000 * GIB + 4);
    CHECK_ERRNO(lseek(fd, 1000 * GIB + 4, SEEK_DATA), ENXIO);
    CHECK(!ftruncate(fd, 4098) && pread(fd, text, 8, 4094) == 4 && !memcmp(text, "\0ddat", 1));
    CHECK(!ftruncate(fd, 10000) && pread(fd, text, 8, 4096) == 8 && !memcmp(text + 2, "\0\0\0\0\0\0", 6));
    CHECK_ERRNO(pwrite(fd, "x", 1, INT64_MAX), EINVAL);
    CHECK_ERRNO(pread(fd, text, 1, INT64_MAX), EINVAL);
    CHECK_ERRNO(pread(fd, text, 1, -1), EINVAL);
    CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
    CHECK(!close(fd) && !unlink("sparse"));
}

/* The same done to memory. */
static void random_work_leaves_what_a_model_says(void)
{
    static char model[MODEL], buffer[MODEL];
    int fd = open("work", O_RDWR | O_CREAT | O_TRUNC, 0644);
    size_t size = 0;

    memset(model, 0, sizeof(model));
    srand(4);
    for (int i = 0; i < 2000; i++) {
        size_t at = (size_t)rand() % (MODEL - 9000), bytes = (size_t)rand() % 9000;

        switch (rand() % 5) {
        case 0:
            CHECK(!ftruncate(fd, (off_t)at));
            if (at < size)
                memset(model + at, 0, size - at);
            size = at;
            break;
        case 1:
            CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)bytes + 1));
            memset(model + at, 0, bytes + 1);
            break;
        default:
            memset(buffer, 'a' + i % 26, bytes);
            CHECK(pwrite(fd, buffer, bytes, (off_t)at) == (ssize_t)bytes);
            memcpy(model + at, buffer, bytes);
            if (bytes && at + bytes > size)
                size = at + bytes;
        }
        if (i % 20 == 0)
            CHECK(pread(fd, buffer, MODEL, 0) == (ssize_t)size && !memcmp(buffer, model, size));
    }
    CHECK(pread(fd, buffer, MODEL, 0) == (ssize_t)size && !memcmp(buffer, model, size));
    CHECK(!close(fd) && !unlink("work"));
}

static void fallocate_gives_places(void)
{
    struct stat status;
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

    CHECK(!fallocate(fd, 0, 0, 10000) && !fstat(fd, &status) && status.st_size == 10000 &&
          status.st_blocks == 24);
    CHECK(!fallocate(fd, FALLOC_FL_KEEP_SIZE, 10000, 10000) && !fstat(fd, &status) &&
          status.st_size == 10000);
    CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192) && !fstat(fd, &status));
    CHECK(lseek(fd, 0, SEEK_DATA) == 8192);
    CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
    CHECK_ERRNO(fallocate(fd, 0, -1, 1), EINVAL);
    CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
    CHECK_ERRNO(fallocate(fd, 0, INT64_MAX, 1), EFBIG);
    CHECK(!close(fd));
    fd = open("f", O_RDONLY);
    CHECK_ERRNO(fallocate(fd, 0, 0, 1), EBADF);
    CHECK(!close(fd) && !unlink("f"));
}

static void vectors_are_read_and_written_at_a_place(void)
{
    char a[3], b[5], one[] = "one", three[] = "three";
    struct iovec out[] = {{one, 3}, {one, 0}, {three, 5}}, in[] = {{a, 3}, {b, 5}};
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

    CHECK(pwritev(fd, out, 3, 2) == 8 && lseek(fd, 0, SEEK_CUR) == 0);
    CHECK(preadv(fd, in, 2, 2) == 8 && !memcmp(a, "one", 3) && !memcmp(b, "three", 5));
    CHECK(preadv(fd, in, 2, 4) == 6 && !memcmp(b, "ree", 3));
    CHECK(writev(fd, out, 3) == 8 && lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 2) == 8 &&
          !memcmp(b, "three", 5));
    CHECK_ERRNO(preadv(fd, in, -1, 0), EINVAL);
    CHECK_ERRNO(preadv(fd, in, 2, -1), EINVAL);
    CHECK(!close(fd) && !unlink("f"));
}

static void one_file_is_copied_to_another(void)
{
    int from, to;
    off_t place = 1;

    put("from", "0123456789");
    put("to", "");
    from = open("from", O_RDONLY);
    to = open("to", O_RDWR);
    CHECK(sendfile(to, from, NULL, 3) == 3 && lseek(from, 0, SEEK_CUR) == 3 && says("to", "012"));
    CHECK(sendfile(to, from, &place, 100) == 9 && place == 10 && lseek(from, 0, SEEK_CUR) == 3);
    CHECK(says("to", "012123456789") && !sendfile(to, from, &place, 1));
    place = 5;
    CHECK(copy_file_range(from, &place, to, NULL, 2, 0) == 2 && place == 7 && says("to", "01212345678956"));
    CHECK_ERRNO(copy_file_range(from, NULL, to, NULL, 2, 1), EINVAL);
    CHECK_ERRNO(copy_file_range(to, NULL, from, NULL, 2, 0), EBADF);
    CHECK_ERRNO(sendfile(from, to, NULL, 2), EBADF);
    CHECK(!close(from) && !close(to) && !unlink("from") && !unlink("to"));
}

static void bad_memory_gives_efault_and_what_was_done_counts(void)
{
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

    CHECK_ERRNO(write(fd, (char *)8, 5), EFAULT);
    CHECK(write(fd, "abc", 3) == 3);
    CHECK_ERRNO(pread(fd, (char *)8, 3, 0), EFAULT);
    CHECK(!read(fd, (char *)8, 3) && !close(fd) && !unlink("f"));
}

const struct claim data_claims[] = {
    CLAIM(sparse_files_hold_what_is_written),
    CLAIM(random_work_leaves_what_a_model_says),
    CLAIM(fallocate_gives_places),
    CLAIM(vectors_are_read_and_written_at_a_place),
    CLAIM(one_file_is_copied_to_another),
    CLAIM(bad_memory_gives_efault_and_what_was_done_counts),
    {NULL, NULL},
};
