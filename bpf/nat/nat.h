/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mode nat: rewrites addresses and ports of clients' packets to backends and of backends' replies
 * to clients. The entry points are global functions, which the verifier checks once per IP version.
 * Replies go back the way that the client's last packet came, by the same interface to the same
 * neighbour, so that no route has to be looked up for them.
 */
#ifndef POISE_BPF_NAT_H
#define POISE_BPF_NAT_H

#define LEAST_MTU 576 /* smaller ones are not worth asking about (RFC 791) */

/*
 * Notes in both entries which neighbour the client's packets come from. If two CPUs note different
 * ones at once, the next packet puts it right.
 */
__noinline int nat_learn_hop(struct xdp_md *ctx, __u32 slot, __u32 other)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	struct nat_set *set = nat_set_of(slot), *reply_set = nat_set_of(other);
	struct nat_entry *entry, *reply;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end || !set || !reply_set)
		return 0;
	entry = nat_entry_at(set, slot);
	reply = nat_entry_at(reply_set, other);
	if (reply->other != slot)
		return 0;
	entry->ifindex = reply->ifindex = ctx->ingress_ifindex;
	nat_hop_from(entry->hop, eth);
	__builtin_memcpy(reply->hop, entry->hop, sizeof(reply->hop));
	return 0;
}

static __always_inline bool nat_same_hop(const struct nat_entry *entry, const struct ethhdr *eth,
					 __u32 ifindex)
{
	const __u16 *known = (const __u16 *)entry->hop;
	const __u16 *from = (const __u16 *)eth->h_source, *to = (const __u16 *)eth->h_dest;

	return entry->ifindex == ifindex && known[0] == from[0] && known[1] == from[1] &&
	       known[2] == from[2] && known[3] == to[0] && known[4] == to[1] && known[5] == to[2];
}

#define NAT_UNKNOWN (-1) /* the flow is not in the table yet */

/*
 * Returns the verdict that sends a packet out to its target, XDP_PASS if the kernel is to fragment
 * it, or a negative drop_reason.
 */
static __always_inline int nat_way_to(struct xdp_md *ctx, const struct target *target,
				      const struct nat_parts *parts, int version,
				      const struct nat_change *change, __u32 bytes)
{
	int action;

	if (bytes > target->mtu)
		return nat_fragments(ctx, parts->ip, version, &change->from, &change->to, bytes)
			       ? XDP_PASS
			       : -DROP_TOO_BIG;
	action = way_out(ctx, target);
	return action == XDP_DROP ? -DROP_NO_TARGET : action;
}

/*
 * Forwards a client's packet to a service in mode nat. Returns the verdict, NAT_UNKNOWN or
 * NAT_CANNOT().
 */
