/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layouts that the harness in the kernel and the tool share. */
#ifndef POISE_BENCH_ABI_H
#define POISE_BENCH_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* Ethernet minimum without its checksum, and Ethernet + IPv6 + TCP */
#define FRAME4_BYTES    60
#define FRAME6_BYTES    74
#define FRAME_MAX_BYTES FRAME6_BYTES

/* A flow's low bits are in its source port (of replies: in their destination port), the others in
 * the source address's last word. */
#define FLOW_PORT_BASE 0x4000
#define FLOW_PORT_BITS 14
#define FLOW_PORT_MASK ((1 << FLOW_PORT_BITS) - 1)
#define FLOW_MAX_BITS  24

/* Two bytes before the frame, so that its IP header is aligned to words. */
#define TEMPLATE_LEAD  2
#define TEMPLATE_BYTES ((TEMPLATE_LEAD + FRAME_MAX_BYTES + 7) / 8 * 8)

/* The packet of flow 0 without its source port and checksums. */
struct frame_template {
	union { /* as it lies in memory */
		__u8 bytes[TEMPLATE_BYTES];
		__u16 halves[TEMPLATE_BYTES / 2];
		__u32 words[TEMPLATE_BYTES / 4];
		__u64 longs[TEMPLATE_BYTES / 8];
	};
	__u32 source_end;    /* last 32-bit word of the source address, host order */
	__u16 ip_sum;        /* one's complement, over the IPv4 header, host order */
	__u16 transport_sum; /* the same over pseudo-header and segment */
};

#endif
