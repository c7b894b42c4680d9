/*
 * Checks itself: memory as mmap's family gives it. A claim's name as argument runs that alone; `overcommit`
 * touches more memory than there is, `double-free` gives a block back twice. Most of it runs on Linux, too
 * (gcc -o memory *.c).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

__attribute__((noinline)) static void touch_all(volatile char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 4096)
        at[i] = 1;
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (only && !strcmp(only, "name")) {
        puts(argv[0]);
        return 0;
    }
    if (only && !strcmp(only, "double-free")) {
        char *volatile block = malloc(100), *volatile beside = malloc(100);

        free(block);
        free(block);
        return !beside;
    }
    if (only && !strcmp(only, "overcommit")) {
        size_t bytes = 1ul << 30;

        touch_all(
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
            bytes);
        return 0;
    }
    if (only) {
        run_claims((struct claim[]){CLAIM(a_thread_has_a_stack_of_64_mib),
                                    CLAIM(a_file_of_the_ramdisk_is_copied_at_the_first_touch),
                                    {NULL, NULL}},
                   only);
    }
    run_claims(demand_claims, only);
    run_claims(mapping_claims, only);
    run_claims(address_claims, only);
    run_claims(shared_claims, only);
    run_claims(limit_claims, only);
    return end_claims();
}
