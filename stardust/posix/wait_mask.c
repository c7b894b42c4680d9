#include "wait_mask.h"

/* signals.h; not there in an image without signals. */
int sd_signal_wait_mask(const void *set, size_t bytes) __attribute__((weak));
void sd_signal_wait_mask_end(bool interrupted) __attribute__((weak));

int sd_mask_enter(const void *set, size_t bytes)
{
    return set && sd_signal_wait_mask ? sd_signal_wait_mask(set, bytes) : 0;
}

void sd_mask_leave(const void *set, bool interrupted)
{
    if (set && sd_signal_wait_mask_end)
        sd_signal_wait_mask_end(interrupted);
}
