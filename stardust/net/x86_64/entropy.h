/*
 * What the CPU can tell that nobody else knows.
 */
#ifndef STARDUST_NET_X86_64_ENTROPY_H
#define STARDUST_NET_X86_64_ENTROPY_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t sd_cpu_ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Whether the CPU has RDSEED: leaf 7, EBX bit 18. */
static inline bool sd_cpu_has_seed(void)
{
    uint32_t leaf = 0, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(leaf), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (leaf < 7)
        return false;
    leaf = 7;
    ecx = 0;
    __asm__ volatile("cpuid" : "+a"(leaf), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ebx >> 18 & 1;
}

/* 0 when the source gave nothing in a while: others may have drawn it dry. */
static inline uint64_t sd_cpu_seed(void)
{
    uint64_t value;
    bool valid;

    for (int tries = 0; tries < 100; tries++) {
        __asm__ volatile("rdseed %0" : "=r"(value), "=@ccc"(valid));
        if (valid)
            return value;
        __asm__ volatile("pause");
    }
    return 0;
}

/* Whether the CPU has RDRAND: leaf 1, ECX bit 30. */
static inline bool sd_cpu_has_random(void)
{
    uint32_t leaf = 1, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(leaf), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx >> 30 & 1;
}

static inline bool sd_cpu_try_random(uint64_t *value)
{
    bool valid;

    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(valid));
    return valid;
}

/* 0 when the generator gave nothing in ten tries, as Intel advises. */
static inline uint64_t sd_cpu_random(void)
{
    uint64_t value = 0;

    for (int tries = 0; tries < 10; tries++) {
        if (sd_cpu_try_random(&value))
            return value;
    }
    return 0;
}

#endif
