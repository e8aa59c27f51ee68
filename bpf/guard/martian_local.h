/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets to services in mode local belong to the kernel, which looks at the sources of IPv4 and
 * not at those of IPv6. Only here, where packets come in, is it known that they come from outside:
 * the host's own clients of such a service have its addresses, too.
 */
#ifndef POISE_BPF_MARTIAN_LOCAL_H
#define POISE_BPF_MARTIAN_LOCAL_H

#include "local/local_key.h"

/* True if a socket of this host takes packets to this address and port for a service. */
static __always_inline bool is_for_local(struct service_words to, int version)
{
	to.rest |= (__u32)KEY_LOCAL << 24;
	if (find_service(&to).word)
		return true;
	/* A service at the wildcard address is at those of this host. */
	return find_local(to, version == 4).word &&
	       bpf_map_lookup_elem(&own_addresses,
				   &(struct service_words){ .low = to.low, .high = to.high });
}

/*
 * Handles a packet to no service that packets are balanced to: port and protocol as in struct
 * service_words. Returns GO_ON or DROP_MARTIAN.
 */
__noinline int judge_local(struct xdp_md *ctx, __u32 port_and_proto, int version)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const struct ipv6hdr *ip6 = ip;
	const struct iphdr *ip4 = ip;
	struct service_words to = { .rest = port_and_proto };
	const __u64 *words;
	__u64 hash;

	if (version == 4) {
		if ((void *)(ip4 + 1) > end)
			return GO_ON;
		to.high = mapped_high(ip4->daddr);
		hash = flow_hash_source4(&hash_key, ip4->saddr);
		if (!looks_martian(ip, 4, hash) || !is_martian(0, mapped_high(ip4->saddr), 4))
			return GO_ON;
	} else {
		if ((void *)(ip6 + 1) > end)
			return GO_ON;
		words = (const __u64 *)&ip6->saddr;
		to.low = words[2];
		to.high = words[3];
		hash = flow_hash_source6(&hash_key, ip6->saddr.in6_u.u6_addr32);
		if (!looks_martian(ip, 6, hash) || !is_martian(words[0], words[1], 6))
			return GO_ON;
	}
	return is_for_local(to, version) ? DROP_MARTIAN : GO_ON;
}

#endif
