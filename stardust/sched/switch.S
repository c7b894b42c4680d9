/* Changing threads: the registers that a call keeps go onto the stack that is left, and come from the one that is entered. */
	.text
	.globl sd_switch
	.type sd_switch, @function
sd_switch:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size sd_switch, . - sd_switch

	.globl sd_thread_entry
	.type sd_thread_entry, @function
sd_thread_entry:
	xor	%ebp, %ebp
	call	sd_thread_main
	ud2
	.size sd_thread_entry, . - sd_thread_entry

	.section .note.GNU-stack, "", @progbits
