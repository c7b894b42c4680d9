/*
 * From the PVH entry to xen_main(): exceptions first, then the address space, then what the toolstack hands
 * over, checked before it is used. Until the console is there, Xen's log hears what is wrong.
 */
#include <xenlib/start.h>

#include <string.h>

#include <xenlib/console.h>
#include <xenlib/platform.h>
#include <xensys/hypercall.h>

#include "pvh.h"

#define LOG_PORT          0xe9
#define COMMAND_LINE_SIZE 1024 /* with its end */
#define MAP_ENTRIES       128  /* as many as Xen hands out */
#define IMAGE_PFN         0x100

/* Sizes of struct hvm_start_info in its versions. */
#define START_INFO_0 offsetof(struct hvm_start_info, memmap_paddr)
#define START_INFO_1 sizeof(struct hvm_start_info)

pfn_t pvh_places;
uint32_t xen_pvh_cpu_maker;

static struct {
    struct hvm_start_info info; /* version 0 ends earlier: zeros behind it */
    struct hvm_memmap_table_entry map[MAP_ENTRIES];
    size_t map_count;
    char command_line[COMMAND_LINE_SIZE];
    struct hvm_modlist_entry module;
} given;

static void log_text(const char *text)
{
    for (; *text; text++)
        __asm__ volatile("outb %b0, %1" ::"a"(*text), "N"(LOG_PORT));
}

_Noreturn static void fail(const char *what)
{
    log_text("stardust cannot start: ");
    log_text(what);
    log_text("\n");
    xen_start_fail(what);
}

/* AMD's CPUs, and those of their line, know vmmcall; all others vmcall. */
static void choose_hypercall(void)
{
    bool amd = xen_pvh_cpu_maker == 0x444d4163 /* AuthenticAMD: "cAMD" */ ||
               xen_pvh_cpu_maker == 0x656e6975 /* HygonGenuine: "uine" */;

    xensys_hypercall_stub = amd ? xen_pvh_vmmcall : xen_pvh_vmcall;
}

static const void *reach(uint64_t address, uint64_t bytes, const char *wrong)
{
    const void *there = pvh_reach(address, bytes);

    if (!there)
        fail(wrong);
    return there;
}

static void read_start_info(uint64_t address)
{
    const char *wrong = "the start info lies beyond 1 GiB";

    memcpy(&given.info, reach(address, START_INFO_0, wrong), START_INFO_0);
    if (given.info.magic != XEN_HVM_START_MAGIC_VALUE)
        fail("there is no start info");
    if (given.info.version)
        memcpy(&given.info, reach(address, START_INFO_1, wrong), START_INFO_1);
}

/* Version 0 has no map, and in version 1 it may be missing: then Xen is asked for its own, in the BIOS's
 * format. */
static void ask_for_map(void)
{
    static struct __attribute__((packed)) {
        uint64_t address, size;
        uint32_t type;
    } entries[MAP_ENTRIES];
    struct xen_memory_map map = {.nr_entries = MAP_ENTRIES};

    set_xen_guest_handle(map.buffer, entries);
    if (HYPERVISOR_memory_op(XENMEM_memory_map, &map) || map.nr_entries > MAP_ENTRIES)
        fail("there is no memory map");
    for (given.map_count = 0; given.map_count < map.nr_entries; given.map_count++)
        given.map[given.map_count] = (struct hvm_memmap_table_entry){
            .addr = entries[given.map_count].address,
            .size = entries[given.map_count].size,
            .type = entries[given.map_count].type,
        };
}

static void read_map(void)
{
    size_t bytes = given.info.memmap_entries * sizeof(given.map[0]);

    if (!given.info.memmap_entries) {
        ask_for_map();
        return;
    }
    if (given.info.memmap_entries > MAP_ENTRIES)
        fail("the memory map is too long");
    memcpy(given.map, reach(given.info.memmap_paddr, bytes, "the memory map lies beyond 1 GiB"), bytes);
    given.map_count = given.info.memmap_entries;
}

