#include "copy.h"

#include <xenlib/trap.h>

static bool has_failed;

void sd_net_copy(void *to, const void *from, size_t bytes)
{
    if (xen_trap_copy(to, from, bytes))
        has_failed = true;
}

bool sd_net_copy_has_failed(void)
{
    bool had = has_failed;

    has_failed = false;
    return had;
}
