/*
 * Before musl's atomic_arch.h: its a_crash, the end of a program that has found its own memory damaged, is an
 * instruction that the kernel alone may use. A PVH guest's program may, too, and would stand still there.
 * Where no address can be, it is the same exception in every guest, and the SIGSEGV that it is on Linux.
 */
#include_next <atomic_arch.h>

__attribute__((unused, noinline, cold)) static void sd_crash(void)
{
    __asm__ volatile("movb $0, (%0)" : : "r"(1ul << 63) : "memory");
}

#undef a_crash
#define a_crash sd_crash
