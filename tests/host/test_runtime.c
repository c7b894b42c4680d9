/*
 * What is tested is included here, under other names than those of the compiler's own library.
 *
 * The compiler's runtime functions in place of libgcc's, against libgcc's (sdk/runtime).
 */
#include "../../sdk/runtime/runtime.h"

#define __udivmodti4            our_udivmodti4
#define __udivti3               our_udivti3
#define __umodti3               our_umodti3
#define __divti3                our_divti3
#define __modti3                our_modti3
#define __divmodti4             our_divmodti4
#define __mulsc3                our_mulsc3
#define __divsc3                our_divsc3
#define __mulxc3                our_mulxc3
#define __divxc3                our_divxc3
#define __floattixf             our_floattixf
#define __floatuntixf           our_floatuntixf
#define __fixunsxfdi            our_fixunsxfdi
#define __negtf2                our_negtf2
#define __floatsitf             our_floatsitf
#define __floatunsitf           our_floatunsitf
#define __floatditf             our_floatditf
#define __floatunditf           our_floatunditf
#define __sfp_handle_exceptions our_sfp_handle_exceptions
#undef SDK_RUNTIME_H
#include "../../sdk/runtime/complex.c"
#include "../../sdk/runtime/float.c"
#include "../../sdk/runtime/int128.c"

#include <math.h>
#include <string.h>

#include "tap.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const uint64_t words[] = {0,
                                 1,
                                 2,
                                 3,
                                 7,
                                 10,
                                 0xffffffff,
                                 0x100000000,
                                 0x7fffffffffffffff,
                                 0x8000000000000000,
                                 0x8000000000000001,
                                 0xfffffffffffffffe,
                                 0xffffffffffffffff,
                                 0x123456789abcdef0};

static u128 number(size_t i)
{
    return (u128)words[i / COUNT(words)] << 64 | words[i % COUNT(words)];
}

#define NUMBERS (COUNT(words) * COUNT(words))

TEST(division_by_128_bits_is_the_compilers)
{
    size_t wrong = 0;

    for (size_t i = 0; i < NUMBERS; i++)
        for (size_t j = 1; j < NUMBERS; j++) {
            u128 a = number(i), b = number(j), rest;

            wrong += our_udivmodti4(a, b, &rest) != a / b || rest != a % b || our_udivti3(a, b) != a / b ||
                     our_umodti3(a, b) != a % b;
            if ((i128)b == -1)
                continue; /* the smallest number by -1 is undefined */
            wrong += our_divti3((i128)a, (i128)b) != (i128)a / (i128)b ||
                     our_modti3((i128)a, (i128)b) != (i128)a % (i128)b;
        }
    TEST_CHECK(wrong == 0);
}

TEST(random_divisions_are_the_compilers)
{
    uint64_t state = 88172645463325252, part[4];
    size_t wrong = 0;

    for (int i = 0; i < 200000; i++) {
        for (int k = 0; k < 4; k++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            part[k] = state;
        }
        u128 a = ((u128)part[0] << 64 | part[1]) >> part[2] % 128,
             b = ((u128)part[3] << 64 | part[2]) >> part[0] % 128, rest;

        wrong += b && (our_udivmodti4(a, b, &rest) != a / b || rest != a % b);
    }
    TEST_CHECK(wrong == 0);
}

