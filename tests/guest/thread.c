/* Threads, their waiting and their end. */
#include <stardust/test.h>

#include <errno.h>

#include <stardust/memory.h>
#include <stardust/thread.h>
#include <stardust/timer.h>
#include <xenlib/pagetable.h>
#include <xenlib/time.h>

static unsigned counter;

static void add(void *arg)
{
    unsigned seen = counter;

    sd_thread_yield();
    counter = seen + *(unsigned *)arg;
}

SD_TEST(join_waits_for_the_end)
{
    struct sd_thread *thread;
    unsigned one = 1;

    counter = 0;
    SD_REQUIRE(!sd_thread_start("add", add, &one, &thread));
    SD_CHECK(counter == 0);
    sd_thread_join(thread);
    SD_CHECK(counter == 1);
}

static struct sd_mutex mutex;

static void add_locked(void *arg)
{
    sd_mutex_lock(&mutex);
    add(arg);
    sd_mutex_unlock(&mutex);
}

SD_TEST(mutex_lets_one_in_at_a_time)
{
    enum { THREADS = 20 };
    struct sd_thread *threads[THREADS];
    unsigned one = 1;

    counter = 0;
    sd_mutex_init(&mutex);
    for (int i = 0; i < THREADS; i++)
        SD_REQUIRE(!sd_thread_start("add", add_locked, &one, &threads[i]));
    for (int i = 0; i < THREADS; i++)
        sd_thread_join(threads[i]);
    SD_CHECK(counter == THREADS);
    SD_CHECK(sd_mutex_try(&mutex));
    SD_CHECK(!sd_mutex_try(&mutex));
    sd_mutex_unlock(&mutex);
}

static struct xen_lock lock;
static struct xen_waitq queue = {{&queue.waiters, &queue.waiters}};
static bool condition;

static void wake_later(void *arg)
{
    (void)arg;
    sd_thread_sleep_until(xen_time_now() + 2 * SD_MS);
    xen_platform_lock(&lock);
    condition = true;
    xen_platform_unlock(&lock);
    xen_platform_wake(&queue);
}

SD_TEST(wait_ends_by_wake_or_by_deadline)
{
    struct sd_thread *thread;
    uint64_t deadline = xen_time_now() + 3 * SD_MS;
    int result = 0;

    xen_platform_lock(&lock);
    SD_CHECK(xen_platform_wait(&queue, &lock, deadline) == -ETIMEDOUT);
    SD_CHECK(xen_time_now() >= deadline);
    xen_platform_unlock(&lock);

    condition = false;
    SD_REQUIRE(!sd_thread_start("waker", wake_later, NULL, &thread));
    xen_platform_lock(&lock);
    while (!condition && !result)
        result = xen_platform_wait(&queue, &lock, xen_time_now() + 10 * SD_SECOND);
    xen_platform_unlock(&lock);
    SD_CHECK(condition && !result);
    sd_thread_join(thread);
}

static void nothing(void *arg)
{
    (void)arg;
}

SD_TEST(ended_threads_leave_nothing_behind)
{
    struct sd_memory_stats before, after;
    struct sd_thread *thread;

    /* The first one may bring memory in. */
    SD_REQUIRE(!sd_thread_start("one", nothing, NULL, &thread));
    sd_thread_join(thread);
    sd_memory_stats(&before);
    for (int i = 0; i < 100; i++) {
        SD_REQUIRE(!sd_thread_start("one", nothing, NULL, i % 2 ? &thread : NULL));
        if (i % 2)
            sd_thread_join(thread);
        else
            sd_thread_yield();
    }
    /* A detached thread's stack is freed by the next one to start or end. */
    SD_REQUIRE(!sd_thread_start("last", nothing, NULL, &thread));
    sd_thread_join(thread);
    sd_memory_stats(&after);
    SD_CHECK(after.pages_free == before.pages_free);
}

static void look_below(void *arg)
{
    char here, *stack = xen_page_of(&here);

    while (xen_pt_query(stack, NULL, NULL))
        stack -= XEN_PAGE_SIZE;
    *(size_t *)arg = (size_t)((char *)xen_page_of(&here) - stack) / XEN_PAGE_SIZE;
}

SD_TEST(thread_stacks_have_a_guard_page)
{
    struct sd_thread *thread;
    size_t pages = 0;

    SD_REQUIRE(!sd_thread_start("look", look_below, &pages, &thread));
    sd_thread_join(thread);
    SD_CHECK(pages >= 2 && pages <= 8);
}

static void look_at_frame(void *arg)
{
    *(uintptr_t *)arg = (uintptr_t)__builtin_frame_address(0);
}

SD_TEST(thread_stacks_are_aligned_as_the_abi_wants_it)
{
    struct sd_thread *thread;
    uintptr_t frame = 1;

    SD_REQUIRE(!sd_thread_start("look", look_at_frame, &frame, &thread));
    sd_thread_join(thread);
    SD_CHECK(frame % 16 == 0);
}

SD_TEST(threads_run_out_as_an_errno)
{
    struct sd_thread *all[600];
    size_t count = 0;
    int error = 0;

    while (count < 600 && !(error = sd_thread_start("many", nothing, NULL, &all[count])))
        count++;
    SD_CHECK(count == 600 || error == -ENOMEM);
    SD_CHECK(count >= 50);
    while (count)
        sd_thread_join(all[--count]);
}
