/*
 * A third room for the kernel above: an ordinary process of Linux in place of a guest (stardust-cc --host).
 * These files define what xenlib's headers declare, as far as a program for the C library needs it; what
 * differs is told there. Private to sdk/host.
 */
#ifndef SDK_HOST_HOST_H
#define SDK_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* A system call of Linux's: its result, or a negative errno. Any context. */
static inline long host_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;

    __asm__ volatile("syscall"
                     : "+a"(number)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return number;
}

#define HOST_CALL(number, a, b, c, d) host_call((number), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* Says why there can be no process, and ends it with status 125. */
_Noreturn void host_fail(const char *what);

/* The value of a variable of the environment that the process was started with; NULL without it. */
const char *host_environment(const char *name);

/* ---- called by start.c, in this order ---- */

/* Remembers where arguments and environment are; the latter ends with NULL. */
void host_set_words(int argc, char **argv, char **environment);
/* Makes memory and address space. `megabytes` of memory. */
void host_make_memory(size_t megabytes);
/* Puts a file's bytes, for the ramdisk, to where they can be read for good. */
void host_load_file(const char *path, const void **bytes, size_t *count);
/* Makes exceptions and the timer arrive. */
void host_take_signals(void);

/* Begins to compare the time-stamp counter with the time, for xen_time_at; the counter now. */
uint64_t host_start_clock(void);

/* ---- the rest ---- */

/* What the process ends with. */
extern int host_status;

/* Nanoseconds of a clock of Linux's. */
uint64_t host_clock(int clock);

/* Whether the console's user waits for input; and what is called, with upcalls off, when there is some. */
bool host_console_wants(void);
void host_console_arrived(void);
/* Gives the terminal back as it was. */
void host_console_restore(void);
/* Takes the line discipline from the terminal; the kernel has its own. */
void host_console_raw(void);

#endif
