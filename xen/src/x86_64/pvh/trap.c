/*
 * Exceptions and events of a PVH guest: the CPU's own tables, and Xen told which vector it may use.
 *
 * Events come by the callback vector, not by one of the local APIC: it needs neither the APIC nor the write
 * that ends an interrupt there, which leaves the guest (docs/internals.md has the numbers).
 */
#include <xenlib/trap.h>

#include <xenlib/event.h>
#include <xenlib/pagetable.h>
#include <xensys/hypercall.h>

#include "../trap.h"
#include "pvh.h"
#include "selectors.h"

#define VECTORS       32
#define UPCALL_VECTOR 32
#define RFLAGS_IF     (1u << 9)

/* Gates and descriptors as the CPU reads them (Intel SDM vol. 3, 6.14.1 and 7.2.3). */
struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "");

struct __attribute__((packed)) tss {
    uint32_t reserved;
    uint64_t rsp[3], reserved2, stacks[7], reserved3;
    uint16_t reserved4, io_map;
};
_Static_assert(sizeof(struct tss) == 104, "");

struct __attribute__((packed)) pointer {
    uint16_t limit;
    uint64_t base;
};

#define GATE_INTERRUPT 0x8e /* present, 64-bit, interrupts off */
#define TSS_AVAILABLE  0x89

extern char xen_fault_stack_end[], xen_page_fault_stack_end[];

/* Stacks of their own, by their number in the task state segment. */
enum { NO_STACK, FAULT_STACK, PAGE_FAULT_STACK };

/* The CPU writes here: whether the task is busy. The code segment: present, accessed, 64-bit. */
extern uint64_t xen_pvh_gdt[];
uint64_t xen_pvh_gdt[XEN_PVH_GDT_BYTES / sizeof(uint64_t)] = {[XEN_PVH_CODE / 8] = 0x00209b0000000000};

static struct tss tss;
static struct gate idt[VECTORS + 1];

static void set_gate(unsigned vector, uintptr_t entry, uint8_t stack)
{
    idt[vector] = (struct gate){
        .offset_low = (uint16_t)entry,
        .selector = XEN_PVH_CODE,
        .stack = stack,
        .type = GATE_INTERRUPT,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

/* These may come when the stack is no good, and none of them returns. */
static uint8_t stack_of(unsigned vector)
{
    return vector == XEN_TRAP_DOUBLE_FAULT || vector == XEN_TRAP_NMI || vector == XEN_TRAP_MACHINE_CHECK
               ? FAULT_STACK
               : NO_STACK;
}

static void set_tss(void)
{
    uintptr_t base = (uintptr_t)&tss;

    tss.stacks[FAULT_STACK - 1] = (uintptr_t)xen_fault_stack_end;
    tss.stacks[PAGE_FAULT_STACK - 1] = (uintptr_t)xen_page_fault_stack_end;
    tss.io_map = sizeof(tss);
    xen_pvh_gdt[XEN_PVH_TSS / 8] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 |
                                   (uint64_t)TSS_AVAILABLE << 40 | (base >> 24 & 0xff) << 56;
    xen_pvh_gdt[XEN_PVH_TSS / 8 + 1] = base >> 32;
}

void pvh_trap_init(void)
{
    struct pointer gdt_pointer = {XEN_PVH_GDT_BYTES - 1, (uintptr_t)xen_pvh_gdt};
    struct pointer idt_pointer = {sizeof(idt) - 1, (uintptr_t)idt};

    for (unsigned vector = 0; vector < VECTORS; vector++)
        set_gate(vector, (uintptr_t)xen_pvh_traps[vector], stack_of(vector));
    set_gate(XEN_TRAP_PAGE_FAULT, (uintptr_t)xen_pvh_page_fault, PAGE_FAULT_STACK);
    set_gate(UPCALL_VECTOR, (uintptr_t)xen_pvh_upcall, NO_STACK);
    set_tss();
    __asm__ volatile("lgdt %0\n\tlidt %1\n\tltr %w2" ::"m"(gdt_pointer), "m"(idt_pointer), "r"(XEN_PVH_TSS)
                     : "memory");
}

long pvh_upcall_init(void)
{
    struct xen_hvm_param param = {
        .domid = DOMID_SELF,
        .index = HVM_PARAM_CALLBACK_IRQ,
        .value = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | UPCALL_VECTOR,
    };

    return HYPERVISOR_hvm_op(HVMOP_set_param, &param);
}

bool xen_pvh_trap_stacks_may_fault(void)
{
    return true;
}

static bool is_writable(uintptr_t address)
{
    unsigned prot;

    if (!xen_pt_root)
        return true;
    if (xen_pt_query((const void *)address, NULL, &prot))
        return prot & XEN_PROT_WRITE;
    return xen_trap_fill(address, XEN_FAULT_WRITE);
}

/*
 * A page fault, on a stack that the next one will begin on, too: it is left at once. Either the page can be
 * had, or the exception goes on where any other is: below what was interrupted. Where no stack is there, it
 * goes to the double fault's.
 */
struct xen_trap_frame *pvh_page_fault(const struct xen_trap_frame *frame)
{
    uintptr_t to = (frame->rsp & -16ul) - sizeof(*frame);
    struct xen_trap_frame *moved;

    if (xen_trap_fill(xen_pvh_trap_fault_address(), frame->error))
        return NULL;
    if (!is_writable(to) || !is_writable(to + sizeof(*frame) - 1))
        to = (uintptr_t)xen_fault_stack_end - sizeof(*frame);
    moved = (struct xen_trap_frame *)to;
    *moved = *frame;
    return moved;
}

uintptr_t xen_pvh_trap_fault_address(void)
{
    uintptr_t address;

    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}

bool xen_pvh_upcalls_off(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq\n\tpop %0\n\tcli" : "=r"(flags)::"memory");
    return (flags & RFLAGS_IF) != 0;
}

/* An event that we passed on to ourselves (xen_event_unmask) is none that Xen would interrupt us for. */
void xen_pvh_upcalls_on(void)
{
    const struct vcpu_info *vcpu = xen_room_vcpu();

    __asm__ volatile("cli" ::: "memory");
    while (READ_ONCE(vcpu->evtchn_upcall_pending))
        xen_event_dispatch();
    __asm__ volatile("sti" ::: "memory");
}

void xen_pvh_sched_block(void)
{
    xen_pvh_wait();
    xen_pvh_upcalls_on();
}
