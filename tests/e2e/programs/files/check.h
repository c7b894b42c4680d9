/* What the program's claims stand on: TAP, a line for each. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

extern const char *failed; /* what was not so, in the claim that runs; NULL so far */

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

/* The claim that runs fails. Goes on. */
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

struct claim {
    const char *name;
    void (*run)(void);
};

/* Each ends with an entry without a name. */
extern const struct claim open_claims[], name_claims[], directory_claims[], data_claims[], attribute_claims[],
    descriptor_claims[], system_claims[];

/* A file of this text; a check fails if it cannot be made. */
void put(const char *path, const char *text);
/* Whether a file says just this. */
bool says(const char *path, const char *text);
/* The path leads to something (links are not followed). */
bool there(const char *path);

#endif
