/*
 * What the kernel offers to a program, and asks of it.
 */
#ifndef STARDUST_KERNEL_H
#define STARDUST_KERNEL_H

#include <xenlib/types.h>

/* The program. Its result, 0 to 255, is the guest's exit status. Runs on the main thread's stack of 64 KiB.
 */
int main(int argc, char **argv);

/* Ends the guest as if main had returned `status`. Console output is complete before. */
_Noreturn void sd_exit(int status);
/* Reboots the guest. */
_Noreturn void sd_reboot(void);

/*
 * Called when the toolstack asks the guest to end, in thread context, before the guest does; for saying
 * good-bye. One at a time; NULL for none.
 */
void sd_on_shutdown(void (*function)(void));

/* Text to the console; waits for a slow reader and drops what nobody reads. */
void sd_write(const char *text, size_t bytes);
void sd_printf(const char *format, ...) xen_printf(1, 2);
/* A line from the console, as xen_console_read_line. */
long sd_read_line(char *line, size_t size, uint64_t deadline) xen_must_check;

/* Value of a kernel option of the command line ("ip" of "ip=dhcp"), copied and terminated; false when it is
 * not there. */
bool sd_option(const char *name, char *value, size_t size);

/* Nanoseconds of system time. */
uint64_t sd_now(void);

#endif
