/* What the claims of this program stand on. */
#ifndef CHECK_H
#define CHECK_H

#include "../../claims.h"

/* Each ends with an entry without a name. */
extern const struct claim memory_claims[], file_claims[], other_claims[];

#endif
