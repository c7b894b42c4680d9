/*
 * On the host, entering Xen is an ordinary function, which the test or the shared fake (fake.c) defines.
 */
#ifndef XENSYS_HYPERCALL_INSN_H
#define XENSYS_HYPERCALL_INSN_H

long xensys_hypercall(unsigned long number, long a1, long a2, long a3, long a4, long a5);

#endif
