/* links: pipe_buffer.c */
#include <posix/pipe_buffer.h>
#include <posix/vm_pages.h>

#include <errno.h>
#include <stdlib.h>

#include <stardust/memory.h>

#include "tap.h"

#define PAGE 4096ul

static long pages, most_pages;
static bool no_memory;

void *sd_calloc(size_t count, size_t bytes)
{
    return no_memory ? NULL : calloc(count, bytes);
}

void sd_free(void *block)
{
    free(block);
}

bool sd_vm_has(size_t count)
{
    (void)count;
    return true;
}

void *sd_page_alloc(unsigned order)
{
    TEST_CHECK(!order);
    if (no_memory)
        return NULL;
    if (++pages > most_pages)
        most_pages = pages;
    return malloc(PAGE);
}

void sd_page_free(void *block, unsigned order)
{
    TEST_CHECK(!order && block);
    pages--;
    free(block);
}

/* The bytes of the stream count up; what was written and read of it so far. */
static uint64_t written, seen;

static char byte_of(uint64_t at)
{
    return (char)(at * 2654435761 >> 13);
}

static size_t fill(struct sd_pipe_buffer *buffer, size_t wanted)
{
    size_t done = 0;

    while (done < wanted) {
        size_t bytes = wanted - done;
        char *room = sd_pipe_buffer_room(buffer, &bytes);

        if (!room)
            break;
        for (size_t i = 0; i < bytes; i++)
            room[i] = byte_of(written++);
        sd_pipe_buffer_filled(buffer, bytes);
        done += bytes;
    }
    return done;
}

static size_t drain(struct sd_pipe_buffer *buffer, size_t wanted)
{
    size_t done = 0, wrong = 0;

    while (done < wanted) {
        size_t bytes = wanted - done;
        const char *data = sd_pipe_buffer_data(buffer, &bytes);

        if (!data)
            break;
        for (size_t i = 0; i < bytes; i++)
            wrong += data[i] != byte_of(seen++);
        sd_pipe_buffer_emptied(buffer, bytes);
        done += bytes;
    }
    TEST_CHECK(!wrong);
    return done;
}

static void begin(struct sd_pipe_buffer *buffer, size_t bytes)
{
    written = seen = 0;
    most_pages = 0;
    TEST_REQUIRE(!sd_pipe_buffer_init(buffer, bytes));
}

TEST(small_writes_read_in_turn_need_one_page)
{
    struct sd_pipe_buffer buffer;

    begin(&buffer, 16 * PAGE);
    for (int i = 0; i < 100000; i++)
        TEST_REQUIRE(fill(&buffer, 7) == 7 && drain(&buffer, 100) == 7);
    TEST_CHECK(most_pages == 1);
    sd_pipe_buffer_free(&buffer);
    TEST_CHECK(!pages);
}

TEST(bytes_come_in_order_through_any_pattern)
{
    struct sd_pipe_buffer buffer;
    unsigned seed = 7;

    begin(&buffer, 4 * PAGE);
    for (int turn = 0; turn < 20000; turn++) {
        size_t count = buffer.count, wanted, done;

        seed = seed * 1103515245 + 12345;
        wanted = (seed >> 8) % (5 * PAGE);
        if (seed >> 30 & 1) {
            done = fill(&buffer, wanted);
            TEST_REQUIRE(done == (wanted < 4 * PAGE - count ? wanted : 4 * PAGE - count), "in turn %d", turn);
        } else {
            done = drain(&buffer, wanted);
            TEST_REQUIRE(done == (wanted < count ? wanted : count), "in turn %d", turn);
        }
        TEST_REQUIRE(pages <= (long)(buffer.count / PAGE) + 2 && pages <= 4, "in turn %d", turn);
    }
    sd_pipe_buffer_free(&buffer);
    TEST_CHECK(!pages);
}

TEST(another_capacity_keeps_the_contents)
{
    static const size_t capacities[] = {8, 2, 1, 16, 3};

    for (size_t start = 0; start < 4 * PAGE; start += 1000) {
        struct sd_pipe_buffer buffer;

        begin(&buffer, 4 * PAGE);
        TEST_REQUIRE(fill(&buffer, start) == start && fill(&buffer, 1) == 1 &&
                     drain(&buffer, start) == start);
        TEST_REQUIRE(fill(&buffer, 3000) == 3000);
        for (size_t i = 0; i < 5; i++)
            TEST_CHECK(!sd_pipe_buffer_resize(&buffer, capacities[i] * PAGE) &&
                           sd_pipe_buffer_capacity(&buffer) == capacities[i] * PAGE,
                       "%zu", i);
        TEST_CHECK(drain(&buffer, PAGE) == 3001);
        sd_pipe_buffer_free(&buffer);
        TEST_CHECK(!pages);
    }
}

TEST(too_small_a_capacity_is_refused)
{
    struct sd_pipe_buffer buffer;

    begin(&buffer, 2 * PAGE);
    TEST_CHECK(fill(&buffer, PAGE + 1) == PAGE + 1 && sd_pipe_buffer_resize(&buffer, PAGE) == -EBUSY);
    TEST_CHECK(drain(&buffer, 1) == 1 && !sd_pipe_buffer_resize(&buffer, PAGE) &&
               drain(&buffer, PAGE) == PAGE);
    sd_pipe_buffer_free(&buffer);
}

TEST(without_memory_nothing_is_lost)
{
    struct sd_pipe_buffer buffer;

    begin(&buffer, 4 * PAGE);
    TEST_CHECK(fill(&buffer, PAGE + 100) == PAGE + 100);
    no_memory = true;
    TEST_CHECK(sd_pipe_buffer_resize(&buffer, 8 * PAGE) == -ENOMEM);
    TEST_CHECK(fill(&buffer, PAGE) == PAGE - 100);
    no_memory = false;
    TEST_CHECK(drain(&buffer, 4 * PAGE) == 2 * PAGE);
    sd_pipe_buffer_free(&buffer);
    TEST_CHECK(!pages);
}

int main(void)
{
    return tap_run();
}
