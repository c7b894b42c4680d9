/*
 * In place of those functions of libgcc that keep values behind the stack pointer (the red zone), which a
 * guest does not have. The compiler calls them; names and arguments are libgcc's (GCC internals, "The GCC
 * low-level runtime library"). Pure.
 */
#ifndef SDK_RUNTIME_H
#define SDK_RUNTIME_H

#include <stdint.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

/* Quotient; the remainder goes to *rest unless it is NULL. Division by 0 traps as the processor's does. */
u128 __udivmodti4(u128 a, u128 b, u128 *rest);
u128 __udivti3(u128 a, u128 b);
u128 __umodti3(u128 a, u128 b);
i128 __divti3(i128 a, i128 b);
i128 __modti3(i128 a, i128 b);
i128 __divmodti4(i128 a, i128 b, i128 *rest);

/* (a + ib) * (c + id) and (a + ib) / (c + id), with C's rules for infinities (C17, annex G.5.1). */
float _Complex __mulsc3(float a, float b, float c, float d);
float _Complex __divsc3(float a, float b, float c, float d);
long double _Complex __mulxc3(long double a, long double b, long double c, long double d);
long double _Complex __divxc3(long double a, long double b, long double c, long double d);

/* Between 80-bit floating point and integers. */
long double __floattixf(i128 a);
long double __floatuntixf(u128 a);
uint64_t __fixunsxfdi(long double a);

/* Of 128-bit floating point: negation, from integers, and the raising of exceptions (FE_… of fenv.h) for the
 * rest of it. */
__float128 __negtf2(__float128 a);
__float128 __floatsitf(int32_t a);
__float128 __floatunsitf(uint32_t a);
__float128 __floatditf(int64_t a);
__float128 __floatunditf(uint64_t a);
void __sfp_handle_exceptions(int which);

#endif
