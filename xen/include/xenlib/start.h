/*
 * How a guest starts: what the entry code found, the same for every guest type.
 *
 * The entry code sets up the stack, console output, the address space and the trap table, and calls
 * xen_main(), which the kernel defines, on a guarded stack with upcalls off. It never returns.
 */
#ifndef XENLIB_START_H
#define XENLIB_START_H

#include <xenlib/types.h>

struct shared_info;
struct xenstore_domain_interface;

struct xen_start {
    const char *type;           /* "PV" or "PVH": for the log only */
    const char *command_line;   /* terminated, at most 1,023 characters */
    struct shared_info *shared; /* mapped, live */
    const void *module;         /* the ramdisk in the direct map, NULL when there is none */
    size_t module_bytes;
    uint64_t entry_ticks; /* the time-stamp counter at the guest's first instruction */
};
const struct xen_start *xen_start(void);

/* The ring to xenstored, mapped, and its port. Once. A PVH guest asks Xen for them. Thread context. */
void xen_start_store(struct xenstore_domain_interface **ring, xen_port_t *port);

/* Logs, at level debug, everything that the guest was handed. Thread context. */
void xen_start_log(void);

_Noreturn void xen_main(void);

#endif
