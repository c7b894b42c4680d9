/*
 * Before musl's pthread_create.c: what it maps is a thread's stack, and says so, so that it need not have its
 * memory at once where a stack can do without (stardust/posix/vm.c).
 */
#ifndef SD_THREAD_STACK_H
#define SD_THREAD_STACK_H

#include <sys/mman.h>

#undef MAP_ANON
#define MAP_ANON (0x20 | MAP_STACK | MAP_NORESERVE)

#endif
