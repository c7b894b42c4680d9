/*
 * Waiting in a service. Private to stardust/posix and stardust/fs.
 */
#ifndef STARDUST_POSIX_WAIT_H
#define STARDUST_POSIX_WAIT_H

#include <xenlib/platform.h>

/*
 * A service was interrupted, and is called again with the same arguments once the program's handlers have
 * run, if all of them allow it (SA_RESTART); otherwise the program sees EINTR. Never reaches a program.
 */
#define SD_RESTART 512

/*
 * As xen_platform_wait, and returns -SD_RESTART besides when the program has to run: a signal is to be
 * handled, or the thread to be cancelled. The service then gives back what it holds and returns that; one
 * that Linux never calls again (poll, select, epoll_wait, sleeps, sigsuspend) returns -EINTR in its place.
 * Thread context.
 */
int sd_wait(struct xen_waitq *queue, struct xen_lock *lock, uint64_t deadline) xen_must_check;

#endif
