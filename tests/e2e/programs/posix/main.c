/*
 * Checks itself: what the services behind the C library promise. One claim's name as argument runs that
 * alone; `abort` calls abort().
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

const char *failed;

static int number, failures;

static void run(const struct claim *claim, const char *only)
{
    for (; claim->name; claim++) {
        if (only && strcmp(only, claim->name) != 0)
            continue;
        failed = NULL;
        claim->run();
        if (failed)
            printf("# %s\n", failed);
        printf("%sok %d - %s\n", failed ? "not " : "", ++number, claim->name);
        failures += failed != NULL;
    }
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    if (only && !strcmp(only, "abort"))
        abort();
    setvbuf(stdout, NULL, _IONBF, 0);
    run(memory_claims, only);
    run(file_claims, only);
    run(other_claims, only);
    printf("1..%d\n", number);
    return failures || !number ? 1 : 0;
}
