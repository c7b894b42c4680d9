/*
 * What the flags and features of projects for Linux leave in a program: prints the same there as in a guest.
 * Built with flags that do not apply to a guest, which shall do no harm.
 */
#include <complex.h>
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int constructed;
static __thread int local = 4;
static __thread int zero[100];
extern int nobody __attribute__((weak));

__attribute__((constructor(101))) static void first(void)
{
    constructed = 1;
}

__attribute__((constructor)) static void second(void)
{
    constructed = constructed * 10 + 2;
}

__attribute__((destructor)) static void last(void)
{
    puts("destructor");
}

static void *in_a_thread(void *arg)
{
    local += *(int *)arg;
    return (void *)(long)(local + zero[99]);
}

static void integers(int one)
{
    unsigned __int128 large = ((unsigned __int128)one << 127) / 1000000007,
                      rest = ((unsigned __int128)one << 127) % 1000000007;

    printf("int128 %llx %llx %llu\n", (unsigned long long)(large >> 64), (unsigned long long)large,
           (unsigned long long)rest);
    printf("signed %d\n", (int)((__int128)-one * 7000000000000000000 * 3 / 7000000000000000000));
}

static void floats(int one)
{
    float complex f = (float)one + 2 * I, g = f * f / (3.0f * f);
    long double complex l = (long double)one - 1.0L * I;

    l = l * l / (l + 1);
    printf("complex %.3f %.3f %.3Lf %.3Lf\n", (double)crealf(g), (double)cimagf(g), creall(l), cimagl(l));
    feclearexcept(FE_ALL_EXCEPT);
    printf("inexact %d", fetestexcept(FE_INEXACT) != 0);
    feraiseexcept(FE_INEXACT | FE_OVERFLOW);
    printf(" %d", fetestexcept(FE_INEXACT) != 0);
    fesetround(FE_UPWARD);
    printf(" upward %d", fegetround() == FE_UPWARD);
    printf(" %ld %ld\n", lrint(one + 0.25), lrintl(one + 0.25L));
    fesetenv(FE_DFL_ENV);
    printf("standard %d %d", fetestexcept(FE_ALL_EXCEPT), fegetround() == FE_TONEAREST);
    printf(" %ld\n", lrint(one + 0.25));
    printf("math %.6f %.6Lf %.6Lf %.6f\n", pow(one + 1, 0.5), expm1l(one), exp2l(one + 0.5L),
           tgamma(one + 4));
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *result = NULL;
    char text[16];

    strcpy(text, "protected");
    printf("%s %d %d %d\n", text, constructed, &nobody != NULL, strcmp(argv[argc - 1], "last"));
    integers(argc - 1);
    floats(argc - 1);
    if (pthread_create(&thread, NULL, in_a_thread, &argc) || pthread_join(thread, &result))
        return 1;
    printf("thread %ld %d\n", (long)result, local);
    return 0;
}
