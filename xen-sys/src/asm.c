/* The numbers that assembly uses are Xen's. */
#include <xensys/asm.h>

#include <xensys/abi.h>

_Static_assert(XENSYS_NR_IRET == __HYPERVISOR_iret, "iret hypercall");
_Static_assert(XENSYS_KERNEL_CS == FLAT_KERNEL_CS, "kernel code selector");
_Static_assert(XENSYS_NOTE_ENTRY == XEN_ELFNOTE_ENTRY, "note");
_Static_assert(XENSYS_NOTE_VIRT_BASE == XEN_ELFNOTE_VIRT_BASE, "note");
_Static_assert(XENSYS_NOTE_PADDR_OFFSET == XEN_ELFNOTE_PADDR_OFFSET, "note");
_Static_assert(XENSYS_NOTE_XEN_VERSION == XEN_ELFNOTE_XEN_VERSION, "note");
_Static_assert(XENSYS_NOTE_GUEST_OS == XEN_ELFNOTE_GUEST_OS, "note");
_Static_assert(XENSYS_NOTE_PHYS32_ENTRY == XEN_ELFNOTE_PHYS32_ENTRY, "note");
_Static_assert(XENSYS_NOTE_LOADER == XEN_ELFNOTE_LOADER, "note");
