#include "runtime.h"

#include <fenv.h>

long double __floatuntixf(u128 a)
{
    /* Both halves are exact, and so is the first one's product; the sum is rounded once. */
    return (long double)(uint64_t)(a >> 64) * 0x1p64L + (long double)(uint64_t)a;
}

long double __floattixf(i128 a)
{
    return (long double)(int64_t)(a >> 64) * 0x1p64L + (long double)(uint64_t)a;
}

uint64_t __fixunsxfdi(long double a)
{
    if (a >= 0x1p63L)
        return (uint64_t)(int64_t)(a - 0x1p63L) ^ (uint64_t)1 << 63;
    return (uint64_t)(int64_t)a;
}

union quad {
    __float128 value;
    u128 bits;
};

#define SIGN_BIT      127
#define FRACTION_BITS 112
#define BIAS          0x3fff

__float128 __negtf2(__float128 a)
{
    union quad quad = {.value = a};

    quad.bits ^= (u128)1 << SIGN_BIT;
    return quad.value;
}

/* Exact: 113 bits hold any of 64. */
__float128 __floatunditf(uint64_t a)
{
    union quad quad = {.bits = 0};

    if (a) {
        int top = 63 - __builtin_clzll(a);
        u128 fraction = (u128)a << (FRACTION_BITS - top) & (((u128)1 << FRACTION_BITS) - 1);

        quad.bits = (u128)(BIAS + top) << FRACTION_BITS | fraction;
    }
    return quad.value;
}

__float128 __floatditf(int64_t a)
{
    union quad quad = {.value = __floatunditf(a < 0 ? -(uint64_t)a : (uint64_t)a)};

    if (a < 0)
        quad.bits |= (u128)1 << SIGN_BIT;
    return quad.value;
}

__float128 __floatunsitf(uint32_t a)
{
    return __floatunditf(a);
}

__float128 __floatsitf(int32_t a)
{
    return __floatditf(a);
}

/* Each by an operation that has it. */
void __sfp_handle_exceptions(int which)
{
    volatile float zero = 0, large = 0x1.fffffep127F, small = 0x1p-126F, result;

    if (which & FE_INVALID)
        result = zero * __builtin_inff();
    if (which & FE_DIVBYZERO)
        result = 1 / zero;
    if (which & FE_OVERFLOW)
        result = large * large;
    if (which & FE_UNDERFLOW)
        result = small * small;
    if (which & FE_INEXACT)
        result = small + 1;
    (void)result;
}
