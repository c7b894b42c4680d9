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

struct epoll_event;
struct iovec;
struct itimerspec;
struct itimerval;
struct mmsghdr;
struct msghdr;
struct pollfd;
struct rlimit;
struct rusage;
struct sched_param;
struct stat;
struct statfs;
struct statx;
struct sysinfo;
struct timespec;
struct timeval;
struct tms;
struct utsname;

/* ---- descriptors: io.c, descriptor.c ---- */

long sd_sys_read(int fd, void *buffer, size_t bytes);
long sd_sys_readv(int fd, const struct iovec *vectors, int count);
long sd_sys_write(int fd, const void *buffer, size_t bytes);
long sd_sys_writev(int fd, const struct iovec *vectors, int count);
long sd_sys_pread64(int fd, void *buffer, size_t bytes, long offset);
long sd_sys_pwrite64(int fd, const void *buffer, size_t bytes, long offset);
long sd_sys_preadv(int fd, const struct iovec *vectors, int count, long offset, long high);
long sd_sys_pwritev(int fd, const struct iovec *vectors, int count, long offset, long high);
long sd_sys_sendfile(int to, int from, long *offset, size_t bytes);
long sd_sys_copy_file_range(int from, long *from_offset, int to, long *to_offset, size_t bytes,
                            unsigned flags);
long sd_sys_close(int fd);
long sd_sys_lseek(int fd, long offset, int whence);
long sd_sys_ioctl(int fd, unsigned long request, void *arg);
long sd_sys_fcntl(int fd, int command, unsigned long arg);
long sd_sys_flock(int fd, int operation);
long sd_sys_dup(int fd);
long sd_sys_dup2(int from, int to);
long sd_sys_dup3(int from, int to, int flags);
long sd_sys_fstat(int fd, struct stat *status);
long sd_sys_ftruncate(int fd, long bytes);
long sd_sys_fallocate(int fd, int mode, long offset, long bytes);
long sd_sys_fadvise64(int fd, long offset, long bytes, int advice);
long sd_sys_fsync(int fd);
long sd_sys_fdatasync(int fd);
long sd_sys_sync(void);
long sd_sys_syncfs(int fd);
long sd_sys_getdents64(int fd, void *buffer, size_t bytes);

/* ---- names: path.c and its neighbours ---- */

long sd_sys_open(const char *path, int flags, unsigned mode);
long sd_sys_openat(int directory, const char *path, int flags, unsigned mode);
long sd_sys_creat(const char *path, unsigned mode);
long sd_sys_stat(const char *path, struct stat *status);
long sd_sys_lstat(const char *path, struct stat *status);
long sd_sys_newfstatat(int directory, const char *path, struct stat *status, int flags);
long sd_sys_statx(int directory, const char *path, int flags, unsigned mask, struct statx *status);
long sd_sys_statfs(const char *path, struct statfs *status);
long sd_sys_fstatfs(int fd, struct statfs *status);
long sd_sys_access(const char *path, int mode);
long sd_sys_faccessat(int directory, const char *path, int mode);
long sd_sys_faccessat2(int directory, const char *path, int mode, int flags);
long sd_sys_mkdir(const char *path, unsigned mode);
long sd_sys_mkdirat(int directory, const char *path, unsigned mode);
long sd_sys_mknod(const char *path, unsigned mode, unsigned long device);
long sd_sys_mknodat(int directory, const char *path, unsigned mode, unsigned long device);
long sd_sys_rmdir(const char *path);
long sd_sys_unlink(const char *path);
long sd_sys_unlinkat(int directory, const char *path, int flags);
long sd_sys_rename(const char *from, const char *to);
long sd_sys_renameat(int from_directory, const char *from, int to_directory, const char *to);
long sd_sys_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);
long sd_sys_link(const char *from, const char *to);
long sd_sys_linkat(int from_directory, const char *from, int to_directory, const char *to, int flags);
long sd_sys_symlink(const char *target, const char *path);
long sd_sys_symlinkat(const char *target, int directory, const char *path);
long sd_sys_readlink(const char *path, char *buffer, size_t bytes);
long sd_sys_readlinkat(int directory, const char *path, char *buffer, size_t bytes);
long sd_sys_chmod(const char *path, unsigned mode);
long sd_sys_fchmod(int fd, unsigned mode);
long sd_sys_fchmodat(int directory, const char *path, unsigned mode);
long sd_sys_chown(const char *path, unsigned user, unsigned group);
long sd_sys_lchown(const char *path, unsigned user, unsigned group);
long sd_sys_fchown(int fd, unsigned user, unsigned group);
long sd_sys_fchownat(int directory, const char *path, unsigned user, unsigned group, int flags);
long sd_sys_utimensat(int directory, const char *path, const struct timespec *times, int flags);
long sd_sys_truncate(const char *path, long bytes);
long sd_sys_getcwd(char *buffer, size_t bytes);
long sd_sys_chdir(const char *path);
long sd_sys_fchdir(int fd);
long sd_sys_umask(unsigned mask);
long sd_sys_mount(const char *source, const char *target, const char *type, unsigned long flags,
                  const void *data);
