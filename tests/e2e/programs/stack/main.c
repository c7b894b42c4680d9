/*
 * The main thread's stack. Without an argument its claims, which hold on Linux as well, where a stack of
 * 8 MiB is usual; with one the ways to leave it, and what has been set.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../claims.h"

#define LEFT (64ul << 10) /* of the stack, when the deepest call is reached */

static char **words;

static size_t limit(void)
{
    struct rlimit stack;

    return getrlimit(RLIMIT_STACK, &stack) ? 0 : stack.rlim_cur;
}

/* So that no compiler makes one frame of several. */
static long descend(uintptr_t until);
static long (*volatile deeper)(uintptr_t until) = descend;

static long descend(uintptr_t until)
{
    volatile char frame[1000];

    frame[0] = 1;
    frame[999] = 1;
    return (uintptr_t)frame > until ? deeper(until) + frame[0] : frame[999];
}

static uintptr_t lowest(void)
{
    return (uintptr_t)words - limit();
}

static void a_recursion_goes_as_deep_as_the_limit_says(void)
{
    long frames = descend(lowest() + LEFT);

    CHECK(frames > (long)((limit() - 2 * LEFT) / 1200) && frames < (long)(limit() / 1000));
    CHECK(descend(lowest() + LEFT) == frames);
}

__attribute__((noinline)) static long read_into_an_array(void)
{
    char array[1 << 20];
    int zero = open("/dev/zero", O_RDONLY);
    long got = read(zero, array, sizeof(array));

    close(zero);
    return got == (long)sizeof(array) && !memchr(array, 1, sizeof(array)) ? 0 : -1;
}

__attribute__((noinline)) static long write_to_an_array(void)
{
    volatile char array[1 << 20];
    long sum = 0;

    for (size_t i = 0; i < sizeof(array); i++)
        array[i] = (char)i;
    for (size_t i = 0; i < sizeof(array); i++)
        sum += array[i];
    return sum;
}

static void an_array_of_1_mib_may_be_local(void)
{
    CHECK(write_to_an_array() == -(1 << 19));
    CHECK(!read_into_an_array());
}

static void the_program_s_words_are_on_it(void)
{
    CHECK((uintptr_t)words - (uintptr_t)__builtin_frame_address(0) < 65536);
    CHECK((uintptr_t)environ - (uintptr_t)words < 65536);
}

static void the_thread_s_attributes_say_where_it_is(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    pthread_attr_t attr;
    size_t bytes = 0;
    void *start;

    CHECK(!pthread_getattr_np(pthread_self(), &attr) && !pthread_attr_getstack(&attr, &start, &bytes));
    CHECK(here > (uintptr_t)start && here < (uintptr_t)start + bytes);
#ifdef __stardust__
    CHECK(bytes == limit() && (uintptr_t)words < (uintptr_t)start + bytes);
#endif
}

static void proc_maps_says_where_it_is(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), start, end;
    FILE *maps = fopen("/proc/self/maps", "r");
    bool found = false;
    char line[200];

    CHECK(maps);
    while (maps && fgets(line, sizeof(line), maps))
        if (strstr(line, "rw-p") && strstr(line, "[stack]") && sscanf(line, "%lx-%lx", &start, &end) == 2)
            found = here >= start && here < end && end - start <= limit() && (uintptr_t)words < end;
    CHECK(found);
    fclose(maps);
}

static volatile sig_atomic_t ticks;

static void tick(int number)
{
    (void)number;
    ticks++;
}

static void signals_and_events_find_room_on_it(void)
{
    struct itimerval every = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    long frames = descend(lowest() + LEFT);

    signal(SIGALRM, tick);
    setitimer(ITIMER_REAL, &every, NULL);
    while (ticks < 20)
        CHECK(descend(lowest() + LEFT) == frames);
    setitimer(ITIMER_REAL, &never, NULL);
}

static const struct claim claims[] = {
    CLAIM(the_program_s_words_are_on_it),
    CLAIM(an_array_of_1_mib_may_be_local),
    CLAIM(a_recursion_goes_as_deep_as_the_limit_says),
    CLAIM(signals_and_events_find_room_on_it),
    CLAIM(the_thread_s_attributes_say_where_it_is),
    CLAIM(proc_maps_says_where_it_is),
    {NULL, NULL},
};

/* Raised, as programs do that recurse deeply; and used. */
static int raise_limit(size_t bytes)
{
    struct rlimit stack = {0};

    getrlimit(RLIMIT_STACK, &stack);
    printf("limit %zu, at most %zd\n", (size_t)stack.rlim_cur, (ssize_t)stack.rlim_max);
    stack.rlim_cur = bytes;
    if (stack.rlim_max < bytes)
        stack.rlim_max = bytes;
    if (setrlimit(RLIMIT_STACK, &stack)) {
        perror("setrlimit");
        return 1;
    }
    printf("%ld frames in %zu bytes\n", descend(lowest() + LEFT), limit());
    return 0;
}

int main(int argc, char **argv)
{
    words = argv;
    if (argc > 1 && !strcmp(argv[1], "limit"))
        printf("limit %zu\n", limit());
    else if (argc > 2 && !strcmp(argv[1], "raise"))
        return raise_limit(strtoul(argv[2], NULL, 10));
    else if (argc > 1 && !strcmp(argv[1], "deep"))
        printf("%ld frames\n", descend(lowest() + LEFT));
    else if (argc > 1 && !strcmp(argv[1], "overflow"))
        descend(0);
    else {
        run_claims(claims, NULL);
        return end_claims();
    }
    return 0;
}
