/*
 * lwIP's options: the raw API on one thread, memory from the kernel's heap, timers of our own
 * (stardust/net/timers.c). What is left out has lwIP's default.
 */
#ifndef STARDUST_NET_PORT_LWIPOPTS_H
#define STARDUST_NET_PORT_LWIPOPTS_H

#include <stddef.h>
#include <stdint.h>

/* One thread, raw API. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_TIMERS_CUSTOM   1
#define LWIP_STATS           0

/* Memory: no pools, hence no limits of their own; sd_net_alloc refuses while the guest is short. */
void *sd_net_alloc(size_t bytes);
void *sd_net_calloc(size_t count, size_t bytes);
void sd_net_free(void *block);
#define MEM_LIBC_MALLOC          1
#define MEMP_MEM_MALLOC          1
#define MEM_ALIGNMENT            8
#define mem_clib_malloc          sd_net_alloc
#define mem_clib_calloc          sd_net_calloc
#define mem_clib_free            sd_net_free
#define MEMCPY(to, from, bytes)  memcpy(to, from, bytes)
#define SMEMCPY(to, from, bytes) __builtin_memcpy(to, from, bytes)

/* Protocols. */
#define LWIP_IPV4                  1
#define LWIP_IPV6                  1
#define LWIP_ICMP                  1
#define LWIP_RAW                   1
#define LWIP_UDP                   1
#define LWIP_TCP                   1
#define LWIP_DHCP                  1
#define LWIP_DHCP_DOES_ACD_CHECK   0
#define DHCP_DOES_ARP_CHECK        0 /* a second's wait; the server has probed the address (RFC 2131, 2.2) */
#define LWIP_AUTOIP                0
#define LWIP_IGMP                  0
#define LWIP_DNS                   1 /* for what DHCP tells: nameserver.c is all there is of it */
#define LWIP_IPV6_MLD              1
#define LWIP_IPV6_AUTOCONFIG       1
#define LWIP_IPV6_DHCP6            0
#define LWIP_IPV6_FORWARD          0
#define IP_FORWARD                 0
#define IP_DEFAULT_TTL             64 /* Linux's, as IP_TTL says */
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_HWADDRHINT      1 /* a connection remembers its place in the ARP table */
#define LWIP_NETIF_TX_SINGLE_PBUF  0
#define LWIP_NETIF_LOOPBACK        1
#define LWIP_HAVE_LOOPIF           1

#define SO_REUSE           1
#define IP_SOF_BROADCAST   1
#define LWIP_TCP_KEEPALIVE 1

/* Tables and queues. Half of the neighbours' are for those that have not answered yet (neighbour.c). */
#define ARP_TABLE_SIZE            512
#define ARP_QUEUEING              1
#define ARP_QUEUE_LEN             4
#define LWIP_ND6_NUM_NEIGHBORS    120
#define LWIP_ND6_NUM_DESTINATIONS 32
#define LWIP_ND6_QUEUEING         1
#define IP_REASS_MAX_PBUFS        64 /* one datagram of 65,535 bytes, and some */
#define IPV6_FRAG_COPYHEADER      1  /* pointers are wider than a fragment header */

#define DNS_MAX_SERVERS                3 /* SD_NAMESERVERS */
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS DNS_MAX_SERVERS

/* TCP. Window and send buffer follow the guest's memory (sd_net_set_limits), up to the values here. */
#define TCP_MSS               1460
#define LWIP_WND_SCALE        1
#define TCP_RCV_SCALE         4
#define SD_NET_TCP_WINDOW_MAX (512 * 1024)
#define SD_NET_TCP_SEND_MAX   (256 * 1024)
extern uint32_t sd_net_tcp_window, sd_net_tcp_send;
#ifdef SD_NET_LARGEST_OPTIONS
#define TCP_WND     SD_NET_TCP_WINDOW_MAX
#define TCP_SND_BUF SD_NET_TCP_SEND_MAX
#else
#define TCP_WND     sd_net_tcp_window
#define TCP_SND_BUF sd_net_tcp_send
#endif
#define TCP_SND_QUEUELEN          (4 * SD_NET_TCP_SEND_MAX / TCP_MSS)
#define MEMP_NUM_TCP_SEG          TCP_SND_QUEUELEN
#define TCP_SNDLOWAT              (2 * TCP_MSS)
#define TCP_WND_UPDATE_THRESHOLD  (TCP_WND / 4)
#define LWIP_TCP_SACK_OUT         1
#define LWIP_TCP_TIMESTAMPS       0 /* lwIP only echoes them: 12 bytes a segment for nothing */
#define TCP_OOSEQ_MAX_BYTES       TCP_WND
#define TCP_LISTEN_BACKLOG        1
#define TCP_MSL                   30000UL /* as Linux: 60 s of TIME_WAIT */
#define LWIP_TCP_RTO_TIME         1500
#define LWIP_TCP_PCB_NUM_EXT_ARGS 0
/* Linux's range (ip_local_port_range). TCP's end is behind the last port, UDP's is the last. */
#define TCP_LOCAL_PORT_RANGE_START 32768
#define TCP_LOCAL_PORT_RANGE_END   61000
#define UDP_LOCAL_PORT_RANGE_START 32768
#define UDP_LOCAL_PORT_RANGE_END   60999
/* Of a random number. */
#define TCP_ENSURE_LOCAL_PORT_RANGE(any)                                                                     \
    ((u16_t)(TCP_LOCAL_PORT_RANGE_START + (any) % (TCP_LOCAL_PORT_RANGE_END - TCP_LOCAL_PORT_RANGE_START)))
#define UDP_ENSURE_LOCAL_PORT_RANGE(any) TCP_ENSURE_LOCAL_PORT_RANGE(any)
#ifdef SD_NET_SOCKETS_GIVE_UP
/* For tcp.c alone: how long an attempt to connect takes is the socket's to say (TCP_SYNCNT); what is sent on
 * a connection is sent again for a quarter of an hour, as on Linux, in the end each minute (timers.c). */
#define TCP_SYNMAXRTX 255
#define TCP_MAXRTX    (pcb->state == SYN_SENT ? 255 : 19)
#endif

/* What a program gives TCP to send is copied where the copy may fail (stardust/socket). */
#ifdef SD_NET_COPY_FROM_PROGRAM
void sd_net_copy(void *to, const void *from, size_t bytes);
#undef MEMCPY
#define MEMCPY(to, from, bytes) sd_net_copy(to, from, bytes)
#endif

/* Checksums are left to the backend where it takes them: per interface, changed per packet. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
/* The IPv4 header's on the way: cheaper than a call. */
#define LWIP_INLINE_IP_CHKSUM 1

#define LWIP_HOOK_FILENAME "arch/hooks.h"

#endif