long sd_sys_umount2(const char *target, int flags);

/* ---- pipes, events, readiness ---- */

long sd_sys_pipe(int *fds);
long sd_sys_pipe2(int *fds, int flags);
long sd_sys_eventfd(unsigned value);
long sd_sys_eventfd2(unsigned value, int flags);
long sd_sys_timerfd_create(int clock, int flags);
long sd_sys_timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *old);
long sd_sys_timerfd_gettime(int fd, struct itimerspec *left);
long sd_sys_poll(struct pollfd *fds, unsigned long count, int timeout_ms);
long sd_sys_ppoll(struct pollfd *fds, unsigned long count, const struct timespec *timeout, const void *set,
                  size_t set_bytes);
long sd_sys_select(int count, void *in, void *out, void *except, struct timeval *timeout);
long sd_sys_pselect6(int count, void *in, void *out, void *except, const struct timespec *timeout,
                     const void *mask);
long sd_sys_epoll_create(int size);
long sd_sys_epoll_create1(int flags);
long sd_sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
long sd_sys_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms);
long sd_sys_epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout_ms, const void *set,
                        size_t set_bytes);
long sd_sys_epoll_pwait2(int epoll, struct epoll_event *events, int count, const struct timespec *timeout,
                         const void *set, size_t set_bytes);

/* ---- sockets: socket.c, message.c ---- */

long sd_sys_socket(int family, int type, int protocol);
long sd_sys_socketpair(int family, int type, int protocol, int *fds);
long sd_sys_connect(int fd, const void *address, unsigned bytes);
long sd_sys_bind(int fd, const void *address, unsigned bytes);
long sd_sys_listen(int fd, int backlog);
long sd_sys_accept(int fd, void *address, unsigned *room);
long sd_sys_accept4(int fd, void *address, unsigned *room, int flags);
long sd_sys_shutdown(int fd, int how);
long sd_sys_getsockname(int fd, void *address, unsigned *room);
long sd_sys_getpeername(int fd, void *address, unsigned *room);
long sd_sys_getsockopt(int fd, int level, int option, void *value, unsigned *room);
long sd_sys_setsockopt(int fd, int level, int option, const void *value, unsigned bytes);
long sd_sys_sendto(int fd, const void *buffer, size_t bytes, int flags, const void *address,
                   unsigned address_bytes);
long sd_sys_recvfrom(int fd, void *buffer, size_t bytes, int flags, void *address, unsigned *address_bytes);
long sd_sys_sendmsg(int fd, const struct msghdr *given, int flags);
long sd_sys_recvmsg(int fd, struct msghdr *given, int flags);
long sd_sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
long sd_sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout);

/* ---- memory: vm.c ---- */

long sd_sys_mmap(void *address, size_t bytes, int prot, int flags, int fd, long offset);
long sd_sys_munmap(void *address, size_t bytes);
long sd_sys_mprotect(void *address, size_t bytes, int prot);
long sd_sys_mremap(void *address, size_t old_bytes, size_t new_bytes, int flags, void *place);
long sd_sys_madvise(void *address, size_t bytes, int advice);
long sd_sys_msync(void *address, size_t bytes, int flags);
long sd_sys_mincore(void *address, size_t bytes, unsigned char *resident);
long sd_sys_mlock(const void *address, size_t bytes);
long sd_sys_munlock(const void *address, size_t bytes);
long sd_sys_mlockall(int flags);
long sd_sys_munlockall(void);
long sd_sys_brk(void *end);

/* ---- time: clock.c, timers ---- */

long sd_sys_time(long *seconds);
long sd_sys_times(struct tms *used);
long sd_sys_clock_gettime(int clock, struct timespec *time);
long sd_sys_clock_settime(int clock, const struct timespec *time);
long sd_sys_settimeofday(const struct timeval *time, const void *zone);
long sd_sys_clock_getres(int clock, struct timespec *resolution);
long sd_sys_clock_nanosleep(int clock, int flags, const struct timespec *wanted, struct timespec *left);
long sd_sys_nanosleep(const struct timespec *wanted, struct timespec *left);
long sd_sys_gettimeofday(struct timeval *time, void *zone);
long sd_sys_alarm(unsigned seconds);
long sd_sys_getitimer(int which, struct itimerval *left);
long sd_sys_setitimer(int which, const struct itimerval *wanted, struct itimerval *old);
long sd_sys_timer_create(int clock, void *event, int *id);
long sd_sys_timer_settime(int id, int flags, const struct itimerspec *wanted, struct itimerspec *old);
long sd_sys_timer_gettime(int id, struct itimerspec *left);
long sd_sys_timer_getoverrun(int id);
long sd_sys_timer_delete(int id);

