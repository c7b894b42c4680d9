/*
 * musl's points of cancellation, as its own assembly has them: the handler of its signal cancels a thread whose program counter lies
 * between the first two symbols, by making it go on at the third. There a signal finds a service that has not begun, or is to be
 * made again.
 */
	.text
	.globl __syscall_cp_asm
	.type __syscall_cp_asm, @function
	.globl __cp_begin, __cp_end, __cp_cancel
__syscall_cp_asm:
__cp_begin:
	mov	(%rdi), %eax
	test	%eax, %eax
	jnz	__cp_cancel
	mov	%rsi, %rax
	mov	%rdx, %rdi
	mov	%rcx, %rsi
	mov	%r8, %rdx
	mov	%r9, %rcx
	mov	8(%rsp), %r8
	mov	16(%rsp), %r9
	call	sd_call6
__cp_end:
	ret
__cp_cancel:
	jmp	__cancel
	.size __syscall_cp_asm, . - __syscall_cp_asm

/* In place of the weak one (call.S), with its registers: by way of musl's __syscall_cp_c(service, arguments). */
	.globl sd_call_cp
	.type sd_call_cp, @function
sd_call_cp:
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	mov	%rcx, %r8
	mov	%rdx, %rcx
	mov	%rsi, %rdx
	mov	%rdi, %rsi
	mov	%rax, %rdi
	xor	%r9d, %r9d
	push	%r9
	push	%r9
	call	__syscall_cp_c
	leave
	ret
	.size sd_call_cp, . - sd_call_cp

	.section .note.GNU-stack, "", @progbits
