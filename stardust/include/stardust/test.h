/*
 * Tests that run inside the guest, registered where they stand; see docs/guest-contract.md for what they
 * print.
 *
 * Four outcomes: success; skip, with a reason; error, the test itself is broken; failure, the subject is.
 */
#ifndef STARDUST_TEST_H
#define STARDUST_TEST_H

#include <xenlib/types.h>

struct sd_test {
    const char *name; /* the claim */
    void (*run)(void);
};

#define SD_TEST(claim)                                                                                       \
    static void claim(void);                                                                                 \
    static const struct sd_test sd_test_##claim                                                              \
        __attribute__((section("sd_test"), used, retain, aligned(16))) = {#claim, claim};                    \
    static void claim(void)

/* Each reports FILE:LINE and what; check goes on, require leaves the test. The test has failed. */
bool sd_test_check(bool ok, const char *file, int line, const char *what);
void sd_test_note(const char *format, ...) xen_printf(1, 2);
void sd_test_skip(const char *why);
void sd_test_error(const char *why);

#define SD_CHECK(condition) sd_test_check((condition), __FILE__, __LINE__, #condition)
#define SD_REQUIRE(condition)                                                                                \
    do {                                                                                                     \
        if (!SD_CHECK(condition))                                                                            \
            return;                                                                                          \
    } while (0)

#endif
