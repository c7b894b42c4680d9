/*
 * Advisory locks. Those of the process never conflict, as there is one; those of open files do: ranges
 * (F_OFD_SETLK), and whole files (flock), which are kept apart, as on Linux.
 */
#ifndef STARDUST_POSIX_LOCK_H
#define STARDUST_POSIX_LOCK_H

#include <xenlib/types.h>

struct flock;
struct sd_file;

/* fcntl's F_GETLK, F_SETLK, F_SETLKW, and F_OFD_…; `lock` is the program's. May wait. */
long sd_lock_control(struct sd_file *file, int command, struct flock *lock) xen_must_check;

/* The open file goes, and its locks with it. Weak: without this module there are none. */
void sd_lock_release(struct sd_file *file) __attribute__((weak));

#endif
