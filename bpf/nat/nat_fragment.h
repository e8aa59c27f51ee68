/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet that is too big for its way and may be fragmented (IPv4 without DF) goes through the
 * kernel, which forwards the rewritten packet and fragments it. XDP cannot make two packets from
 * one.
 */
#ifndef POISE_BPF_NAT_FRAGMENT_H
#define POISE_BPF_NAT_FRAGMENT_H

/* Undoes our decrement of the TTL, as the kernel will decrement it when it forwards the packet. */
static __always_inline void nat_give_hop_back(void *ip, int version)
{
	if (version == 4) {
		struct iphdr *ip4 = ip;

		ip4->ttl++;
		csum_update(&ip4->check, 0xffff - TTL_DELTA);
	} else {
		((struct ipv6hdr *)ip)->hop_limit++;
	}
}

/* True if the kernel may fragment the packet. It then gets the rewritten packet to forward. */
static __always_inline bool nat_may_fragment(const void *ip, int version)
{
	return version == 4 && !(((const struct iphdr *)ip)->frag_off & bpf_htons(IP_DF));
}

/*
 * True if the kernel forwards an IPv4 packet between these addresses. It believes no packet from
 * outside that says it is from an address of the host, unless accept_local is set.
 */
__noinline int nat_kernel_forwards(struct xdp_md *ctx, __u32 from, __u32 to, __u32 bytes)
{
	const struct service_words source = { .high = mapped_high(to_wire32(from)) };
	const struct switches *on = switches_now();
	struct bpf_fib_lookup fib = { .family = AF_INET,
				      .tot_len = bytes,
				      .ifindex = ctx->ingress_ifindex,
				      .ipv4_src = to_wire32(from),
				      .ipv4_dst = to_wire32(to) };
	int found;

	if (!on || (!on->accept_local && bpf_map_lookup_elem(&own_addresses, &source)))
		return false;
	found = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	return found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       found == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/* True if a packet that is too big for its way goes on through the kernel. */
static __always_inline bool nat_fragments(struct xdp_md *ctx, const void *ip, int version,
					  const struct nat_addr *from, const struct nat_addr *to,
					  __u32 bytes)
{
	return nat_may_fragment(ip, version) &&
	       nat_kernel_forwards(ctx, from->high >> 32, to->high >> 32, bytes);
}

/*
 * Mode nat returns one of these in place of a verdict for a packet that it cannot send on, and
 * nat_undelivered() answers it: the stacks of both would be too large within each other. mtu: that
 * of the way, for DROP_TOO_BIG.
 */
#define NAT_UNDELIVERED            0x40000000
#define NAT_CANNOT(reason, mtu)    (NAT_UNDELIVERED | (int)(mtu) << 8 | (reason))
#define NAT_CANNOT_REASON(verdict) ((verdict)&0xff)
#define NAT_CANNOT_MTU(verdict)    ((verdict) >> 8 & 0xffff)

#endif
