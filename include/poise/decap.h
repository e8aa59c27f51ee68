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

#define DECAP_MAX_LOCALS    256 /* addresses that tunnels end at */
#define DECAP_LOCAL_ENTRIES (2 * DECAP_MAX_LOCALS)
#define DECAP_MAX_NETS      256 /* networks that balancers send from */
#define DECAP_NET_ENTRIES   (2 * DECAP_MAX_NETS)

/* Why a tunnel packet to a VIP was dropped, and the index into `decap_drops`. */
enum decap_drop {
	DECAP_DROP_NONE,
	DECAP_DROP_MALFORMED_IP, /* the inner IP header contradicts itself or the outer length */
	DECAP_DROP_ECN,      /* RFC 6040: congestion experienced outside, not ECN-capable inside */
	DECAP_DROP_STRANGER, /* the outer source is in none of the networks of `decap_nets` */
	DECAP_DROP_MAX,
};

/* entries of `decap_drops`: packets to other hosts, which pass, are counted behind the reasons */
#define DECAP_NOT_LOCAL    15
#define DECAP_DROP_ENTRIES 16

_Static_assert(DECAP_DROP_MAX <= DECAP_NOT_LOCAL, "room for every drop");

/* decap_locals: key is an address like that of decap_vips, value: */
enum decap_local {
	DECAP_LOCAL_FOUND = 1, /* it was the interface's when the program was attached */
	DECAP_LOCAL_GIVEN,     /* by --local */
};

/* decap_nets: key of a longest prefix match, value is a byte without a meaning. */
struct decap_net {
	__u32 bits;    /* of addr that count, 96 more than the prefix length in IPv4 */
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d */
};

_Static_assert(sizeof(struct decap_net) == 20, "map ABI");

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
		[DECAP_DROP_STRANGER] = "stranger",
	};
	_Static_assert(sizeof(names) / sizeof(names[0]) == DECAP_DROP_MAX, "name every drop");

	return reason < DECAP_DROP_MAX ? names[reason] : (const char *)0;
}
#endif

#endif
