/*
 * Where a PVH guest starts, and every way in and out of it afterwards.
 *
 * Xen enters in 32-bit mode without paging, %ebx at the start info (docs/misc/pvh.pandoc in Xen's tree,
 * xen/arch-x86/hvm/start_info.h); the image lies 1 MiB below its virtual addresses. Other hypervisors know this entry
 * too, so it looks first whose guest it is. Then it maps the image, and the first 2 MiB besides to run on, and changes
 * to 64-bit mode; the rest is C (start.c, space.c).
 */
#include <xensys/asm.h>

#include "../frames.inc"
#include "selectors.h"

#define PHYSICAL(symbol) (symbol - 0x100000)

#define PAGE_TABLE 0x67 /* present, writable, user, accessed, dirty: as PTE_TABLE */
#define PAGE_DATA  0x63
#define PAGE_LARGE 0xe3

#define CPUID_HYPERVISOR 0x40000000
#define CPUID_EXTENDED   0x80000001
#define LONG_MODE_AND_NX (1 << 29 | 1 << 20)
#define CR4              0x620      /* OSXMMEXCPT, OSFXSR, PAE */
#define CR0              0x80010023 /* PG, WP, NE, MP, PE */
#define EFER             0xc0000080
#define EFER_LME_NXE     0x900

#define SERIAL        0x3f8
#define SERIAL_STATUS (SERIAL + 5)

	.section .text.entry, "ax", @progbits
	.code32
	.globl xen_pvh_entry
	.type xen_pvh_entry, @function
xen_pvh_entry:
	rdtsc
	mov	%eax, PHYSICAL(xen_start_facts)+XEN_START_ENTRY_TICKS
	mov	%edx, PHYSICAL(xen_start_facts)+XEN_START_ENTRY_TICKS+4
	cld
	mov	%ebx, %ebp

	/* Xen's leaves begin with "XenVMMXenVMM", at a multiple of 0x100 (xen/arch-x86/cpuid.h). */
	mov	$CPUID_HYPERVISOR, %edi
1:	mov	%edi, %eax
	cpuid
	cmp	$0x566e6558, %ebx
	jne	2f
	cmp	$0x65584d4d, %ecx
	jne	2f
	cmp	$0x4d4d566e, %edx
	je	3f
2:	add	$0x100, %edi
	cmp	$CPUID_HYPERVISOR + 0x10000, %edi
	jne	1b
	mov	$PHYSICAL(no_xen), %esi
	jmp	say_and_stop

3:	mov	$CPUID_EXTENDED, %eax
	cpuid
	not	%edx
	test	$LONG_MODE_AND_NX, %edx
	jz	4f
	mov	$PHYSICAL(no_long_mode), %esi
	jmp	say_and_stop

	/* The CPU's maker, for start.c; and what CR4 gets besides: FSGSBASE (bit 16) and UMIP (bit 11) where they are. Each cpuid, and
	   each change of a control register, leaves the guest: once for each has to do. */
4:	xor	%eax, %eax
	cpuid
	mov	%ecx, PHYSICAL(xen_pvh_cpu_maker)
	mov	$CR4, %esi
	cmp	$7, %eax
	jb	5f
	mov	$7, %eax
	xor	%ecx, %ecx
	cpuid
	and	$1, %ebx
	shl	$16, %ebx
	and	$4, %ecx
	shl	$9, %ecx
	or	%ebx, %esi
	or	%ecx, %esi

	/* L4, L3, L2, and the image's own tables, which stand behind the direct map's. */
5:	mov	$PHYSICAL(xen_pvh_tables), %edi
	lea	0x1000 + PAGE_TABLE(%edi), %eax
	mov	%eax, (%edi)
	add	$0x1000, %eax
	mov	%eax, 0x1000(%edi)
	movl	$PAGE_LARGE, 0x2000(%edi)
	mov	$PHYSICAL(xen_boot_tables) + 0x1000 + PAGE_TABLE, %eax
	lea	0x2008(%edi), %edx
	mov	$xen_boot_table_count - 1, %ecx
6:	mov	%eax, (%edx)
	add	$0x1000, %eax
	add	$8, %edx
	loop	6b
	mov	$PHYSICAL(xen_boot_tables) + 0x1000, %edx
	mov	$PHYSICAL(xen_image_start) + PAGE_DATA, %eax
	mov	$xen_image_pages, %ecx
