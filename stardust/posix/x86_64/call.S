/*
 * The edge between the program and the services: sd_call is what a system call is here, and the rest is how a program's code is left
 * and entered between two of its instructions (task.h has the whole picture).
 *
 * sd_depth is 1 in the kernel and 0 in the program, with SD_CALM besides while nobody wants attention: one decrement tells both.
 * Whoever finds the depth at 0 may take the thread's kernel stack from its top, so the depth falls on the program's stack only.
 */
#include "call.h"

	.text

/* The upper part of a struct sd_context, of which rbp and rip are, for backtraces, a frame as a call would have made it. */
.macro raise_and_save
	incl	sd_depth(%rip)
	mov	%rsp, %r10
	mov	sd_kernel_stack(%rip), %rsp
	push	%r10
	push	(%r10)
	push	%rbp
	mov	%rsp, %rbp
	push	%rax
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
.endm

/*
 * rax: the service; rdi, rsi, rdx, rcx: its arguments. Its result in rax. Keeps what a function keeps.
 *
 * sd_call_cp is called by points of cancellation: the same, as long as there is no cancellation in the image (cancel.S).
 */
	.globl sd_call
	.type sd_call, @function
	.weak sd_call_cp
	.type sd_call_cp, @function
sd_call:
sd_call_cp:
	raise_and_save
	call	*%rax
.Lleave:
	mov	SD_CONTEXT_RBP - SD_CONTEXT_RCX(%rsp), %rbp
	mov	SD_CONTEXT_RSP - SD_CONTEXT_RCX(%rsp), %rsp
	.globl sd_call_leaves, sd_call_left
sd_call_leaves:
	decl	sd_depth(%rip)
sd_call_left:
	jz	sd_call_attends
	ret
	.size sd_call, . - sd_call
	.size sd_call_cp, . - sd_call_cp

/* And with r8 and r9. */
	.globl sd_call6
	.type sd_call6, @function
sd_call6:
	raise_and_save
	push	%r8
	push	%r9
	call	*%rax
	add	$16, %rsp
	jmp	.Lleave
	.size sd_call6, . - sd_call6

/*
 * Somebody wants attention. What has been saved is where it was: an upcall that finds the depth at 0, but the program counter here or
 * at sd_call_left, sends it back to sd_call_leaves (preempt.c). So the rest of the context.
 */
	.globl sd_call_attends
	.type sd_call_attends, @function
sd_call_attends:
	incl	sd_depth(%rip)
	mov	sd_kernel_stack(%rip), %r10
	lea	SD_CONTEXT_R9 - SD_CONTEXT_BYTES(%r10), %rsp
	pushq	$SD_FLAGS	/* nobody's after a call */
	push	%r10
	push	%r11
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	addq	$8, SD_CONTEXT_RSP(%rsp)
	mov	SD_CONTEXT_RAX(%rsp), %rdx
	mov	%rax, SD_CONTEXT_RAX(%rsp)
	jmp	attend
	.size sd_call_attends, . - sd_call_attends

/*
 * Entered in place of the program's code at sd_resume, with its registers and its stack, and with the depth raised.
 */
	.globl sd_preempted
	.type sd_preempted, @function
sd_preempted:
	mov	%rsp, sd_resume_rsp(%rip)
	mov	sd_kernel_stack(%rip), %rsp
	pushq	sd_resume_rsp(%rip)
	pushq	sd_resume(%rip)
	push	%rbp
	push	%rax
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%r8
	push	%r9
	pushfq
	push	%r10
	push	%r11
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	xor	%edx, %edx
attend:
	mov	%rsp, %rdi
	sub	$512, %rsp
	fxsave64 (%rsp)
	/* Other threads find the x87 registers empty, as after any call. */
	fnclex
	emms
	mov	%rsp, %rsi
	call	sd_attention
	mov	%rsp, %rsi
	lea	512(%rsp), %rdi

/* Goes on in the program as the context (rdi) and the vector state (rsi) say. Two words below the stack pointer there are used. */
	.globl sd_context_resume
	.type sd_context_resume, @function
sd_context_resume:
	fxrstor64 (%rsi)
	mov	%rdi, %rsp
	mov	SD_CONTEXT_RSP(%rsp), %rax
	mov	SD_CONTEXT_RIP(%rsp), %rcx
	mov	SD_CONTEXT_RFLAGS(%rsp), %rdx
	and	$SD_FLAGS_PROGRAM, %edx
	or	$SD_FLAGS, %edx
	mov	%rcx, -8(%rax)
	mov	%rdx, -16(%rax)
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%r11
	pop	%r10
	lea	8(%rsp), %rsp	/* the flags */
	pop	%r9
	pop	%r8
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	pop	%rax
	pop	%rbp
	mov	8(%rsp), %rsp
	lea	-16(%rsp), %rsp
	decl	sd_depth(%rip)
	jz	1f
2:	popfq
	ret

	/* Again: what is interrupted now are these two instructions. */
1:	incl	sd_depth(%rip)
	movq	$2b, sd_resume(%rip)
	jmp	sd_preempted
	.size sd_preempted, . - sd_preempted

	.section .note.GNU-stack, "", @progbits
