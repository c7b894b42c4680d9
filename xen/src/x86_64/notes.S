/*
 * How Xen's domain builder finds its way into the image (xen/elfnote.h).
 *
 * p_vaddr - p_paddr is 1 MiB throughout: as a PV guest the image is placed by p_paddr - PADDR_OFFSET at PFN 0 and mapped
 * at VIRT_BASE. VIRT_BASE is 2 MiB into a 4 MiB range because the builder maps up to the end of that range and refuses a
 * guest smaller than the mapping; so a guest of 2 MiB starts. As a PVH guest it is loaded at p_paddr and entered at
 * PHYS32_ENTRY, a physical address.
 */
#include <xensys/asm.h>

	.globl xen_notes
	.section .note.Xen, "a", @note
xen_notes:

.macro note type, form, value:vararg
	.section .note.Xen, "a", @note
	.balign	4
	.long	2f - 1f
	.long	4f - 3f
	.long	\type
1:	.asciz	"Xen"
2:	.balign	4
3:	\form	\value
4:	.balign	4
.endm

	note XENSYS_NOTE_ENTRY, .quad, xen_pv_entry
	note XENSYS_NOTE_PHYS32_ENTRY, .long, xen_pvh_entry - 0x100000
	note XENSYS_NOTE_VIRT_BASE, .quad, 0x200000
	note XENSYS_NOTE_PADDR_OFFSET, .quad, 0x100000
	note XENSYS_NOTE_XEN_VERSION, .asciz, "xen-3.0"
	note XENSYS_NOTE_GUEST_OS, .asciz, "Stardust"
	note XENSYS_NOTE_LOADER, .asciz, "generic"

	.section .note.GNU-stack, "", @progbits