7:	mov	%eax, (%edx)
	add	$0x1000, %eax
	add	$8, %edx
	loop	7b

	mov	%esi, %cr4
	mov	%edi, %cr3
	mov	$EFER, %ecx
	mov	$EFER_LME_NXE, %eax
	xor	%edx, %edx
	wrmsr
	/* While addresses are physical, as this may lie beyond the 2 MiB that stay at the same ones; the table is at its virtual one. */
	lgdt	PHYSICAL(first_gdt_pointer)
	mov	$CR0, %eax
	mov	%eax, %cr0
	ljmp	$XEN_PVH_CODE, $PHYSICAL(8f)

	.code64
8:	movabs	$9f, %rax
	jmp	*%rax
9:	fninit
	ldmxcsr	first_mxcsr(%rip)
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
	lea	xen_boot_stack_end(%rip), %rsp
	mov	%ebp, %edi
	xor	%ebp, %ebp
	call	xen_pvh_start
	ud2
	.size xen_pvh_entry, . - xen_pvh_entry

/* %esi: what. To the first serial port as the firmware has left it, and to the hypervisor's log where there is one. */
	.code32
	.type say_and_stop, @function
say_and_stop:
	lodsb
	test	%al, %al
	jz	3f
	mov	%al, %bl
	out	%al, $0xe9
	mov	$100000, %ecx
1:	mov	$SERIAL_STATUS, %dx
	in	%dx, %al
	test	$0x20, %al
	jnz	2f
	loop	1b
2:	mov	%bl, %al
	mov	$SERIAL, %dx
	out	%al, %dx
	jmp	say_and_stop
3:	cli
	hlt
	jmp	3b
	.size say_and_stop, . - say_and_stop
	.code64

	.section .rodata.pvh_entry, "a", @progbits
no_xen:
	.asciz	"This image needs Xen: start it with `bin/stardust run`, or with `xl create`.\r\n"
no_long_mode:
	.asciz	"This image needs a 64-bit CPU with no-execute pages (nx).\r\n"
	.balign	4
first_mxcsr:
	.long	0x1f80
first_gdt_pointer:
	.word	XEN_PVH_GDT_BYTES - 1
	.long	xen_pvh_gdt

	.text
	.globl xen_pvh_vmcall
	.type xen_pvh_vmcall, @function
xen_pvh_vmcall:
	vmcall
	ret
	.size xen_pvh_vmcall, . - xen_pvh_vmcall

	.globl xen_pvh_vmmcall
	.type xen_pvh_vmmcall, @function
xen_pvh_vmmcall:
	vmmcall
	ret
	.size xen_pvh_vmmcall, . - xen_pvh_vmmcall

/*
 * Lets interrupts in and waits for one. None can slip in before hlt, as sti holds them back for an instruction; but a hypervisor that
 * leaves the guest right there has to keep that in mind, and QEMU's emulation of SVM does not. What is not to be slept through is looked
 * for by xen_pvh_upcall, too.
 */
	.globl xen_pvh_wait, xen_pvh_halt
	.type xen_pvh_wait, @function
xen_pvh_wait:
	sti
xen_pvh_halt:
	hlt
	ret
	.size xen_pvh_wait, . - xen_pvh_wait

	.globl xen_pvh_upcall
	.type xen_pvh_upcall, @function
xen_pvh_upcall:
	cmpq	$xen_pvh_halt, (%rsp)
	jne	1f
	incq	(%rsp)		/* behind hlt */
1:	handle_event
	iretq
	.size xen_pvh_upcall, . - xen_pvh_upcall

	.type trap_common, @function
trap_common:
	handle_trap
	iretq
	.size trap_common, . - trap_common

/* Told by pvh_page_fault where to go on, if at all: at the frame that it gives, as any other exception does. */
	.globl xen_pvh_page_fault
	.type xen_pvh_page_fault, @function
xen_pvh_page_fault:
	push	$14
	save_all
	cld
	mov	%rsp, %rdi
	call	pvh_page_fault
	test	%rax, %rax
	jz	1f
	mov	%rax, %rsp
	mov	%rax, %rdi
	mov	%rax, %rbx
	call	xen_trap_enter
	mov	%rbx, %rsp
1:	restore_all
	add	$16, %rsp
	iretq
	.size xen_pvh_page_fault, . - xen_pvh_page_fault

/* Every exception's entry, 16 bytes each. The CPU pushes an error code for some of them. */
	.balign	16
	.globl xen_pvh_traps
	.type xen_pvh_traps, @function
xen_pvh_traps:
	.set	vector, 0
	.rept	32
	.balign	16
	.ifeq	(0x60227d00 >> vector) & 1 /* 8, 10 to 14, 17, 21, 29, 30 */
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr
	.size xen_pvh_traps, . - xen_pvh_traps

	.section .note.GNU-stack, "", @progbits
