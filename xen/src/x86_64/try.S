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

	.section .note.GNU-stack, "", @progbits
