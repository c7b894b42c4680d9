/* Between timers and the scheduler. Private to stardust/. */
#ifndef STARDUST_TIME_TIMER_H
#define STARDUST_TIME_TIMER_H

#include <stardust/timer.h>

/* The earliest deadline; XEN_FOREVER when none runs. */
uint64_t sd_timers_next(void);

/* Calls what is due at `now`. Thread context. */
void sd_timers_run(uint64_t now);

#endif
