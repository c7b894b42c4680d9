/*
 * The edge between the program and the services: sd_call is what a system call is here, and the rest is how a program's code is left
 * and entered between two of its instructions (task.h has the whole picture).
 *
 * sd_depth is 1 in the kernel and 0 in the program, with SD_CALM besides while nobody wants attention: one decrement tells both.
 * Whoever finds the depth at 0 may take the thread's kernel stack from its top, so the depth falls on the program's stack only.
 */
#include "call.h"

	.text

/* rax: the service; rdi, rsi, rdx, rcx, r8, r9: its arguments. Its result in rax. Keeps what a function keeps. */
	.globl sd_call
	.type sd_call, @function
sd_call:
	incl	sd_depth(%rip)
	mov	%rsp, %r10
	mov	sd_kernel_stack(%rip), %rsp
	/* The upper part of a struct sd_context; the flags are nobody's after a call. */
	push	%r10
	pushq	$SD_FLAGS
	pushq	(%r10)
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	/* For backtraces, a frame as a call would have made it. */
	pushq	(%r10)
	push	%rbp
	mov	%rsp, %rbp
	call	*%rax
	cmpl	$1, sd_depth(%rip)
	je	1f
	pop	%rbp
	mov	SD_CALL_RSP(%rsp), %rsp
	decl	sd_depth(%rip)
	jz	3f
	ret

	/* Somebody wants attention; so the rest of the context. */
1:	pop	%rbp
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	addq	$8, SD_CONTEXT_RSP(%rsp)
	mov	SD_CONTEXT_RAX(%rsp), %rdx
	mov	%rax, SD_CONTEXT_RAX(%rsp)
	jmp	attend

	/* Since that look, somebody does. */
3:	incl	sd_depth(%rip)
	movq	$4f, sd_resume(%rip)
	jmp	sd_preempted
4:	ret
	.size sd_call, . - sd_call

/*
 * Entered in place of the program's code at sd_resume, with its registers and its stack, and with the depth raised.
 */
	.globl sd_preempted
	.type sd_preempted, @function
sd_preempted:
	mov	%rsp, sd_resume_rsp(%rip)
	mov	sd_kernel_stack(%rip), %rsp
	pushq	sd_resume_rsp(%rip)
	pushfq
	pushq	sd_resume(%rip)
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
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
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	mov	16(%rsp), %rsp
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
