/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Layouts that poise_decap (bpf/decap.bpf.c) and user space share. Like in poise/abi.h, a BPF
 * program includes vmlinux.h before this file.
 */
#ifndef POISE_DECAP_H
#define POISE_DECAP_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define DECAP_MAX_VIPS 1024
/* entries of decap_vips: while one set of VIPs replaces another the map holds both */
#define DECAP_VIP_ENTRIES (2 * DECAP_MAX_VIPS)

/* Why a tunnel packet to a VIP was dropped, and the index into `decap_drops`. */
enum decap_drop {
	DECAP_DROP_NONE,
	DECAP_DROP_MALFORMED_IP, /* the inner IP header contradicts itself or the outer length */
	DECAP_DROP_ECN, /* RFC 6040: congestion experienced outside, not ECN-capable inside */
	DECAP_DROP_MAX,
};

/* decap_vips: key is an address of 16 bytes, IPv4 as ::ffff:a.b.c.d; value, per CPU: */
struct decap_counter {
	__u64 packets;
	__u64 bytes; /* bytes of inner IP packets, as the balancer's clients sent them */
};

_Static_assert(sizeof(struct decap_counter) == 16, "map ABI");

#ifndef __bpf__
/*
 * Returns a name like "malformed_ip", "none" for DECAP_DROP_NONE, or NULL from DECAP_DROP_MAX on.
 */
static inline const char *decap_drop_name(unsigned int reason)
{
	static const char *const names[] = {
		[DECAP_DROP_NONE] = "none",
		[DECAP_DROP_MALFORMED_IP] = "malformed_ip",
		[DECAP_DROP_ECN] = "ecn",
	};
	_Static_assert(sizeof(names) / sizeof(names[0]) == DECAP_DROP_MAX, "name every drop");

	return reason < DECAP_DROP_MAX ? names[reason] : (const char *)0;
}
#endif

#endif
