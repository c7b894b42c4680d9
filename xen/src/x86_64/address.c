/* Addresses to frames: the image and the direct map are the two places where a frame has a fixed address. */
#include <xenlib/memory.h>

#include <xenlib/platform.h>

extern char xen_image_end[];

pfn_t xen_virt_to_pfn(const void *address)
{
    uintptr_t va = (uintptr_t)address;

    if (va >= XEN_DIRECT && va < XEN_DIRECT_END)
        return (pfn_t){(va - XEN_DIRECT) >> XEN_PAGE_SHIFT};
    if (va >= XEN_IMAGE_BASE && va < (uintptr_t)xen_image_end)
        return (pfn_t){xen_memory_layout()->image.n + ((va - XEN_IMAGE_BASE) >> XEN_PAGE_SHIFT)};
    xen_platform_panic("address %p has no frame of its own", address);
}
