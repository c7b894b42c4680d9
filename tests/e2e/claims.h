/*
 * For programs that check themselves: TAP, a line for each claim. The same source builds for Linux, where it
 * must find the same.
 */
#ifndef TESTS_E2E_CLAIMS_H
#define TESTS_E2E_CLAIMS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SHARED __attribute__((weak)) /* one for all files that include this */

SHARED const char *volatile failed; /* what was not so, in the claim that runs; NULL so far */
SHARED int claims_made, claims_failed;

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

/* The claim that runs fails. Goes on. Any thread. */
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition) && !failed)                                                                         \
            failed = __FILE__ ":" TEXT(__LINE__) ": " #condition;                                            \
    } while (0)

/* The call gives -1 with this errno. */
#define CHECK_ERRNO(call, error)                                                                             \
    do {                                                                                                     \
        errno = 0;                                                                                           \
        CHECK((long)(call) == -1 && errno == (error));                                                       \
    } while (0)

/* A list of them ends with an entry without a name. */
struct claim {
    const char *name;
    void (*run)(void);
};

#define CLAIM(name)                                                                                          \
    {                                                                                                        \
#name, name                                                                                          \
    }

static inline void run_one(const struct claim *claim)
{
    failed = NULL;
    claim->run();
    if (failed)
        printf("# %s\n", failed);
    printf("%sok %d - %s\n", failed ? "not " : "", ++claims_made, claim->name);
    claims_failed += failed != NULL;
}

/* All of the list, or the one that is named. */
static inline void run_claims(const struct claim *claim, const char *only)
{
    for (; claim->name; claim++)
        if (!only || !strcmp(only, claim->name))
            run_one(claim);
}

/* The last line; what main returns. */
static inline int end_claims(void)
{
    printf("1..%d\n", claims_made);
    return claims_failed || !claims_made ? 1 : 0;
}

#endif
