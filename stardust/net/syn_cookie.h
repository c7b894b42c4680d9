/*
 * SYN cookies (RFC 4987, 3.6): where connections that are half open have had to give way to others, the ACK
 * of one of them makes it again. What the SYN said that brought it is in the sequence number that it was
 * answered with, and a part that only we can make. Under the network's lock.
 */
#ifndef STARDUST_NET_SYN_COOKIE_H
#define STARDUST_NET_SYN_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lwip/ip_addr.h"

struct netif;
struct pbuf;
struct tcp_hdr;

/* Half-open connections had to give way: for a minute, their ACKs are looked at. */
void sd_syn_cookies_needed(void);

/* The sequence number that answers a SYN, the packet lwIP is looking at, with `bytes` of options. */
uint32_t sd_syn_cookie(const struct tcp_hdr *header, size_t bytes);

/* Whether the packet lwIP is looking at acknowledges a cookie that is not older than a minute. */
bool sd_syn_cookie_comes_back(const struct tcp_hdr *header);

/* The SYN that the cookie was an answer to, for tcp_input, whose it becomes. NULL: no memory. */
struct pbuf *sd_syn_cookie_syn(const struct tcp_hdr *header);

#endif
