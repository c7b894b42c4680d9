/*
 * Checks itself: what the services behind the C library promise. One claim's name as argument runs that
 * alone; `abort` calls abort().
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    if (only && !strcmp(only, "abort"))
        abort();
    setvbuf(stdout, NULL, _IONBF, 0);
    run_claims(memory_claims, only);
    run_claims(file_claims, only);
    run_claims(other_claims, only);
    return end_claims();
}
