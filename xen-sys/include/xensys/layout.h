/*
 * Xen's ABI checked against numbers written by hand: the size of every structure that Stardust uses, place
 * and width of each field it touches, and the value of constants.
 *
 * The compiler has checked the whole table already where it built it; tests run over it on the host and in
 * the guest, and name what differs.
 */
#ifndef XENSYS_LAYOUT_H
#define XENSYS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

struct xensys_layout {
    const char *name; /* "offsetof(struct vcpu_info, time)" */
    int64_t expected; /* from Xen's documentation */
    int64_t actual;   /* the compiler's answer, over libxen-dev's headers */
};

extern const struct xensys_layout xensys_layout[];
extern const size_t xensys_layout_count;

#endif
