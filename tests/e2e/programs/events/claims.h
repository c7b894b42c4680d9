/* The claims of this program; what they stand on is tests/e2e/claims.h. */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "../../claims.h"

#include <stdint.h>

/* Each ends with an entry without a name. */
extern const struct claim pipe_claims[], fifo_claims[], counter_claims[], poll_claims[], epoll_claims[],
    timer_claims[], socket_claims[];

/* Where nothing is; the compiler does not know. */
extern char *volatile bad;

/* Monotonic time in ns. */
int64_t now(void);
/* What poll says of one descriptor at once. */
int ready(int fd, int events);

#endif
