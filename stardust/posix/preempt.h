/* Between preempt.c, x86_64/call.S and the tasks. Private to stardust/posix. */
#ifndef STARDUST_POSIX_PREEMPT_H
#define STARDUST_POSIX_PREEMPT_H

#include <xenlib/types.h>

struct sd_task;
struct sd_context;

/* 16 KiB with the guard page. */
#define SD_TASK_STACK_ORDER 2

/* Lets others run if their turn has come, and sees to it that the timer is set. Depth 1, upcalls on. */
void sd_preempt_attend(void);

/* Loads the registers of the task that goes on; NULL while there is only one (clone.c). Upcalls off. */
extern void (*sd_preempt_load)(struct sd_task *task);

/* Told of each switch, whose thread goes on (NULL: one of the kernel's), while thread's times are kept
 * (cpu_clock.c). Upcalls off. */
extern void (*sd_task_switched)(struct sd_task *next);

/* x86_64/call.S: the upper end of the running thread's kernel stack; where the interrupted program goes on;
 * what it does before; and the end of a call: it lowers the depth, is about to look at what that gave, and
 * saw that attention is wanted. */
extern uint64_t sd_kernel_stack, sd_resume, sd_resume_rsp;
void sd_preempted(void);
void sd_call_leaves(void);
void sd_call_left(void);
void sd_call_attends(void);
long sd_set_thread_pointer(uint64_t address);
void sd_attention(struct sd_context *context, void *vectors, uint64_t service);

#endif