/* ---- the process and its threads ---- */

long sd_sys_exit(int status);
long sd_sys_exit_group(int status);
long sd_sys_getpid(void);
long sd_sys_gettid(void);
long sd_sys_getppid(void);
long sd_sys_getpgid(int process);
long sd_sys_getpgrp(void);
long sd_sys_getsid(int process);
long sd_sys_getuid(void);
long sd_sys_geteuid(void);
long sd_sys_getgid(void);
long sd_sys_getegid(void);
long sd_sys_getgroups(int count, unsigned *groups);
long sd_sys_getresuid(unsigned *real, unsigned *effective, unsigned *saved);
long sd_sys_getresgid(unsigned *real, unsigned *effective, unsigned *saved);
long sd_sys_setuid(unsigned id);
long sd_sys_setgid(unsigned id);
long sd_sys_setreuid(unsigned real, unsigned effective);
long sd_sys_setregid(unsigned real, unsigned effective);
long sd_sys_setresuid(unsigned real, unsigned effective, unsigned saved);
long sd_sys_setresgid(unsigned real, unsigned effective, unsigned saved);
long sd_sys_setgroups(int count, const unsigned *groups);
long sd_sys_setpgid(int process, int group);
long sd_sys_setsid(void);
long sd_sys_set_tid_address(int *address);
long sd_sys_set_robust_list(void *head, size_t bytes);
long sd_sys_get_robust_list(int thread, void **head, size_t *bytes);
long sd_sys_membarrier(int command, unsigned flags, int cpu);
long sd_sys_sched_yield(void);
long sd_sys_sched_getaffinity(int thread, size_t bytes, void *set);
long sd_sys_sched_setaffinity(int thread, size_t bytes, const void *set);
long sd_sys_sched_getparam(int thread, struct sched_param *param);
long sd_sys_sched_setparam(int thread, const struct sched_param *param);
long sd_sys_sched_getscheduler(int thread);
long sd_sys_sched_setscheduler(int thread, int policy, const struct sched_param *param);
long sd_sys_sched_get_priority_max(int policy);
long sd_sys_sched_get_priority_min(int policy);
long sd_sys_getpriority(int which, int who);
long sd_sys_setpriority(int which, int who, int nice);
long sd_sys_getcpu(unsigned *cpu, unsigned *node, void *cache);
long sd_sys_getrlimit(int resource, struct rlimit *limit);
long sd_sys_setrlimit(int resource, const struct rlimit *limit);
long sd_sys_prlimit64(int process, int resource, const struct rlimit *wanted, struct rlimit *old);
long sd_sys_getrusage(int who, struct rusage *used);
long sd_sys_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
long sd_sys_sysinfo(struct sysinfo *info);
long sd_sys_uname(struct utsname *name);
long sd_sys_sethostname(const char *name, size_t bytes);

/* Structures and sets as the system calls have them, not as a program sees them (musl's ksigaction.h). */
long sd_sys_rt_sigaction(int number, const void *action, void *old, size_t set_bytes);
long sd_sys_rt_sigprocmask(int how, const void *set, void *old, size_t set_bytes);
long sd_sys_rt_sigpending(void *set, size_t set_bytes);
long sd_sys_rt_sigsuspend(const void *set, size_t set_bytes);
long sd_sys_rt_sigtimedwait(const void *set, void *info, const struct timespec *timeout, size_t set_bytes);
long sd_sys_rt_sigqueueinfo(int process, int number, void *info);
long sd_sys_rt_tgsigqueueinfo(int process, int thread, int number, void *info);
long sd_sys_rt_sigreturn(uint64_t rsp); /* from x86_64/signal_return.S */
long sd_sys_sigaltstack(const void *wanted, void *old);
long sd_sys_pause(void);
long sd_sys_kill(int process, int number);
long sd_sys_tkill(int thread, int number);
long sd_sys_tgkill(int process, int thread, int number);

long sd_sys_futex(int *address, int operation, int value, const struct timespec *timeout, int *other,
                  int extra);

long sd_sys_getrandom(void *buffer, size_t bytes, unsigned flags);

/* Bytes that nobody foresees, into the kernel's memory. The first call gathers the seed. */
void sd_random(void *buffer, size_t bytes);
/* The same for who asks as a program: the toolstack's seed has been stirred in. The first call may wait. */
void sd_random_for_program(void *buffer, size_t bytes);

#endif
