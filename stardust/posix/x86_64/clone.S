/*
 * Threads as musl asks for them: what its own assembly does around the system calls.
 */
	.section .text.__clone, "ax", @progbits
	.globl __clone
	.type __clone, @function
/* rdi: the thread's function; rsi: its stack; rdx: flags; rcx: the function's argument; r8: where its id goes; r9: its thread pointer;
   on the stack: the id that is cleared at its end. */
__clone:
	and	$-16, %rsi
	sub	$16, %rsi
	mov	%rdi, (%rsi)
	mov	%rcx, 8(%rsi)
	mov	%rdx, %rdi
	mov	%r8, %rdx
	mov	8(%rsp), %rcx
	mov	%r9, %r8
	mov	$sd_clone, %eax
	call	sd_call6
	ret
	.size __clone, . - __clone

/* Where a thread begins, with its own stack. */
	.section .text.sd_clone_entry, "ax", @progbits
	.globl sd_clone_entry
	.type sd_clone_entry, @function
sd_clone_entry:
	pop	%rax
	pop	%rdi
	call	*%rax
	mov	%eax, %edi
	mov	$sd_sys_exit, %eax
	call	sd_call
	ud2
	.size sd_clone_entry, . - sd_clone_entry

	.section .note.GNU-stack, "", @progbits
