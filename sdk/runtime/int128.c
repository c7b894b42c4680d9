#include "runtime.h"

#include <stddef.h>

static uint64_t high_half(u128 a)
{
    return (uint64_t)(a >> 64);
}

/* 128 by 64 bits; the quotient must fit 64. */
static uint64_t divide(uint64_t high, uint64_t low, uint64_t by, uint64_t *rest)
{
    uint64_t quotient;

    __asm__("divq %4" : "=a"(quotient), "=d"(*rest) : "a"(low), "d"(high), "rm"(by) : "cc");
    return quotient;
}

/* By one word: as by hand, a word at a time. */
static u128 divide_short(u128 a, uint64_t by, u128 *rest)
{
    uint64_t left, high, low;

    high = divide(0, high_half(a), by, &left);
    low = divide(left, (uint64_t)a, by, &left);
    *rest = left;
    return (u128)high << 64 | low;
}

/*
 * By two words: an estimate from the divisor's first 64 bits is at most one too large (Hacker's Delight, 2nd
 * edition, 9-5), once made one smaller; the remainder tells.
 */
static u128 divide_long(u128 a, u128 by, u128 *rest)
{
    int shift = __builtin_clzll(high_half(by));
    uint64_t first = high_half(by << shift), ignored, quotient;
    u128 half = a >> 1;

    quotient = divide(high_half(half), (uint64_t)half, first, &ignored) >> (63 - shift);
    if (quotient)
        quotient--;
    a -= quotient * by;
    if (a >= by) {
        a -= by;
        quotient++;
    }
    *rest = a;
    return quotient;
}

u128 __udivmodti4(u128 a, u128 b, u128 *rest)
{
    u128 left, quotient;

    quotient = high_half(b) ? divide_long(a, b, &left) : divide_short(a, (uint64_t)b, &left);
    if (rest)
        *rest = left;
    return quotient;
}

u128 __udivti3(u128 a, u128 b)
{
    return __udivmodti4(a, b, NULL);
}

u128 __umodti3(u128 a, u128 b)
{
    u128 rest;

    __udivmodti4(a, b, &rest);
    return rest;
}

i128 __divmodti4(i128 a, i128 b, i128 *rest)
{
    u128 left, quotient = __udivmodti4(a < 0 ? -(u128)a : (u128)a, b < 0 ? -(u128)b : (u128)b, &left);

    if (rest)
        *rest = (i128)(a < 0 ? -left : left);
    return (i128)((a < 0) != (b < 0) ? -quotient : quotient);
}

i128 __divti3(i128 a, i128 b)
{
    return __divmodti4(a, b, NULL);
}

i128 __modti3(i128 a, i128 b)
{
    i128 rest;

    __divmodti4(a, b, &rest);
    return rest;
}
