/*
 * Memory for the main thread's thread-local variables (sdk/libc/init_tls.h). Not mmap's, so that a program
 * that maps nothing carries nothing of that; and never given back.
 */
#include <errno.h>
#include <string.h>

#include <stardust/memory.h>
#include <xenlib/memory.h>
#include <xenlib/pagetable.h>

#include "libc.h"
#include "vm_pages.h"

/* Below what programs map. */
#define PLACE (SD_VM_LOW - 0x100000000UL)

long sd_tls_memory(void *address, size_t bytes)
{
    (void)address;
    for (size_t done = 0; done < bytes; done += XEN_PAGE_SIZE) {
        void *page = sd_page_alloc(0);

        if (!page)
            return -ENOMEM;
        memset(page, 0, XEN_PAGE_SIZE);
        if (xen_pt_map((void *)(PLACE + done), xen_virt_to_pfn(page), 1, XEN_PROT_WRITE))
            return -ENOMEM;
    }
    return PLACE;
}
