/*
 * Where a signal's handler returns to (musl's restorer): rt_sigreturn, whose argument is where the frame lies, behind the return
 * address.
 */
	.text
	.globl __restore_rt
	.type __restore_rt, @function
__restore_rt:
	mov	%rsp, %rdi
	mov	$sd_sys_rt_sigreturn, %eax
	call	sd_call
	ud2
	.size __restore_rt, . - __restore_rt

	.section .note.GNU-stack, "", @progbits
