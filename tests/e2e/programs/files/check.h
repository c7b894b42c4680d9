/* What the claims of this program stand on. */
#ifndef CHECK_H
#define CHECK_H

#include "../../claims.h"

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
