/*
 * The floating-point environment, in place of musl's assembly, which keeps values behind the stack pointer.
 * Both units have their own state: the x87 for long double, SSE for the rest (System V ABI, AMD64, 3.2.1;
 * Intel's manual, volume 1, 8.1 and 10.2.3).
 */
#include <fenv.h>
#include <stdint.h>

#define EXCEPTIONS  0x3f
#define ROUNDING    0xc00
#define MXCSR_SHIFT 3 /* of the rounding mode, against the x87's control word */

int __fesetround(int mode);

static uint32_t read_mxcsr(void)
{
    uint32_t mxcsr;

    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return mxcsr;
}

static void write_mxcsr(uint32_t mxcsr)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

static uint16_t x87_status(void)
{
    uint16_t status;

    __asm__ volatile("fnstsw %0" : "=a"(status));
    return status;
}

/* The x87 forgets all or none, so what shall stay goes to SSE's. */
int feclearexcept(int which)
{
    uint32_t clear = (uint32_t)which & EXCEPTIONS, x87 = x87_status() & EXCEPTIONS, mxcsr = read_mxcsr();

    if (x87 & clear)
        __asm__ volatile("fnclex");
    else
        x87 = 0;
    write_mxcsr((mxcsr | x87) & ~clear);
    return 0;
}

int feraiseexcept(int which)
{
    write_mxcsr(read_mxcsr() | ((uint32_t)which & EXCEPTIONS));
    return 0;
}

int fetestexcept(int which)
{
    return (int)((read_mxcsr() | x87_status()) & (uint32_t)which & EXCEPTIONS);
}

/* musl's fesetround has checked the mode. */
int __fesetround(int mode)
{
    uint16_t control;

    __asm__ volatile("fnstcw %0" : "=m"(control));
    control = (uint16_t)((control & ~ROUNDING) | mode);
    __asm__ volatile("fldcw %0" : : "m"(control));
    write_mxcsr((read_mxcsr() & ~((uint32_t)ROUNDING << MXCSR_SHIFT)) | (uint32_t)mode << MXCSR_SHIFT);
    return 0;
}

int fegetround(void)
{
    return (int)(read_mxcsr() >> MXCSR_SHIFT & ROUNDING);
}

int fegetenv(fenv_t *environment)
{
    /* fnstenv masks all exceptions besides; the control word that it stored puts them back. */
    __asm__ volatile("fnstenv %0\n\tfldcw %0" : "=m"(*environment));
    environment->__mxcsr = read_mxcsr();
    return 0;
}

int fesetenv(const fenv_t *environment)
{
    static const fenv_t standard = {.__control_word = 0x37f, .__tags = 0xffff, .__mxcsr = 0x1f80};

    if (environment == FE_DFL_ENV)
        environment = &standard;
    __asm__ volatile("fldenv %0" : : "m"(*environment));
    write_mxcsr(environment->__mxcsr);
    return 0;
}
