/*
 * mprotect of the image's own pages. Text stays as it is; constants may be made no more than readable; data
 * and bss are the program's, though the kernel's lie among them: whoever protects its own pages, aligned to
 * whole ones, protects nothing else.
 */
#include <errno.h>
#include <sys/mman.h>

#include <xenlib/memory.h>
#include <xenlib/pagetable.h>

#include "vm.h"

extern char xen_image_start[], xen_text_end[], xen_rodata_end[], xen_boot_stack_guard[];

int sd_vm_protect_image(uintptr_t start, uintptr_t end, int prot)
{
    uintptr_t data = (uintptr_t)xen_rodata_end, text = (uintptr_t)xen_text_end;

    if (start < (uintptr_t)xen_image_start || end > (uintptr_t)xen_boot_stack_guard)
        return -ENOMEM;
    if (start < text)
        return end <= text && prot == (PROT_READ | PROT_EXEC) ? 0 : -EACCES;
    if (start < data)
        return end <= data && prot == PROT_READ ? 0 : -EACCES;
    if (!prot)
        return xen_pt_unmap((void *)start, (end - start) >> XEN_PAGE_SHIFT);
    /* Whatever it is mapped with now, if at all: the frames are the image's. */
    return xen_pt_map((void *)start, xen_virt_to_pfn((void *)start), (end - start) >> XEN_PAGE_SHIFT,
                      (unsigned)prot);
}
