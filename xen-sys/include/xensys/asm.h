/*
 * Numbers for assembly. Xen's headers cannot be included there (they are C); xen-sys/src/asm.c checks each
 * against them.
 */
#ifndef XENSYS_ASM_H
#define XENSYS_ASM_H

#define XENSYS_NR_IRET   23     /* __HYPERVISOR_iret */
#define XENSYS_KERNEL_CS 0xe033 /* FLAT_KERNEL_CS */

/* Not a CPU's vector: Xen's failsafe callback, reported like an exception. */
#define XENSYS_TRAP_FAILSAFE 32

/* ELF notes (xen/elfnote.h). */
#define XENSYS_NOTE_ENTRY        1  /* XEN_ELFNOTE_ENTRY */
#define XENSYS_NOTE_VIRT_BASE    3  /* XEN_ELFNOTE_VIRT_BASE */
#define XENSYS_NOTE_PADDR_OFFSET 4  /* XEN_ELFNOTE_PADDR_OFFSET */
#define XENSYS_NOTE_XEN_VERSION  5  /* XEN_ELFNOTE_XEN_VERSION */
#define XENSYS_NOTE_GUEST_OS     6  /* XEN_ELFNOTE_GUEST_OS */
#define XENSYS_NOTE_LOADER       8  /* XEN_ELFNOTE_LOADER */
#define XENSYS_NOTE_PHYS32_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY */

/* Offset of entry_ticks in struct xen_start (xenlib/start.h; checked in xen/src/x86_64/start.c). */
#define XEN_START_ENTRY_TICKS 40

#endif