static __always_inline int nat_forward(struct xdp_md *ctx, __u64 service_bits, __u64 hash,
				       __u32 shape, int version)
{
	__u16 service = ((union service_word){ .word = service_bits }).service.number;
	__u32 tcp_flags = NAT_SHAPE_TCP_FLAGS(shape), now = nat_now(), number, source, bytes;
	const struct nat_source *ours;
	struct nat_parts parts;
	struct nat_change change;
	struct nat_addr client;
	struct nat_found found;
	struct nat_entry *entry;
	const struct target *target;
	bool udp = tcp_flags & NO_TCP;
	int action;

	if (!nat_find_parts(ctx, shape, version, &parts))
		return XDP_PASS;
	if (nat_ttl(parts.ip, version) <= 1)
		return NAT_CANNOT(DROP_TTL, 0);
	client = nat_source_of(parts.ip, version);
	found = nat_find_client(&client, parts.ports[0], service, hash, now);
	if (!found.set)
		return NAT_UNKNOWN;
	entry = nat_entry_at(found.set, found.slot);
	number = entry->target;
	target = bpf_map_lookup_elem(&targets, &number);
	if (!target || !nat_goes_on(&found, target, service, tcp_flags, now))
		return NAT_UNKNOWN;
	source = entry->source;
	ours = bpf_map_lookup_elem(&nat_sources, &source);
	if (!ours)
		return stop(DROP_NO_TARGET);
	__builtin_memcpy(&change.from, ours->addr, sizeof(change.from));
	change.to = nat_target_addr(target);
	change.from_port = entry->nat_port;
	change.to_port = target->port;
	change.ip_delta = entry->ip_delta;
	change.transport_delta = entry->transport_delta;
	/*
	 * A CPU that takes an entry over marks its word before it changes the entry, so all that
	 * was read above is the flow's if the word is still the same.
	 */
	if (nat_is_taken(&found, flow_tag(hash)))
		return NAT_UNKNOWN;
	bytes = nat_ip_bytes(parts.ip, version);
	action = nat_way_to(ctx, target, &parts, version, &change, bytes);
	if (action < 0)
		return -action == DROP_TOO_BIG ? NAT_CANNOT(DROP_TOO_BIG, target->mtu)
					       : stop(-action);
	nat_note(nat_word_at(found.set, found.slot), found.word, entry, target, udp ? 0 : tcp_flags,
		 now);
	if (!nat_same_hop(entry, parts.eth, ctx->ingress_ifindex))
		nat_learn_hop(ctx, found.slot, entry->other);
	if (action != XDP_PASS)
		write_ethernet(parts.eth, target, parts.eth->h_proto);
	nat_rewrite(&parts, version, udp, &change);
	if (action == XDP_PASS)
		nat_give_hop_back(parts.ip, version);
	count_packet(number, bytes, shape & NAT_SHAPE_BEGAN);
	return nat_sent(ctx, bytes, action);
}

__noinline int nat_forward4(struct xdp_md *ctx, __u64 service_bits, __u64 hash, __u32 shape)
{
	return nat_forward(ctx, service_bits, hash, shape, 4);
}

__noinline int nat_forward6(struct xdp_md *ctx, __u64 service_bits, __u64 hash, __u32 shape)
{
	return nat_forward(ctx, service_bits, hash, shape, 6);
}

/* The key by which a reply's entry is recognized. */
struct nat_reply_key {
	struct nat_addr backend;
	__be16 backend_port, nat_port;
	__u16 source; /* index into nat_sources: the address that the port is of */
	bool udp;
};

static __always_inline bool nat_is_reply(const struct nat_entry *entry, __u64 word,
					 const struct nat_reply_key *key)
{
	__u32 number = entry->target;
	const struct target *target = bpf_map_lookup_elem(&targets, &number);
	struct nat_addr backend;

	if (!target || !(word & NAT_REPLY) || !!(word & NAT_UDP) != key->udp ||
	    entry->source != key->source || entry->nat_port != key->nat_port ||
	    target->port != key->backend_port)
		return false;
	backend = nat_target_addr(target);
	return backend.low == key->backend.low && backend.high == key->backend.high;
}

static __always_inline struct nat_found nat_find_reply(const struct nat_reply_key *key, __u64 hash,
						       __u32 now)
{
	struct nat_found found;
	int choice;

	for (choice = 0; choice < 2; choice++)
		if (nat_look(&found, hash, choice) &&
		    nat_is_reply(nat_entry_at(found.set, found.slot), found.word, key) &&
		    nat_is_live(found.word, now))
			return found;
	found.set = NULL;
	return found;
}

/*
 * Returns the verdict that sends a reply out by the interface towards the client, or a negative
 * drop_reason; *mtu is set to that interface's MTU if the packet is larger.
 */
