/*
 * Xen's ABI, as libxen-dev declares it: the one place that includes its headers.
 *
 * The interface version is the newest that libxen-dev 4.17 knows; Xen keeps old versions working, so an image
 * built with it runs on every newer hypervisor (xen/xen-compat.h).
 */
#ifndef XENSYS_ABI_H
#define XENSYS_ABI_H

#include <stddef.h>
#include <stdint.h>

#define __XEN_INTERFACE_VERSION__ 0x00040e00

#include <xen/xen.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/callback.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include <xen/io/console.h>
#include <xen/io/ring.h>
#include <xen/io/netif.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>

#endif
