/*
 * Where a PV guest starts, and every way in and out of it afterwards.
 *
 * Xen enters with %rsi at the start info and %rsp on a stack that the toolstack made (xen/xen.h, 'Start-of-day'). On
 * exceptions and events it pushes, upwards from %rsp: rcx, r11, an error code where the vector has one, rip, cs,
 * rflags, rsp, ss (docs/misc/pvh and xen/arch/x86/x86_64/entry.S describe it). The way back is the iret hypercall,
 * which restores the event mask from the saved IF in the same step.
 */
#include <xensys/asm.h>

#include "../frames.inc"

	.section .text.entry, "ax", @progbits
	.globl xen_pv_entry
	.type xen_pv_entry, @function
xen_pv_entry:
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, xen_start_facts+XEN_START_ENTRY_TICKS(%rip)
	lea	xen_boot_stack_end(%rip), %rsp
	xor	%ebp, %ebp
	mov	%rsi, %rdi
	call	xen_pv_start
	ud2
	.size xen_pv_entry, . - xen_pv_entry

	.text
	.globl xen_pv_hypercall
	.type xen_pv_hypercall, @function
xen_pv_hypercall:
	syscall
	ret
	.size xen_pv_hypercall, . - xen_pv_hypercall

/* Leaves by the hypercall: it takes rax, r11, rcx and flags from the stack, then the frame (struct iret_context). */
.macro return_to_frame
	push	$0
	push	%rcx
	push	%r11
	push	%rax
	mov	$XENSYS_NR_IRET, %eax
	syscall
	ud2
.endm

	.type xen_pv_trap_common, @function
xen_pv_trap_common:
	handle_trap
	return_to_frame
	.size xen_pv_trap_common, . - xen_pv_trap_common

.macro trap vector, has_error
	.type xen_pv_trap_\vector, @function
xen_pv_trap_\vector:
	pop	%rcx
	pop	%r11
	.ifeq \has_error
	push	$0
	.endif
	push	$\vector
	jmp	xen_pv_trap_common
	.size xen_pv_trap_\vector, . - xen_pv_trap_\vector
.endm

	trap 0, 0
	trap 1, 0
	trap 2, 0
	trap 3, 0
	trap 4, 0
	trap 5, 0
	trap 6, 0
	trap 7, 0
	trap 8, 1
	trap 10, 1
	trap 11, 1
	trap 12, 1
	trap 13, 1
	trap 14, 1
	trap 16, 0
	trap 17, 1
	trap 18, 0
	trap 19, 0
	trap 20, 0
	trap 21, 1

/* Xen could not load a segment on the way back to us: ds, es, fs and gs stand between r11 and rip. */
	.globl xen_pv_failsafe
	.type xen_pv_failsafe, @function
xen_pv_failsafe:
	pop	%rcx
	pop	%r11
	add	$32, %rsp
	push	$0
	push	$XENSYS_TRAP_FAILSAFE
	jmp	xen_pv_trap_common
	.size xen_pv_failsafe, . - xen_pv_failsafe

	.globl xen_pv_upcall
	.type xen_pv_upcall, @function
xen_pv_upcall:
	pop	%rcx
	pop	%r11
	handle_event
	return_to_frame
	.size xen_pv_upcall, . - xen_pv_upcall

/* The trap table of HYPERVISOR_set_trap_table: vector, flags (4: enter with events masked), cs, address. */
.macro table_entry vector, flags
	.byte	\vector, \flags
	.word	XENSYS_KERNEL_CS
	.long	0
	.quad	xen_pv_trap_\vector
.endm

	.section .rodata
	.balign 8
	.globl xen_pv_trap_table
xen_pv_trap_table:
	table_entry 0, 4
	table_entry 1, 4
	table_entry 2, 4
	table_entry 3, 7
	table_entry 4, 7
	table_entry 5, 4
	table_entry 6, 4
	table_entry 7, 4
	table_entry 8, 4
	table_entry 10, 4
	table_entry 11, 4
	table_entry 12, 4
	table_entry 13, 4
	table_entry 14, 4
	table_entry 16, 4
	table_entry 17, 4
	table_entry 18, 4
	table_entry 19, 4
	table_entry 20, 4
	table_entry 21, 4
	.quad	0, 0

	.section .note.GNU-stack, "", @progbits
