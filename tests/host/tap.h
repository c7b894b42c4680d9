/*
 * The harness of the host tests: a table of named claims, run one after another, reported as TAP.
 *
 * A test is a function; TEST_CHECK inside it fails the test and goes on, TEST_REQUIRE leaves the test.
 * A main file is: TEST(name) {…} … and `int main(void) { return tap_run(); }`.
 */
#ifndef TESTS_HOST_TAP_H
#define TESTS_HOST_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct tap_test {
    const char *name;
    void (*run)(void);
    struct tap_test *next;
};

static struct tap_test *tap_first, **tap_last = &tap_first;
static bool tap_failed;

static inline void tap_register(struct tap_test *test)
{
    *tap_last = test;
    tap_last = &test->next;
}

#define TEST(claim)                                                                                          \
    static void claim(void);                                                                                 \
    static struct tap_test claim##_test = {#claim, claim, NULL};                                             \
    __attribute__((constructor)) static void claim##_register(void)                                          \
    {                                                                                                        \
        tap_register(&claim##_test);                                                                         \
    }                                                                                                        \
    static void claim(void)

/* `what...` is an optional printf format and its values, to tell which row of a table it was. */
#define TEST_CHECK(condition, ...)                                                                           \
    ((condition) ? true                                                                                      \
                 : (tap_failed = true, printf("# %s:%d: %s", __FILE__, __LINE__, #condition),                \
                    printf(" " __VA_ARGS__), printf("\n"), false))

#define TEST_REQUIRE(...)                                                                                    \
    do {                                                                                                     \
        if (!TEST_CHECK(__VA_ARGS__))                                                                        \
            return;                                                                                          \
    } while (0)

static inline int tap_run(void)
{
    unsigned number = 0, failures = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct tap_test *test = tap_first; test; test = test->next) {
        tap_failed = false;
        test->run();
        printf("%sok %u - %s\n", tap_failed ? "not " : "", ++number, test->name);
        failures += tap_failed;
    }
    printf("1..%u\n", number);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
