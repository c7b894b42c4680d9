/*
 * What sd_call (call.S) has left at the upper end of the kernel stack: the program as it called the service
 * that runs now.
 */
#ifndef STARDUST_POSIX_X86_64_CALLER_H
#define STARDUST_POSIX_X86_64_CALLER_H

#include "../preempt.h"

struct sd_caller {
    uint64_t rcx, rdx, rsi, rdi, service, rbp, rip, rsp;
};

static inline const struct sd_caller *sd_caller(void)
{
    return (const struct sd_caller *)sd_kernel_stack - 1;
}

#endif
