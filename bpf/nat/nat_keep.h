/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mode nat with `source: keep`: only the backend's address and port are replaced. Nothing is
 * remembered, because a reply's source tells which service it belongs to.
 */
#ifndef POISE_BPF_NAT_KEEP_H
#define POISE_BPF_NAT_KEEP_H

#include "lb/protocols.h"

/* Returns what a checksum lacks when an address and a port are replaced. */
static __always_inline __u16 nat_delta(const struct nat_addr *old, __be16 old_port,
				       const struct nat_addr *now, __be16 now_port)
{
	return csum_difference(nat_addr_sum(now) + wire16(now_port),
			       nat_addr_sum(old) + wire16(old_port));
}

static __always_inline int nat_keep_to(struct xdp_md *ctx, const struct target *target, __u32 shape,
				       int version)
{
	struct nat_parts parts;
	struct nat_change change;
	struct nat_addr old;
	bool too_big;
	__u32 bytes;

	if (!nat_find_parts(ctx, shape, version, &parts))
		return DROP_NO_ROOM;
	if (target->outer_version != version)
		return DROP_NO_TARGET;
	if (nat_ttl(parts.ip, version) <= 1)
		return DROP_TTL;
	old = nat_dest_of(parts.ip, version);
	change.from = nat_source_of(parts.ip, version);
	change.to = nat_target_addr(target);
	bytes = nat_ip_bytes(parts.ip, version);
	too_big = bytes > target->mtu;
	if (too_big && !nat_fragments(ctx, parts.ip, version, &change.from, &change.to, bytes))
		return DROP_TOO_BIG;
	change.from_port = parts.ports[0];
	change.to_port = target->port;
	change.ip_delta = nat_delta(&old, 0, &change.to, 0);
	change.transport_delta = nat_delta(&old, parts.ports[1], &change.to, target->port);
	if (!too_big)
		write_ethernet(parts.eth, target, parts.eth->h_proto);
	nat_rewrite(&parts, version, shape & NAT_SHAPE_UDP, &change);
	if (too_big)
		nat_give_hop_back(parts.ip, version);
	return too_big ? TO_KERNEL : GO_ON;
}

/* Rewrites a client's packet to its backend. Returns GO_ON, TO_KERNEL or a drop_reason. */
__noinline int nat_keep_forward(struct xdp_md *ctx, const struct target *target, __u32 shape)
{
	if (!target)
		return DROP_NO_TARGET;
	return shape & NAT_SHAPE_IPV6 ? nat_keep_to(ctx, target, shape, 6)
				      : nat_keep_to(ctx, target, shape, 4);
}

static __always_inline bool nat_keeps(void)
{
	const struct switches *on = switches_now();

	return on && on->nat_keep;
}

/*
 * Returns the service that a backend answers for from this address and port; row_count holds the
 * backend's target.
 */
static __always_inline struct service nat_kept_service(const struct nat_addr *backend, __be16 port,
						       __u8 proto)
{
	struct service_words key = { .low = backend->low,
				     .high = backend->high,
				     .rest = wire16(port) | (__u32)proto << 16 |
					     (__u32)KEY_REPLY << 24 };

	return find_service(&key).service;
}

/* Asks the kernel for the next hop of a rewritten packet. Returns a BPF_FIB_LKUP_RET_... value. */
static __always_inline int nat_route(struct xdp_md *ctx, const struct nat_change *change,
				     __u32 bytes, int version, struct bpf_fib_lookup *fib)
{
	fib->family = version == 4 ? AF_INET : AF_INET6;
	fib->tot_len = bytes;
	fib->ifindex = ctx->ingress_ifindex;
	if (version == 4) {
		fib->ipv4_src = to_wire32(change->from.high >> 32);
		fib->ipv4_dst = to_wire32(change->to.high >> 32);
	} else {
		__builtin_memcpy(fib->ipv6_src, &change->from, sizeof(change->from));
		__builtin_memcpy(fib->ipv6_dst, &change->to, sizeof(change->to));
	}
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

/*
 * Sends the packet to the next hop that was found. Returns XDP_PASS if that is not behind an
 * interface of ours.
 */
static __always_inline int nat_routed(struct xdp_md *ctx, const struct bpf_fib_lookup *fib,
				      struct ethhdr *eth)
{
	int action = XDP_TX;

	if (fib->ifindex != ctx->ingress_ifindex)
		action = bpf_redirect_map(&tx_ports, fib->ifindex, XDP_PASS);
	if (action == XDP_PASS)
		return action;
	__builtin_memcpy(eth->h_dest, fib->dmac, sizeof(eth->h_dest));
	__builtin_memcpy(eth->h_source, fib->smac, sizeof(eth->h_source));
	return action;
}

static __always_inline int nat_keep_from(struct xdp_md *ctx, __u32 shape, int version)
{
	__u8 proto = shape & NAT_SHAPE_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	struct bpf_fib_lookup fib = { 0 };
	const struct service_name *name;
	struct nat_parts parts;
	struct nat_change change;
	struct nat_addr backend;
	struct service service;
	__u32 number, bytes;
	int found, action = XDP_PASS;

	if (!nat_find_parts(ctx, shape, version, &parts) || !nat_is_whole(&parts, shape, version))
		return XDP_PASS;
	backend = nat_source_of(parts.ip, version);
	service = nat_kept_service(&backend, parts.ports[0], proto);
	number = service.number;
	name = bpf_map_lookup_elem(&service_names, &number);
	if (!service.row_count || !name || !name->row_count || nat_ttl(parts.ip, version) <= 1)
		return XDP_PASS;
	__builtin_memcpy(&change.from, name->key.addr, sizeof(change.from));
	change.to = nat_dest_of(parts.ip, version);
	change.from_port = name->key.port;
	change.to_port = parts.ports[1];
	change.ip_delta = nat_delta(&backend, 0, &change.from, 0);
	change.transport_delta =
		nat_delta(&backend, parts.ports[0], &change.from, change.from_port);
	bytes = nat_ip_bytes(parts.ip, version);
	found = nat_route(ctx, &change, bytes, version, &fib);
	/*
	 * The kernel takes the packet as it came if it belongs to a connection of the host's own.
	 * It also does so if there is no route or the packet is too big, and then tells the
	 * backend.
	 */
	if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH &&
	    !(found == BPF_FIB_LKUP_RET_FRAG_NEEDED && nat_may_fragment(parts.ip, version)))
		return XDP_PASS;
	if (found == BPF_FIB_LKUP_RET_SUCCESS)
		action = nat_routed(ctx, &fib, parts.eth);
	nat_rewrite(&parts, version, shape & NAT_SHAPE_UDP, &change);
	if (action == XDP_PASS)
		nat_give_hop_back(parts.ip, version);
	nat_count_reply(service.row_count, bytes);
	return action == XDP_PASS ? action : nat_sent(ctx, bytes, action);
}

/*
 * Handles a packet that may be a backend's reply, and returns the verdict. If the kernel has not
 * resolved the neighbour yet, or the route leads over an interface that is not ours, the kernel
 * gets the rewritten packet to forward.
 */
__noinline int nat_keep_reply(struct xdp_md *ctx, __u32 shape)
{
	return shape & NAT_SHAPE_IPV6 ? nat_keep_from(ctx, shape, 6) : nat_keep_from(ctx, shape, 4);
}

#endif
