/* The steps of the boot, and of the end. Private to stardust/. */
#ifndef STARDUST_BOOT_BOOT_H
#define STARDUST_BOOT_BOOT_H

#include <xenlib/sched.h>

/* Splits the command line: kernel options, and the program's arguments behind "--". */
void sd_cmdline_init(const char *line);
/* Calls `each` for every kernel option that nobody knows. */
void sd_cmdline_unknown(void (*each)(const char *option));
/* The program's arguments, argv[argc] being NULL; argv[0] is the option argv0, or `name` without it. */
char **sd_cmdline_args(char *name, int *argc);

/* Value of the kernel option NAME that stands there as number `index` of that name, from 0; NULL when there
 * are fewer. Stays. */
char *sd_cmdline_option(const char *name, size_t index);

/* Starts the thread that obeys control/shutdown. 0 or -ENOMEM. */
int sd_toolstack_start(void) xen_must_check;

/* Ends the guest: console written out, status in xenstore when it is not 0. Does not return; a second caller
 * waits. */
_Noreturn void sd_end(enum xen_shutdown reason, int status);

/* What the image runs: its main, or its tests (program.c, or test/test.c in a test image). */
int sd_run_program(void);

#endif
