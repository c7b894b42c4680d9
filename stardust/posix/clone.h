/* Threads' beginning and end, as x86_64/clone.S calls it. Private to stardust/posix. */
#ifndef STARDUST_POSIX_CLONE_H
#define STARDUST_POSIX_CLONE_H

#include <xenlib/types.h>

/*
 * clone(2) for threads: the new one begins at sd_clone_entry on `stack`. Its id; -ENOSYS for what is no
 * thread of this process, -EINVAL for flags that do not go together, -EAGAIN when ids or memory are out.
 */
long sd_clone(unsigned flags, uint64_t stack, int *parent_id, int *child_id, uint64_t thread_pointer);
void sd_clone_entry(void);

/* munmap(2) and the thread's exit. */
long sd_unmap_self(void *stack, size_t bytes);

#endif
