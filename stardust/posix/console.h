/*
 * The console's input as a file's, apart from its output: in the image of what reads (read.c), not of what
 * only prints. Private to stardust/posix. Thread context.
 */
#ifndef STARDUST_POSIX_CONSOLE_H
#define STARDUST_POSIX_CONSOLE_H

#include <xenlib/types.h>

struct sd_file;
struct sd_readiness;
struct winsize;

/* As in struct sd_file_ops. */
long sd_console_read(struct sd_file *file, void *buffer, size_t bytes);
long sd_console_ioctl(struct sd_file *file, unsigned long request, void *arg);
unsigned sd_console_ready(struct sd_file *file);
struct sd_readiness *sd_console_readiness(struct sd_file *file);

/* Whether a person's terminal is at the other end (kernel option `tty`), and its size; 0 columns and rows
 * when nobody told. */
bool sd_console_terminal(struct winsize *size);

#endif