static __always_inline int nat_way_back(struct xdp_md *ctx, __u32 ifindex, __u32 bytes, __u32 *mtu)
{
	if (ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	if (bytes > LEAST_MTU && bpf_check_mtu(ctx, ifindex, mtu, 0, 0))
		return -DROP_TOO_BIG;
	return bpf_redirect_map(&tx_ports, ifindex, XDP_DROP) == XDP_DROP ? -DROP_NO_TARGET
									  : XDP_REDIRECT;
}

static __always_inline void nat_count_reply(__u32 number, __u32 ip_bytes)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &number);

	if (!counter)
		return;
	counter->reply_packets++;
	counter->reply_bytes += ip_bytes;
}

/*
 * Translates a backend's packet to one of our ports and sends it to the client. Returns the verdict
 * or NAT_CANNOT(): XDP_PASS if the flow is not known, as the packet may belong to a connection of
 * the host's own.
 */
static __always_inline int nat_reply(struct xdp_md *ctx, __u32 source, __u32 shape, int version)
{
	__u32 now = nat_now(), number, service, bytes, mtu = 0;
	const struct service_name *name;
	struct nat_parts parts;
	struct nat_change change;
	struct nat_entry *entry;
	struct nat_found found;
	struct target *target;
	struct nat_reply_key key;
	struct nat_addr to;
	bool udp = NAT_SHAPE_TCP_FLAGS(shape) & NO_TCP;
	__u64 hash;
	int action;

	if (!nat_find_parts(ctx, shape, version, &parts) || !nat_is_whole(&parts, shape, version))
		return XDP_PASS;
	key = (struct nat_reply_key){ .backend = nat_source_of(parts.ip, version),
				      .backend_port = parts.ports[0],
				      .nat_port = parts.ports[1],
				      .source = source,
				      .udp = udp };
	to = nat_dest_of(parts.ip, version);
	hash = nat_hash(&key.backend, &to, key.backend_port, key.nat_port,
			udp ? IPPROTO_UDP : IPPROTO_TCP);
	found = nat_find_reply(&key, hash, now);
	if (!found.set)
		return XDP_PASS;
	entry = nat_entry_at(found.set, found.slot);
	number = entry->target;
	service = entry->service;
	target = bpf_map_lookup_elem(&targets, &number);
	name = bpf_map_lookup_elem(&service_names, &service);
	if (!target || !name || !name->row_count)
		return XDP_PASS;
	if (nat_ttl(parts.ip, version) <= 1)
		return NAT_CANNOT(DROP_TTL, 0);
	__builtin_memcpy(&change.from, name->key.addr, sizeof(change.from));
	__builtin_memcpy(&change.to, entry->client, sizeof(change.to));
	change.from_port = name->key.port;
	change.to_port = entry->client_port;
	change.ip_delta = entry->ip_delta;
	change.transport_delta = entry->transport_delta;
	if (nat_is_taken(&found, flow_tag(hash)))
		return XDP_PASS;
	bytes = nat_ip_bytes(parts.ip, version);
	action = nat_way_back(ctx, entry->ifindex, bytes, &mtu);
	if (action == -DROP_TOO_BIG) {
		if (!nat_fragments(ctx, parts.ip, version, &change.from, &change.to, bytes))
			return NAT_CANNOT(DROP_TOO_BIG, mtu);
		action = XDP_PASS;
	}
	if (action < 0)
		return stop(-action);
	nat_note(nat_word_at(found.set, found.slot), found.word, entry, target, parts.tcp_flags,
		 now);
	if (action != XDP_PASS)
		__builtin_memcpy(parts.eth, entry->hop, sizeof(entry->hop));
	nat_rewrite(&parts, version, udp, &change);
	if (action == XDP_PASS)
		nat_give_hop_back(parts.ip, version);
	nat_count_reply(number, bytes);
	return nat_sent(ctx, bytes, action);
}

__noinline int nat_reply4(struct xdp_md *ctx, __u32 source, __u32 shape)
{
	return nat_reply(ctx, source, shape, 4);
}

__noinline int nat_reply6(struct xdp_md *ctx, __u32 source, __u32 shape)
{
	return nat_reply(ctx, source, shape, 6);
}

#endif