static bool same(long double a, long double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static const float parts[] = {0.0F,   -0.0F,  1,      -1,       2.5F,      3,  1e30F,
                              -1e38F, 1e-30F, 1e-44F, INFINITY, -INFINITY, NAN};

TEST(complex_floats_are_the_compilers)
{
    size_t wrong = 0;
    size_t n = COUNT(parts);

    for (size_t i = 0; i < n * n * n * n; i++) {
        float a = parts[i % n], b = parts[i / n % n], c = parts[i / n / n % n], d = parts[i / n / n / n];
        float _Complex x = __builtin_complex(a, b), y = __builtin_complex(c, d), product = x * y,
                       ours = our_mulsc3(a, b, c, d);

        wrong += !same(__real__ product, __real__ ours) || !same(__imag__ product, __imag__ ours);
    }
    TEST_CHECK(wrong == 0);
}

TEST(complex_long_products_are_the_compilers)
{
    size_t wrong = 0;
    size_t n = COUNT(parts);

    for (size_t i = 0; i < n * n * n * n; i++) {
        long double a = parts[i % n], b = parts[i / n % n], c = parts[i / n / n % n],
                    d = parts[i / n / n / n];
        long double _Complex product = __builtin_complex(a, b) * __builtin_complex(c, d),
                             ours = our_mulxc3(a, b, c, d);

        wrong += !same(__real__ product, __real__ ours) || !same(__imag__ product, __imag__ ours);
    }
    TEST_CHECK(wrong == 0);
}

TEST(complex_quotients_times_the_divisor_are_the_dividend)
{
    static const long double values[] = {1, -3, 0.7L, 1e10L, 1e-10L, 1e2000L, 1e-2000L, 1e4900L, 1e-4900L};
    size_t wrong = 0, n = COUNT(values);

    for (size_t i = 0; i < n * n; i++) {
        long double c = values[i % n], d = values[i / n];
        long double _Complex one = our_divxc3(c, d, c, d), half = our_divxc3(c / 2, d / 2, c, d);

        wrong += fabsl(__real__ one - 1) > 1e-17L || fabsl(__imag__ one) > 1e-17L ||
                 fabsl(__real__ half - 0.5L) > 1e-17L;
    }
    TEST_CHECK(wrong == 0);
    TEST_CHECK(__real__ our_divsc3(4, 2, 3, 1) == 1.4F && __imag__ our_divsc3(4, 2, 3, 1) == 0.2F);
    TEST_CHECK(isinf(__real__ our_divsc3(1, 1, 0, 0)) && isinf(__real__ our_divxc3(1, 1, 0, 0)));
    TEST_CHECK(__real__ our_divsc3(1, 1, INFINITY, 0) == 0 && isinf(__real__ our_divxc3(INFINITY, 1, 1, 1)));
}

TEST(long_double_conversions_are_the_compilers)
{
    size_t wrong = 0;

    for (size_t i = 0; i < NUMBERS; i++) {
        u128 a = number(i);

        wrong +=
            !same(our_floatuntixf(a), (long double)a) || !same(our_floattixf((i128)a), (long double)(i128)a);
    }
    for (size_t i = 0; i < COUNT(words); i++)
        wrong += our_fixunsxfdi((long double)words[i]) != words[i];
    TEST_CHECK(wrong == 0);
}

/* clang has no 128-bit format of its own here, so their bits are known instead. */
static u128 bits(__float128 a)
{
    u128 raw;

    memcpy(&raw, &a, sizeof(raw));
    return raw;
}

TEST(quad_conversions_have_the_formats_bits)
{
    TEST_CHECK(bits(our_floatsitf(0)) == 0);
    TEST_CHECK(bits(our_floatsitf(1)) == (u128)0x3fff << 112);
    TEST_CHECK(bits(our_floatsitf(-2)) == (u128)0xc000 << 112);
    TEST_CHECK(bits(our_floatunsitf(0x80000000)) == (u128)(0x3fff + 31) << 112);
    TEST_CHECK(bits(our_floatditf(3)) == ((u128)0x4000 << 112 | (u128)1 << 111));
    TEST_CHECK(bits(our_floatditf(INT64_MIN)) == (u128)(0xbfff + 63) << 112);
    TEST_CHECK(bits(our_floatunditf(UINT64_MAX)) ==
               ((u128)(0x3fff + 63) << 112 | (u128)0x7fffffffffffffff << 49));
    TEST_CHECK(bits(our_negtf2(our_floatsitf(1))) == (u128)0xbfff << 112);
}

int main(void)
{
    return tap_run();
}
