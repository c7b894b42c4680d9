/*
 * The plain arithmetic is done in the function's own type, division of floats in double, as libgcc does.
 * Infinities, which the plain way turns into two NaNs, are the same in every type, so that there is one way
 * for all of them.
 */
#include "runtime.h"

#include <stdbool.h>

typedef long double real;

#define INFINITE ((real)__builtin_inf())

/* An infinity becomes 1, anything else 0, with its sign. */
static real box(real a)
{
    return __builtin_copysignl(__builtin_isinf(a) ? 1.0L : 0.0L, a);
}

static real zero_for_nan(real a)
{
    return __builtin_isnan(a) ? __builtin_copysignl(0.0L, a) : a;
}

/* `overflow`: one of the four products is infinite. x and y are the two NaNs. */
static _Complex long double multiply_again(real a, real b, real c, real d, bool overflow, real x, real y)
{
    bool again = false;

    if (__builtin_isinf(a) || __builtin_isinf(b)) {
        a = box(a), b = box(b);
        c = zero_for_nan(c), d = zero_for_nan(d);
        again = true;
    }
    if (__builtin_isinf(c) || __builtin_isinf(d)) {
        c = box(c), d = box(d);
        a = zero_for_nan(a), b = zero_for_nan(b);
        again = true;
    }
    if (!again && overflow) {
        a = zero_for_nan(a), b = zero_for_nan(b);
        c = zero_for_nan(c), d = zero_for_nan(d);
        again = true;
    }
    if (!again)
        return __builtin_complex(x, y);
    return __builtin_complex(INFINITE * (a * c - b * d), INFINITE * (a * d + b * c));
}

static _Complex long double divide_again(real a, real b, real c, real d, real x, real y)
{
    if (c == 0 && d == 0 && (!__builtin_isnan(a) || !__builtin_isnan(b))) {
        real infinity = __builtin_copysignl(INFINITE, c);

        return __builtin_complex(infinity * a, infinity * b);
    }
    if ((__builtin_isinf(a) || __builtin_isinf(b)) && __builtin_isfinite(c) && __builtin_isfinite(d)) {
        a = box(a), b = box(b);
        return __builtin_complex(INFINITE * (a * c + b * d), INFINITE * (b * c - a * d));
    }
    if ((__builtin_isinf(c) || __builtin_isinf(d)) && __builtin_isfinite(a) && __builtin_isfinite(b)) {
        c = box(c), d = box(d);
        return __builtin_complex(0.0L * (a * c + b * d), 0.0L * (b * c - a * d));
    }
    return __builtin_complex(x, y);
}

float _Complex __mulsc3(float a, float b, float c, float d)
{
    float ac = a * c, bd = b * d, ad = a * d, bc = b * c, x = ac - bd, y = ad + bc;
    _Complex long double again;

    if (!__builtin_isnan(x) || !__builtin_isnan(y))
        return __builtin_complex(x, y);
    again = multiply_again(
        a, b, c, d, __builtin_isinf(ac) || __builtin_isinf(bd) || __builtin_isinf(ad) || __builtin_isinf(bc),
        x, y);
    return __builtin_complex((float)__real__ again, (float)__imag__ again);
}

long double _Complex __mulxc3(long double a, long double b, long double c, long double d)
{
    real ac = a * c, bd = b * d, ad = a * d, bc = b * c, x = ac - bd, y = ad + bc;

    if (!__builtin_isnan(x) || !__builtin_isnan(y))
        return __builtin_complex(x, y);
    return multiply_again(
        a, b, c, d, __builtin_isinf(ac) || __builtin_isinf(bd) || __builtin_isinf(ad) || __builtin_isinf(bc),
        x, y);
}

float _Complex __divsc3(float a, float b, float c, float d)
{
    double wide_a = a, wide_b = b, wide_c = c, wide_d = d, size = wide_c * wide_c + wide_d * wide_d;
    float x = (float)((wide_a * wide_c + wide_b * wide_d) / size),
          y = (float)((wide_b * wide_c - wide_a * wide_d) / size);
    _Complex long double again;

    if (!__builtin_isnan(x) || !__builtin_isnan(y))
        return __builtin_complex(x, y);
    again = divide_again(a, b, c, d, x, y);
    return __builtin_complex((float)__real__ again, (float)__imag__ again);
}

/* The exponent of the larger, by which both are scaled so that their squares fit. 0 where there is none. */
static int exponent(real c, real d)
{
    real larger = __builtin_fabsl(c) > __builtin_fabsl(d) ? c : d;
    union {
        real value;
        struct {
            uint64_t fraction;
            uint16_t sign_exponent;
        };
    } parts = {.value = larger};

    return __builtin_isfinite(larger) && larger != 0 ? (parts.sign_exponent & 0x7fff) - 0x3fff : 0;
}

/* 2 to the n, |n| below the type's largest exponent. */
static real power(int n)
{
    union {
        real value;
        struct {
            uint64_t fraction;
            uint16_t sign_exponent;
        };
    } parts = {.fraction = (uint64_t)1 << 63};

    parts.sign_exponent = (uint16_t)(0x3fff + n);
    return parts.value;
}

/* C17, annex G.5.1, example 2. The factor is applied in two steps: each fits even where both do not. */
long double _Complex __divxc3(long double a, long double b, long double c, long double d)
{
    int scale = -exponent(c, d), half = scale / 2;
    real one = power(half), two = power(scale - half), scaled_c = c * one * two, scaled_d = d * one * two;
    real size = scaled_c * scaled_c + scaled_d * scaled_d;
    real x = (a * scaled_c + b * scaled_d) / size * one * two,
         y = (b * scaled_c - a * scaled_d) / size * one * two;

    if (!__builtin_isnan(x) || !__builtin_isnan(y))
        return __builtin_complex(x, y);
    return divide_again(a, b, c, d, x, y);
}
