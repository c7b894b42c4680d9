/* The claims of this program; what they stand on is programs/posix/check.h. */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "../posix/check.h"

#include <stdint.h>

/* Each ends with an entry without a name. */
extern const struct claim pipe_claims[], fifo_claims[], counter_claims[], poll_claims[], epoll_claims[],
    timer_claims[], socket_claims[];

#define CLAIM(name)                                                                                          \
    {                                                                                                        \
#name, name                                                                                          \
    }

/* Where nothing is; the compiler does not know. */
extern char *volatile bad;

/* Monotonic time in ns. */
int64_t now(void);
/* What poll says of one descriptor at once. */
int ready(int fd, int events);

#endif
