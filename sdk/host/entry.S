/*
 * Where Linux enters the process, with arguments and environment on its stack; the kernel runs on the image's own, as in a guest.
 */
	.text
	.globl host_entry
	.type host_entry, @function
host_entry:
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	host_start
	lea	xen_boot_stack_end(%rip), %rsp
	xor	%ebp, %ebp
	call	xen_main
	ud2
	.size host_entry, . - host_entry

/* What a signal's handler returns to. */
	.globl host_restorer
	.type host_restorer, @function
host_restorer:
	mov	$15, %eax
	syscall
	.size host_restorer, . - host_restorer

/* An image for Xen has its notes by this name. */
	.globl xen_notes
	.set xen_notes, 0

	.section .note.GNU-stack, "", @progbits
