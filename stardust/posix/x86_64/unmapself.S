/* The end of a thread whose stack nobody else frees. */
	.text
	.globl __unmapself
	.type __unmapself, @function
__unmapself:
	mov	$sd_unmap_self, %eax
	call	sd_call
	ud2
	.size __unmapself, . - __unmapself

	.section .note.GNU-stack, "", @progbits
