/*
 * xen_trap_call: what a call has to keep is pushed, and where that lies is remembered in the state, so that an exception can
 * come back here from any depth.
 */
	.text
	.globl xen_trap_call
	.type xen_trap_call, @function
xen_trap_call:
	push	%rbp
	mov	%rsp, %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$8, %rsp
	mov	%rsp, (%rdi)
	mov	%rdx, %rdi
	call	*%rsi
	xor	%eax, %eax
leave_try:
	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size xen_trap_call, . - xen_trap_call

/* Entered with %rsp as it was before the call. */
	.globl xen_trap_resume
	.type xen_trap_resume, @function
xen_trap_resume:
	mov	$1, %eax
	jmp	leave_try
	.size xen_trap_resume, . - xen_trap_resume

/*
 * int xen_trap_copy(to, from, bytes): every byte from and to a program goes through it, so that it is not done by a try: an exception
 * between here and xen_trap_copy_failed goes on there, with the stack as it is. Most copies are of one or two words.
 */
	.globl xen_trap_copy
	.type xen_trap_copy, @function
xen_trap_copy:
	cmp	$8, %rdx
	je	1f
	cmp	$4, %rdx
	je	2f
	cmp	$16, %rdx
	jne	3f
	mov	8(%rsi), %rax
	mov	%rax, 8(%rdi)
1:	mov	(%rsi), %rax
	mov	%rax, (%rdi)
	xor	%eax, %eax
	ret
2:	mov	(%rsi), %eax
	mov	%eax, (%rdi)
	xor	%eax, %eax
	ret
3:	mov	%rdx, %rcx
	shr	$3, %rcx
	rep movsq
	mov	%edx, %ecx
	and	$7, %ecx
	rep movsb
	xor	%eax, %eax
	ret
	.globl xen_trap_copy_failed
xen_trap_copy_failed:
	mov	$-14, %eax	/* -EFAULT */
	ret
	.size xen_trap_copy, . - xen_trap_copy

	.section .note.GNU-stack, "", @progbits
