/* What the scheduler asks about preemption, in an image where nobody is preempted: all run in order. */
#include "sched.h"

struct xen_list *sd_ready_place(struct sd_cpu *cpu)
{
    return &cpu->ready;
}

void sd_switched(struct sd_cpu *cpu)
{
    (void)cpu;
}

void xen_platform_upcall_done(uint64_t *resume)
{
    (void)resume;
}
