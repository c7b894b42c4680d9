/* The segments of a PVH guest, for C and assembly: entries of xen_pvh_gdt. */
#ifndef XEN_PVH_SELECTORS_H
#define XEN_PVH_SELECTORS_H

#define XEN_PVH_CODE      0x08
#define XEN_PVH_TSS       0x10 /* two entries */
#define XEN_PVH_GDT_BYTES 0x20

#endif
