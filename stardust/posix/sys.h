/*
 * The services behind the C library: what musl calls in place of system calls (sdk/libc/syscall_arch.h).
 *
 * Each does what Linux's call of the same name does, takes the same arguments in the same order, and returns
 * its result or a negative errno (man 2 NAME). Thread context. Pointers come from the program: what they
 * point to is read and written only by sd_copy_in and sd_copy_out, which give -EFAULT where nothing is
 * mapped.
 */
#ifndef STARDUST_POSIX_SYS_H
#define STARDUST_POSIX_SYS_H

#include <stddef.h>

#include <stdint.h>

struct iovec;
struct pollfd;
struct stat;
struct timespec;
struct timeval;
struct utsname;

long sd_sys_read(int fd, void *buffer, size_t bytes);
long sd_sys_readv(int fd, const struct iovec *vectors, int count);
long sd_sys_write(int fd, const void *buffer, size_t bytes);
long sd_sys_writev(int fd, const struct iovec *vectors, int count);
long sd_sys_close(int fd);
long sd_sys_lseek(int fd, long offset, int whence);
long sd_sys_ioctl(int fd, unsigned long request, void *arg);
long sd_sys_fcntl(int fd, int command, unsigned long arg);
long sd_sys_dup(int fd);
long sd_sys_dup2(int from, int to);
long sd_sys_dup3(int from, int to, int flags);
long sd_sys_fstat(int fd, struct stat *status);

long sd_sys_mmap(void *address, size_t bytes, int prot, int flags, int fd, long offset);
long sd_sys_munmap(void *address, size_t bytes);
long sd_sys_mprotect(void *address, size_t bytes, int prot);
long sd_sys_mremap(void *address, size_t old_bytes, size_t new_bytes, int flags, void *place);
long sd_sys_madvise(void *address, size_t bytes, int advice);
long sd_sys_brk(void *end);

long sd_sys_clock_gettime(int clock, struct timespec *time);
long sd_sys_clock_getres(int clock, struct timespec *resolution);
long sd_sys_clock_nanosleep(int clock, int flags, const struct timespec *wanted, struct timespec *left);
long sd_sys_nanosleep(const struct timespec *wanted, struct timespec *left);
long sd_sys_gettimeofday(struct timeval *time, void *zone);

long sd_sys_exit(int status);
long sd_sys_exit_group(int status);
long sd_sys_getpid(void);
long sd_sys_gettid(void);
long sd_sys_getppid(void);
long sd_sys_getuid(void);
long sd_sys_geteuid(void);
long sd_sys_getgid(void);
long sd_sys_getegid(void);
long sd_sys_set_tid_address(int *address);
long sd_sys_sched_yield(void);
long sd_sys_uname(struct utsname *name);

/* Structures and sets as the system calls have them, not as a program sees them (musl's ksigaction.h). */
long sd_sys_rt_sigaction(int number, const void *action, void *old, size_t set_bytes);
long sd_sys_rt_sigprocmask(int how, const void *set, void *old, size_t set_bytes);
long sd_sys_rt_sigpending(void *set, size_t set_bytes);
long sd_sys_kill(int process, int number);
long sd_sys_tkill(int thread, int number);
long sd_sys_tgkill(int process, int thread, int number);

long sd_sys_futex(int *address, int operation, int value, const struct timespec *timeout, int *other,
                  int extra);

long sd_sys_getrandom(void *buffer, size_t bytes, unsigned flags);

/* Bytes that nobody foresees, into the kernel's memory. The first call gathers the seed. */
void sd_random(void *buffer, size_t bytes);

#endif
