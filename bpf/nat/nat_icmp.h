/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors about packets that nat has translated: the packet that an error quotes is translated
 * back, too, so that whoever sent it recognizes it (RFC 5508, section 4; RFC 792, RFC 4443). Errors
 * change nothing in the NAT table.
 */
#ifndef POISE_BPF_NAT_ICMP_H
#define POISE_BPF_NAT_ICMP_H

/* About a packet of ours to a backend: to the client. A verdict, or a negative drop_reason. */
static __always_inline int nat_error_to_client(struct xdp_md *ctx, __u32 shape, int version,
					       const struct nat_quote *quote, __u16 source,
					       __u32 bytes)
{
	struct nat_reply_key key = { .backend = quote->to,
				     .backend_port = quote->ports[1],
				     .nat_port = quote->ports[0],
				     .source = source,
				     .udp = quote->proto == IPPROTO_UDP };
	__u64 hash =
		nat_hash(&quote->to, &quote->from, quote->ports[1], quote->ports[0], quote->proto);
	struct nat_found found = nat_find_reply(&key, hash, nat_now());
	struct ethhdr *eth = (void *)(long)ctx->data;
	const struct service_name *name;
	const struct nat_entry *entry;
	struct nat_turn turn;
	__u32 service, number;
	int action, err;

	if (!found.set || (void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	entry = nat_entry_at(found.set, found.slot);
	service = entry->service;
	number = entry->target;
	name = bpf_map_lookup_elem(&service_names, &service);
	if (!name || !name->row_count)
		return XDP_PASS;
	__builtin_memcpy(&turn.from, name->key.addr, sizeof(turn.from));
	__builtin_memcpy(&turn.to, entry->client, sizeof(turn.to));
	turn.quote_from = turn.to;
	turn.quote_to = turn.from;
	turn.from_port = entry->client_port;
	turn.to_port = name->key.port;
	turn.ip_delta = entry->ip_delta;
	turn.transport_delta = entry->transport_delta;
	action = nat_way_back(ctx, entry->ifindex, bytes);
	if (action < 0)
		return action;
	err = nat_turn_error(ctx, shape, version, quote, &turn);
	if (err)
		return err;
	__builtin_memcpy(eth, entry->hop, sizeof(entry->hop));
	nat_count_reply(number, bytes);
	return action;
}

/* About a packet of ours to a client: to the backend. */
static __always_inline int nat_error_to_backend(struct xdp_md *ctx, __u32 shape, int version,
						const struct nat_quote *quote,
						struct service service, __u32 bytes)
{
	__u64 hash =
		nat_hash(&quote->to, &quote->from, quote->ports[1], quote->ports[0], quote->proto);
	struct nat_found found =
		nat_find_client(&quote->to, quote->ports[1], service.number, hash, nat_now());
	struct ethhdr *eth = (void *)(long)ctx->data;
	const struct nat_source *ours;
	const struct nat_entry *entry;
	const struct target *target;
	__u32 source, number;
	struct nat_turn turn;
	int action, err;

	if (!found.set || (void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	entry = nat_entry_at(found.set, found.slot);
	source = entry->source;
	number = entry->target;
	ours = bpf_map_lookup_elem(&nat_sources, &source);
	target = bpf_map_lookup_elem(&targets, &number);
	if (!ours || !target || target->mode != MODE_NAT)
		return XDP_PASS;
	__builtin_memcpy(&turn.from, ours->addr, sizeof(turn.from));
	turn.to = nat_target_addr(target);
	turn.quote_from = turn.to;
	turn.quote_to = turn.from;
	turn.from_port = target->port;
	turn.to_port = entry->nat_port;
	turn.ip_delta = entry->ip_delta;
	turn.transport_delta = entry->transport_delta;
	action = way_out(ctx, target);
	if (action == XDP_DROP)
		return -DROP_NO_TARGET;
	err = nat_turn_error(ctx, shape, version, quote, &turn);
	if (err)
		return err;
	write_ethernet(eth, target, eth->h_proto);
	nat_count_packet(number, bytes, false);
	return action;
}

/* Where packets of a client go by `source: keep`, without making anything of it: 0, nowhere. */
static __always_inline __u32 nat_kept_target(union service_word found, __u64 hash)
{
	struct service service = found.service;
	struct row row = row_at(service.number, flow_row(flow_tag(hash), service.row_count)).row;
	__u32 index = flow_set_index(hash, flow_set_mask), number;
	const struct flow_set *set = bpf_map_lookup_elem(&flows, &index);
	const struct target *target;
	__u64 entry;
	int at;

	if (!row_tracks(row) || !set)
		return row.current_target;
	at = find_entry(set, flow_tag(hash));
	entry = *(const volatile __u64 *)&set->entries[at & (FLOWS_PER_SET - 1)];
	number = flow_entry_target(entry);
	target = bpf_map_lookup_elem(&targets, &number);
	if (at < FLOWS_PER_SET && target && target->owner == (service.number | TARGET_SERVES))
		return number;
	return row_assigns(row, false) ? row.current_target : row.previous_target;
}

/* About a packet from a service with `source: keep` to a client: to the backend. */
static __always_inline int nat_error_to_kept(struct xdp_md *ctx, __u32 shape, int version,
					     const struct nat_quote *quote,
					     union service_word found, __u32 bytes)
{
	bool whole_client = found.service.flags & SERVICE_HASH_SOURCE;
	__u64 hash = nat_hash(&quote->to, &quote->from, whole_client ? 0 : quote->ports[1],
			      quote->ports[0], quote->proto);
	__u32 number = nat_kept_target(found, hash);
	const struct target *target = bpf_map_lookup_elem(&targets, &number);
	struct ethhdr *eth = (void *)(long)ctx->data;
	void *ip = eth + 1;
	struct nat_turn turn;
	int action, err;

	if (!target || target->mode != MODE_NAT_KEEP || target->outer_version != version ||
	    ip + ip_header_bytes(version) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	turn.from = nat_source_of(ip, version);
	turn.to = nat_target_addr(target);
	turn.quote_from = turn.to;
	turn.quote_to = quote->to;
	turn.from_port = target->port;
	turn.to_port = quote->ports[1];
	turn.ip_delta = nat_delta(&quote->from, 0, &turn.to, 0);
	turn.transport_delta = nat_delta(&quote->from, quote->ports[0], &turn.to, target->port);
	action = way_out(ctx, target);
	if (action == XDP_DROP)
		return -DROP_NO_TARGET;
	err = nat_turn_error(ctx, shape, version, quote, &turn);
	if (err)
		return err;
	write_ethernet(eth, target, eth->h_proto);
	nat_count_packet(number, bytes, false);
	return action;
}

/* About a packet to a backend with `source: keep`: to the client. */
static __always_inline int nat_error_from_kept(struct xdp_md *ctx, __u32 shape, int version,
					       const struct nat_quote *quote, __u32 bytes)
{
	struct service service = nat_kept_service(&quote->to, quote->ports[1], quote->proto);
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct bpf_fib_lookup fib = { 0 };
	const struct service_name *name;
	struct nat_change change;
	__u32 number = service.number;
	struct nat_turn turn;
	int action, err;

	name = bpf_map_lookup_elem(&service_names, &number);
	if (!service.row_count || !name || !name->row_count ||
	    (void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	__builtin_memcpy(&turn.quote_to, name->key.addr, sizeof(turn.quote_to));
	turn.quote_from = quote->from;
	turn.from_port = quote->ports[0];
	turn.to_port = name->key.port;
	turn.ip_delta = nat_delta(&quote->to, 0, &turn.quote_to, 0);
	turn.transport_delta = nat_delta(&quote->to, quote->ports[1], &turn.quote_to, turn.to_port);
	turn.from = turn.quote_to;
	turn.to = quote->from;
	change.from = turn.from;
	change.to = turn.to;
	if (nat_route(ctx, &change, bytes, version, &fib) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	action = nat_routed(ctx, &fib, eth);
	if (action == XDP_PASS)
		return XDP_PASS;
	err = nat_turn_error(ctx, shape, version, quote, &turn);
	if (err)
		return err;
	nat_count_reply(service.row_count, bytes);
	return action;
}

/* Which of our packets the error is about, and so where it goes: a verdict, or a negative
 * drop_reason. address: the entry of the one that it is sent to. */
static __always_inline int nat_turn_around(struct xdp_md *ctx, __u32 shape, int version,
					   const struct nat_quote *quote, struct service address,
					   __u32 bytes)
{
	struct service_words key = { .low = quote->from.low,
				     .high = quote->from.high,
				     .rest = wire16(quote->ports[0]) | (__u32)quote->proto << 16 };
	union service_word found;

	found = find_service(&key);
	if (!found.word && address.flags & SERVICE_NAT_SOURCE)
		return nat_error_to_client(ctx, shape, version, quote, address.number, bytes);
	if (found.service.flags & SERVICE_NAT)
		return nat_error_to_backend(ctx, shape, version, quote, found.service, bytes);
	if (found.service.flags & SERVICE_NAT_KEEP)
		return nat_error_to_kept(ctx, shape, version, quote, found, bytes);
	return nat_keeps() ? nat_error_from_kept(ctx, shape, version, quote, bytes) : XDP_PASS;
}

/* An ICMP packet: the verdict. */
static __always_inline int nat_icmp(struct xdp_md *ctx, __u32 shape, int version)
{
	void *end = (void *)(long)ctx->data_end;
	void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const struct icmphdr *icmp = ip + (shape & MAX_TRANSPORT_OFFSET);
	const __u16 by_nat = SERVICE_NAT | SERVICE_NAT_KEEP | SERVICE_NAT_SOURCE;
	struct nat_addr to;
	struct nat_quote quote;
	struct service_words key = { 0 };
	struct service address;
	__u32 bytes;
	int err;

	if (ip + ip_header_bytes(version) > end || (void *)(icmp + 1) > end ||
	    !nat_is_error(icmp->type, version))
		return XDP_PASS;
	to = nat_dest_of(ip, version);
	key.low = to.low;
	key.high = to.high;
	address = find_service(&key).service;
	if (!(address.flags & by_nat) && !nat_keeps())
		return XDP_PASS;
	err = nat_find_quote(ctx, shape, version, &quote);
	/* Whoever is told of a packet has sent it. */
	if (!err && (quote.from.low != to.low || quote.from.high != to.high))
		err = DROP_MALFORMED_ICMP;
	if (err == NOT_OURS || (err && !(address.flags & by_nat)))
		return XDP_PASS;
	bytes = nat_ip_bytes(ip, version);
	if (!err)
		err = -nat_turn_around(ctx, shape, version, &quote, address, bytes);
	if (err > 0)
		return stop(err);
	return err == -XDP_PASS ? XDP_PASS : nat_sent(ctx, bytes, -err);
}

__noinline int nat_icmp4(struct xdp_md *ctx, __u32 shape)
{
	return nat_icmp(ctx, shape, 4);
}

__noinline int nat_icmp6(struct xdp_md *ctx, __u32 shape)
{
	return nat_icmp(ctx, shape, 6);
}

#endif
