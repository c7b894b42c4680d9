/* links: descriptor.c */
#include <posix/file.h>

#include <errno.h>
#include <stdlib.h>

#include <stardust/memory.h>

#include "tap.h"

static bool no_memory;
static unsigned closed;

void *sd_calloc(size_t count, size_t bytes)
{
    return no_memory ? NULL : calloc(count, bytes);
}

void sd_free(void *block)
{
    free(block);
}

static void on_close(struct sd_file *file)
{
    (void)file;
    closed++;
}

static const struct sd_file_ops ops = {.close = on_close};
struct sd_file sd_console_file = {.ops = &ops, .references = 3};

TEST(console_is_there_at_the_start)
{
    for (int fd = -2; fd < 6; fd++) {
        struct sd_file *file = sd_fd_get(fd);

        TEST_CHECK((file != NULL) == (fd >= 0 && fd <= 2), "%d", fd);
        if (file)
            sd_file_put(file);
    }
    TEST_CHECK(sd_console_file.references == 3);
}

TEST(lowest_free_descriptor_is_given)
{
    struct sd_file file = {.ops = &ops, .references = 3};

    TEST_CHECK(sd_fd_install(&file, 0, false) == 3);
    TEST_CHECK(sd_fd_install(&file, 10, true) == 10);
    TEST_CHECK(sd_fd_install(&file, 3, false) == 4);
    TEST_CHECK(sd_fd_cloexec(3) == 0 && sd_fd_cloexec(10) == 1);
    TEST_CHECK(!sd_fd_set_cloexec(10, false) && sd_fd_cloexec(10) == 0);
    TEST_CHECK(!sd_fd_close(3) && sd_fd_close(3) == -EBADF);
    file.references++;
    TEST_CHECK(sd_fd_install(&file, 0, false) == 3);
    closed = 0;
    TEST_CHECK(!sd_fd_close(3) && !sd_fd_close(4) && !closed);
    TEST_CHECK(!sd_fd_close(10) && closed == 1 && !file.references);
}

TEST(file_in_use_outlives_its_descriptor)
{
    struct sd_file file = {.ops = &ops, .references = 1};
    struct sd_file *held;

    closed = 0;
    TEST_REQUIRE(sd_fd_install(&file, 0, false) == 3);
    held = sd_fd_get(3);
    TEST_CHECK(held == &file && !sd_fd_close(3) && !closed);
    sd_file_put(held);
    TEST_CHECK(closed == 1);
}

TEST(replacing_closes_what_was_there)
{
    struct sd_file first = {.ops = &ops, .references = 1}, second = {.ops = &ops, .references = 1};

    closed = 0;
    TEST_CHECK(sd_fd_install(&first, 5, true) == 5);
    TEST_CHECK(sd_fd_replace(5, &second, false) == 5 && closed == 1 && sd_fd_cloexec(5) == 0);
    TEST_CHECK(!sd_fd_close(5) && closed == 2);
}

TEST(what_is_out_of_range_is_refused)
{
    static const int numbers[] = {-1, -1000, 1024, 1025, SD_FD_MAX, 0x7fffffff};
    struct sd_file file = {.ops = &ops, .references = 1};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        TEST_CHECK(sd_fd_install(&file, numbers[i], false) == -EINVAL, "%zu", i);
        TEST_CHECK(sd_fd_replace(numbers[i], &file, false) == -EBADF, "%zu", i);
        TEST_CHECK(sd_fd_close(numbers[i]) == -EBADF && !sd_fd_get(numbers[i]), "%zu", i);
        TEST_CHECK(sd_fd_cloexec(numbers[i]) == -EBADF && sd_fd_set_cloexec(numbers[i], true) == -EBADF,
                   "%zu", i);
    }
    TEST_CHECK(file.references == 1);
}

TEST(table_without_memory_or_place_says_so)
{
    struct sd_file file = {.ops = &ops, .references = 70000};

    no_memory = true;
    TEST_CHECK(sd_fd_install(&file, 900, false) == -ENOMEM && sd_fd_replace(900, &file, false) == -ENOMEM);
    no_memory = false;
    TEST_CHECK(sd_fd_limit() == 1024);
    for (int fd = 3; fd < 1024; fd++)
        TEST_CHECK(sd_fd_install(&file, 0, false) == fd);
    TEST_CHECK(sd_fd_install(&file, 0, false) == -EMFILE && sd_fd_install(&file, 500, false) == -EMFILE);
    for (int fd = 3; fd < 1024; fd++)
        TEST_CHECK(!sd_fd_close(fd));
    TEST_CHECK(sd_fd_install(&file, 0, false) == 3 && !sd_fd_close(3));
}

TEST(limit_can_be_moved_up_to_65536)
{
    struct sd_file file = {.ops = &ops, .references = 70000};
    int fd = 3;

    sd_fd_set_limit(SD_FD_MAX);
    while (fd < SD_FD_MAX && sd_fd_install(&file, 0, fd % 2) == fd)
        fd++;
    TEST_CHECK(fd == SD_FD_MAX && sd_fd_install(&file, 0, false) == -EMFILE, "%d", fd);
    TEST_CHECK(sd_fd_cloexec(60001) == 1 && sd_fd_cloexec(60000) == 0);
    sd_fd_set_limit(10);
    TEST_CHECK(!sd_fd_close(40000) && sd_fd_install(&file, 0, false) == -EMFILE && !sd_fd_close(7));
    TEST_CHECK(sd_fd_install(&file, 0, false) == 7 && sd_fd_next(39999) == 39999 &&
               sd_fd_next(40000) == 40001);
    for (fd = 3; fd < SD_FD_MAX; fd++)
        TEST_CHECK(sd_fd_close(fd) == (fd == 40000 ? -EBADF : 0));
    TEST_CHECK(sd_fd_next(3) == -1);
    sd_fd_set_limit(1024);
}

TEST(with_a_limit_of_0_there_is_none_left_to_reserve)
{
    struct sd_file file = {.ops = &ops, .references = 1};

    sd_fd_set_limit(0);
    TEST_CHECK(sd_fd_reserve() == -EMFILE);
    TEST_CHECK(sd_fd_install(&file, 0, false) == -EMFILE);
    TEST_CHECK(sd_fd_install(&file, 1, false) == -EINVAL && sd_fd_install(&file, -1, false) == -EINVAL);
    sd_fd_set_limit(1024);
    TEST_CHECK(sd_fd_reserve() == 3);
    sd_fd_fill(3, NULL, false);
}

int main(void)
{
    return tap_run();
}
