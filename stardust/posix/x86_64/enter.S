/*
 * What musl has in assembly that enters a kernel, by sd_call.
 */
.macro enters name, service
	.section .text.\name, "ax", @progbits
	.globl \name
	.type \name, @function
\name:
	mov	$\service, %eax
	call	sd_call
	ret
	.size \name, . - \name
.endm

	enters __set_thread_area, sd_set_thread_pointer
