/*
 * What call.S and C have to agree on. For both.
 */
#ifndef STARDUST_POSIX_X86_64_CALL_H
#define STARDUST_POSIX_X86_64_CALL_H

/* Places in struct sd_context (task.h). */
#define SD_CONTEXT_RFLAGS 56
#define SD_CONTEXT_R9     64
#define SD_CONTEXT_RCX    80
#define SD_CONTEXT_RAX    112
#define SD_CONTEXT_RBP    120
#define SD_CONTEXT_RIP    128
#define SD_CONTEXT_RSP    136
#define SD_CONTEXT_BYTES  144

/* How a program's flags may be: the arithmetic ones, direction and AC; interrupts are on. */
#define SD_FLAGS         0x202
#define SD_FLAGS_PROGRAM 0x40cd5

/* `call sd_call` and its like, which a call that is made again begins with. */
#define SD_CALL_BYTES 5

#endif
