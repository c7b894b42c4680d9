/*
 * Before musl's __init_tls.c: the main thread's thread-local variables, where musl's own place is too small
 * for them, get memory of their own kind and not mmap's, which most programs would have for this alone.
 */
#ifndef SD_INIT_TLS_H
#define SD_INIT_TLS_H

long sd_tls_memory();
#define SYS_mmap2 ((long)sd_tls_memory)

#endif
