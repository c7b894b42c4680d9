/*
 * The kinds of number that a Xen guest handles, each a type of its own so that the compiler tells them apart;
 * and how shared memory is read and written.
 *
 * Xen's own headers use plain integers (xen_pfn_t, grant_ref_t, evtchn_port_t); these structs hold the same
 * values.
 */
#ifndef XENLIB_TYPES_H
#define XENLIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XEN_PAGE_SHIFT 12
#define XEN_PAGE_SIZE  4096UL

/* A guest's own frame number: counts its memory from 0 (pseudo-physical on PV, guest-physical on PVH). */
typedef struct {
    uint64_t n;
} pfn_t;

/* A frame number as Xen takes it in page tables and grants: the machine frame on PV, equal to the PFN on PVH.
 */
typedef struct {
    uint64_t n;
} mfn_t;

/* A grant reference: index into this guest's grant table. */
typedef struct {
    uint32_t n;
} xen_gref_t;

/* An event channel port of this guest. 0 is never a valid port. */
typedef struct {
    uint32_t n;
} xen_port_t;

/* A domain's number, as xenstore or the start info gave it. */
typedef struct {
    uint16_t n;
} xen_domid_t;

/* "No deadline" for everything here that takes one; deadlines are nanoseconds of system time (xenlib/time.h).
 */
#define XEN_FOREVER UINT64_MAX

/* One access, which the compiler neither repeats nor splits: for every field that somebody else may write or
 * read. */
#define READ_ONCE(x)         (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))

#define xen_must_check      __attribute__((warn_unused_result))
#define xen_printf(fmt, va) __attribute__((format(printf, fmt, va)))

/* The structure that contains `member` at `pointer`. */
#define xen_container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void *xen_page_of(const void *address)
{
    return (void *)((uintptr_t)address & ~(XEN_PAGE_SIZE - 1));
}

static inline size_t xen_pages_for(size_t bytes)
{
    return (bytes + XEN_PAGE_SIZE - 1) >> XEN_PAGE_SHIFT;
}

#endif
