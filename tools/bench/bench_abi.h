/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the harness in the kernel and the tool agree on. */
#ifndef POISE_BENCH_ABI_H
#define POISE_BENCH_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* Ethernet minimum without its checksum, and Ethernet + IPv6 + TCP */
#define FRAME4_BYTES    60
#define FRAME6_BYTES    74
#define FRAME_MAX_BYTES FRAME6_BYTES

/* A flow's low bits are in its source port, the others in the source address's last word. */
#define FLOW_PORT_BASE 0x4000
#define FLOW_PORT_BITS 14
#define FLOW_PORT_MASK ((1 << FLOW_PORT_BITS) - 1)
#define FLOW_MAX_BITS  20

/* The packet of flow 0 without its source port and checksums; 16-bit words in host order. */
struct frame_template {
	__u64 words[(FRAME_MAX_BYTES + 7) / 8]; /* as it lies in memory */
	__u16 source_end;                       /* last word of the source address */
	__u16 ip_sum;                           /* one's complement, over the IPv4 header */
	__u16 transport_sum;                    /* the same over pseudo-header and segment */
	__u16 pad;
};

#endif
