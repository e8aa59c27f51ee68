/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers of protocols that are macros in the kernel's headers, so that BTF does not have them. */
#ifndef POISE_BPF_PROTOCOLS_H
#define POISE_BPF_PROTOCOLS_H

#define AF_INET  2
#define AF_INET6 10

#define ETH_P_IP   0x0800
#define ETH_P_IPV6 0x86dd

#define IPPROTO_HOPOPTS  0
#define IPPROTO_ICMP     1
#define IPPROTO_IPIP     4
#define IPPROTO_IPV6     41
#define IPPROTO_ROUTING  43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_AH       51
#define IPPROTO_ICMPV6   58
#define IPPROTO_DSTOPTS  60

/* True for the protocols that services may have; all of them begin with two ports. */
static __always_inline bool has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

#endif
