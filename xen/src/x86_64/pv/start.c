/*
 * From Xen's entry to xen_main() as a PV guest: console first, so that whatever fails later can be said.
 */
#include "pv.h"

#include <xenlib/console.h>
#include <xenlib/platform.h>
#include <xensys/hypercall.h>

void (*xensys_hypercall_stub)(void) = xen_pv_hypercall;

static const struct start_info *start_info;

static xen_port_t console_port(const struct start_info *info)
{
    return (xen_port_t){info->console.domU.evtchn};
}

/* Without XEN_ELFNOTE_MOD_START_PFN the ramdisk lies right behind the image, mapped like everything else
 * there. */
static void find_module(const struct start_info *info)
{
    if (!info->mod_len)
        return;
    xen_start_facts.module = pv_direct((const void *)info->mod_start);
    xen_start_facts.module_bytes = info->mod_len;
}

void xen_pv_start_store(struct xenstore_domain_interface **ring, xen_port_t *port)
{
    *ring = xen_pfn_to_virt(pv_mfn_to_pfn(start_info->store_mfn));
    port->n = start_info->store_evtchn;
}

void xen_pv_start_log(void)
{
    const struct start_info *info = start_info;
    enum xen_log_level level = XEN_LOG_DEBUG;

    xen_platform_log(level, "start info: %.32s, %lu pages, flags 0x%x", info->magic, info->nr_pages,
                     info->flags);
    xen_platform_log(level, "  shared info at machine address 0x%lx", info->shared_info);
    xen_platform_log(level, "  xenstore: MFN 0x%lx, port %u", info->store_mfn, info->store_evtchn);
    xen_platform_log(level, "  console: MFN 0x%lx, port %u", info->console.domU.mfn,
                     info->console.domU.evtchn);
    xen_platform_log(level, "  page tables: %lu frames at 0x%lx", info->nr_pt_frames, info->pt_base);
    xen_platform_log(level, "  P2M: at 0x%lx; ramdisk: %lu bytes at 0x%lx", info->mfn_list, info->mod_len,
                     info->mod_start);
    xen_platform_log(level, "  command line: %.1023s", (const char *)info->cmd_line);
    xen_platform_log(level, "frames: %lu mapped, %lu in all", xen_layout.mapped_end.n, xen_layout.end.n);
}

static void set_layout(const struct start_info *info)
{
    /* Frames in use so far end with the page tables and, behind them, the stack that the toolstack made. */
    size_t used = xen_image_page((const void *)info->pt_base) + info->nr_pt_frames + 1;

    xen_layout.end.n = info->nr_pages < XEN_DIRECT_FRAMES ? info->nr_pages : XEN_DIRECT_FRAMES;
    xen_layout.pages = xen_layout.end.n;
    /* What stands in the image for PVH alone is free, and so is the page that shared_info hides. */
    xen_layout.free[0] =
        (struct xen_memory_range){{xen_image_page(xen_shared_page)}, {xen_image_page(xen_image_end)}};
    xen_layout.free[1] = (struct xen_memory_range){{used}, xen_layout.end};
    xen_layout.free_count = 2;
}

_Noreturn void xen_pv_start(const struct start_info *info)
{
    pfn_t console = pv_mfn_to_pfn(info->console.domU.mfn);

    xen_console_attach(pv_initial(console), console_port(info));
    if (pv_space_init(info))
        xen_start_fail("Xen refused the page tables");

    start_info = info = pv_direct(info);
    set_layout(info);
    xen_console_attach(xen_pfn_to_virt(console), console_port(info));
    find_module(info);
    xen_start_facts.type = "PV";
    xen_start_facts.command_line = (const char *)info->cmd_line;
    xen_start_facts.shared = (struct shared_info *)(void *)xen_shared_page;
    if (pv_trap_init())
        xen_start_fail("Xen refused the trap table");
    xen_main();
}
