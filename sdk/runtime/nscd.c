/*
 * No daemon that knows names runs beside a guest. Asked for a user or a group that /etc does not tell of,
 * musl finds nothing, as on a Linux without one; its own way to find that out is a Unix socket, with which
 * every program that looks up its home directory would carry the network.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

FILE *__nscd_query(int32_t request, const char *key, int32_t *answer, size_t bytes, int *swap);

/* An answer of zeros, which is "not found", and a file for the caller to close. */
FILE *__nscd_query(int32_t request, const char *key, int32_t *answer, size_t bytes, int *swap)
{
    (void)request;
    (void)key;
    *swap = 0;
    memset(answer, 0, bytes);
    return fopen("/dev/null", "re");
}
