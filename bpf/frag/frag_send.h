/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends a fragment to its datagram's target, by any mode but nat. */
#ifndef POISE_BPF_FRAG_SEND_H
#define POISE_BPF_FRAG_SEND_H

/* Pointers to what a fragment without ports has, checked against its end. */
struct frag_parts {
	struct ethhdr *eth;
	void *ip;
};

static __always_inline __u32 frag_shape(const struct frag *frag, __u32 tcp_flags)
{
	return NAT_SHAPE(frag->transport_offset & MAX_TRANSPORT_OFFSET, tcp_flags) |
	       (frag->version == 6 ? NAT_SHAPE_IPV6 : 0);
}

static __always_inline bool frag_find_parts(struct xdp_md *ctx, int version,
					    struct frag_parts *parts)
{
	parts->eth = (void *)(long)ctx->data;
	parts->ip = parts->eth + 1;
	return parts->ip + ip_header_bytes(version) <= (void *)(long)ctx->data_end;
}

/* Returns what an IP header's checksum lacks when its addresses are replaced. */
static __always_inline __u16 frag_delta(const struct frag *frag, const struct nat_addr *from,
					const struct nat_addr *to)
{
	struct nat_addr old_from = frag_from(frag), old_to = frag_to(frag);

	return csum_difference(nat_addr_sum(from) + nat_addr_sum(to),
			       nat_addr_sum(&old_from) + nat_addr_sum(&old_to));
}

/* Gives the fragment at hand these addresses. The first one's checksum has changed for all. */
static __always_inline void frag_rewrite(const struct frag *frag, const struct frag_parts *parts,
					 int version, const struct nat_addr *from,
					 const struct nat_addr *to)
{
	nat_rewrite_ip(parts->ip, version, from, to, frag_delta(frag, from, to));
}

/* Does what nat_keep_forward() does, for a fragment without ports. */
static __always_inline int frag_keep_to(struct xdp_md *ctx, const struct frag *frag,
					const struct target *target, int version)
{
	struct nat_addr from = frag_from(frag), to = nat_target_addr(target);
	const bool too_big = frag->ip_bytes > target->mtu;
	struct frag_parts parts;

	if (!frag_find_parts(ctx, version, &parts))
		return DROP_NO_ROOM;
	if (target->outer_version != version)
		return DROP_NO_TARGET;
	if (nat_ttl(parts.ip, version) <= 1)
		return DROP_TTL;
	if (too_big && !nat_fragments(ctx, parts.ip, version, &from, &to, frag->ip_bytes))
		return DROP_TOO_BIG;
	if (!too_big)
		write_ethernet(parts.eth, target, parts.eth->h_proto);
	frag_rewrite(frag, &parts, version, &from, &to);
	if (too_big)
		nat_give_hop_back(parts.ip, version);
	return too_big ? TO_KERNEL : GO_ON;
}

static __always_inline int frag_keep_forward(struct xdp_md *ctx, const struct frag *frag,
					     const struct target *target)
{
	return frag->version == 6 ? frag_keep_to(ctx, frag, target, 6)
				  : frag_keep_to(ctx, frag, target, 4);
}

/*
 * Does what undelivered_to() does. Only the first fragment of a datagram is answered (RFC 1812,
 * 4.3.2.7).
 */
static __always_inline int frag_undelivered(struct xdp_md *ctx, const struct frag *frag, int err,
					    __u32 number)
{
	__u32 shape = frag_shape(frag, 0) | (frag->new_flow ? NAT_SHAPE_BEGAN : 0);

	if (frag->range.from && err != TO_KERNEL)
		return stop(err);
	return undelivered_to(ctx, err, number, shape);
}

/* Sends the fragment at hand to the target that its entry names. Returns the verdict. */
__noinline int frag_send(struct xdp_md *ctx, __u32 tcp_flags)
{
	struct packet pkt = { .fragment = true };
	struct frag *frag = frag_get();
	const struct target *target;
	int err, action;
	__u32 number;

	if (!frag)
		return XDP_PASS;
	number = frag->entry.number;
	target = bpf_map_lookup_elem(&targets, &number);
	if (!target)
		return stop(DROP_NO_TARGET);
	pkt.version = frag->version == 6 ? 6 : 4;
	pkt.tos = frag->tos;
	pkt.proto = frag->proto;
	pkt.ip_bytes = frag->ip_bytes;
	pkt.transport_offset = frag->transport_offset;
	pkt.tcp_flags = tcp_flags;
	action = way_out(ctx, target);
	if (action == XDP_DROP)
		return stop(DROP_NO_TARGET);
	if (action != XDP_TX && frag->version == 6 && is_link_local(frag->entry.key.from))
		return stop(DROP_MARTIAN);
	err = trim(ctx, pkt.ip_bytes);
	if (!err && frag->range.from && target->mode == MODE_NAT_KEEP)
		err = frag_keep_forward(ctx, frag, target);
	else if (!err)
		err = rewrite(ctx, &pkt, target, frag->entry.hash);
	if (err)
		return frag_undelivered(ctx, frag, err, number);
	count_packet(number, pkt.ip_bytes, frag->new_flow);
	return action;
}

#endif