/* Cut where it is longer than a command line may be. */
static void read_command_line(void)
{
    const char *line;

    if (!given.info.cmdline_paddr)
        return;
    line = reach(given.info.cmdline_paddr, COMMAND_LINE_SIZE - 1, "the command line lies beyond 1 GiB");
    for (size_t i = 0; i < COMMAND_LINE_SIZE - 1 && line[i]; i++)
        given.command_line[i] = line[i];
}

/* The first module is the ramdisk; nobody sends more. Its frames, none of them when there is none. */
static struct xen_memory_range read_module(void)
{
    struct hvm_modlist_entry *module = &given.module;

    if (!given.info.nr_modules)
        return (struct xen_memory_range){0};
    memcpy(module, reach(given.info.modlist_paddr, sizeof(*module), "the list of modules lies beyond 1 GiB"),
           sizeof(*module));
    xen_start_facts.module = reach(module->paddr, module->size, "the ramdisk ends beyond 1 GiB");
    xen_start_facts.module_bytes = module->size;
    return (struct xen_memory_range){
        {module->paddr >> XEN_PAGE_SHIFT},
        {(module->paddr + module->size + XEN_PAGE_SIZE - 1) >> XEN_PAGE_SHIFT},
    };
}

static uint64_t parameter(uint32_t index)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};

    if (HYPERVISOR_hvm_op(HVMOP_get_param, &param))
        fail("Xen keeps a parameter back");
    return param.value;
}

/* The console first: from there on failures are seen where one looks for them. */
static void attach_console(void)
{
    pvh_map_over(xen_console_page, (mfn_t){parameter(HVM_PARAM_CONSOLE_PFN)});
    xen_console_attach((struct xencons_interface *)(void *)xen_console_page,
                       (xen_port_t){(uint32_t)parameter(HVM_PARAM_CONSOLE_EVTCHN)});
}

void xen_pvh_start_store(struct xenstore_domain_interface **ring, xen_port_t *port)
{
    pvh_map_over(xen_store_page, (mfn_t){parameter(HVM_PARAM_STORE_PFN)});
    *ring = (struct xenstore_domain_interface *)(void *)xen_store_page;
    port->n = (uint32_t)parameter(HVM_PARAM_STORE_EVTCHN);
}

static void attach_shared_info(void)
{
    if (pvh_put(XENMAPSPACE_shared_info, 0, pvh_place(PVH_SHARED_INFO)))
        fail("Xen does not show the shared info");
    pvh_map_over(xen_shared_page, pvh_place(PVH_SHARED_INFO));
    xen_start_facts.shared = (struct shared_info *)(void *)xen_shared_page;
}

void xen_pvh_start_log(void)
{
    enum xen_log_level level = XEN_LOG_DEBUG;

    xen_platform_log(level, "start info: version %u, flags 0x%x, %u modules at 0x%lx", given.info.version,
                     given.info.flags, given.info.nr_modules, given.info.modlist_paddr);
    for (size_t i = 0; i < given.map_count; i++)
        xen_platform_log(level, "  memory map: 0x%lx, 0x%lx bytes, type %u", given.map[i].addr,
                         given.map[i].size, given.map[i].type);
    xen_platform_log(level, "  ramdisk: %lu bytes at 0x%lx", given.module.size, given.module.paddr);
    xen_platform_log(level, "  Xen's pages from PFN 0x%lx", pvh_places.n);
    xen_platform_log(level, "  command line: %s", given.command_line);
    xen_platform_log(level, "frames: %lu mapped, %lu of memory", xen_layout.mapped_end.n, xen_layout.pages);
}

_Noreturn void xen_pvh_start(uint64_t start_info)
{
    const char *wrong;

    xen_room_is_pvh = true;
    xen_layout.image.n = IMAGE_PFN;
    pvh_trap_init();
    choose_hypercall();
    pvh_space_init();
    attach_console();
    read_start_info(start_info);
    read_map();
    read_command_line();
    wrong = pvh_memory_init(given.map, given.map_count, read_module());
    if (wrong)
        fail(wrong);
    pvh_space_finish();
    attach_shared_info();
    if (pvh_upcall_init())
        fail("Xen refused the vector for events");
    xen_start_facts.type = "PVH";
    xen_start_facts.command_line = given.command_line;
    xen_main();
}
