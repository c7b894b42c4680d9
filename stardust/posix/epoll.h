/* What closing a file says to the epoll sets that watch it. Private to stardust/posix. Thread context. */
#ifndef STARDUST_POSIX_EPOLL_H
#define STARDUST_POSIX_EPOLL_H

struct sd_file;

/* The file is about to be closed: takes it out of every set. Weak: without epoll in the image there are none.
 */
void sd_epoll_forget(struct sd_file *file) __attribute__((weak));

#endif
