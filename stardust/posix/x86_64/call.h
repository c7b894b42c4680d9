/*
 * What call.S and C have to agree on. For both.
 */
#ifndef STARDUST_POSIX_X86_64_CALL_H
#define STARDUST_POSIX_X86_64_CALL_H

/* Places in struct sd_context (task.h). */
#define SD_CONTEXT_RAX    80
#define SD_CONTEXT_RIP    120
#define SD_CONTEXT_RFLAGS 128
#define SD_CONTEXT_RSP    136
/* The same rsp, as far above the stack pointer as it is when sd_call leaves. */
#define SD_CALL_RSP 80

/* How a program's flags may be: the arithmetic ones, direction and AC; interrupts are on. */
#define SD_FLAGS         0x202
#define SD_FLAGS_PROGRAM 0x40cd5

/* `call sd_call`, which a call that is made again begins with. */
#define SD_CALL_BYTES 5

#endif
