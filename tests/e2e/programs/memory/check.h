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

#define CLAIM(name)                                                                                          \
    {                                                                                                        \
#name, name                                                                                          \
    }

#define PAGE 4096ul
#define MIB  (1ul << 20)
#define GIB  (1ul << 30)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define LAZY (ANON | MAP_NORESERVE)
#define RW   (PROT_READ | PROT_WRITE)

void a_thread_has_a_stack_of_64_mib(void);
void a_file_of_the_ramdisk_is_copied_at_the_first_touch(void);

/* Each ends with an entry without a name. */
extern const struct claim demand_claims[], mapping_claims[], address_claims[], limit_claims[],
    shared_claims[];

#endif
