/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors about packets that mode nat has translated. The packet that an error quotes is
 * translated back, too, so that its sender recognizes it (RFC 5508, section 4; RFC 792, RFC 4443).
 * Errors change nothing in the NAT table.
 */
#ifndef POISE_BPF_NAT_ICMP_H
#define POISE_BPF_NAT_ICMP_H

/*
 * Sends an error about a packet to a backend on to the client. Returns a verdict or a negative
 * drop_reason.
 */
static __always_inline int nat_error_to_client(struct xdp_md *ctx, __u32 shape, int version,
					       const struct icmp_quote *quote, __u16 source,
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
	__u32 service, number, mtu;
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
	action = nat_way_back(ctx, entry->ifindex, bytes, &mtu);
	if (action < 0)
		return action;
	err = nat_turn_error(ctx, shape, version, quote, &turn);
	if (err)
		return err;
	__builtin_memcpy(eth, entry->hop, sizeof(entry->hop));
	nat_count_reply(number, bytes);
	count_error(number);
	return action;
}

/* Sends an error about a packet to a client on to the backend. */
static __always_inline int nat_error_to_backend(struct xdp_md *ctx, __u32 shape, int version,
						const struct icmp_quote *quote,
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
	count_packet(number, bytes, false);
	count_error(number);
	return action;
}

/*
 * Sends an error about a packet from a service with `source: keep` to a client on to the backend.
 */
static __always_inline int nat_error_to_kept(struct xdp_md *ctx, __u32 shape, int version,
					     const struct icmp_quote *quote,
					     union service_word found, __u32 bytes)
{
	__u32 number = icmp_flow_target(found, icmp_flow_hash(quote, found.service));
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
	count_packet(number, bytes, false);
	count_error(number);
	return action;
}

/* Sends an error about a packet to a backend with `source: keep` on to the client. */
static __always_inline int nat_error_from_kept(struct xdp_md *ctx, __u32 shape, int version,
					       const struct icmp_quote *quote, __u32 bytes)
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
	count_error(service.row_count);
	return action;
}

/*
 * Sends an error on to the quoted packet's sender. Returns a verdict or a negative drop_reason.
 */
static __always_inline int nat_turn_around(struct xdp_md *ctx, __u32 shape, int version,
					   const struct icmp_error *error)
{
	const struct icmp_quote *quote = &error->quote;
	union service_word found = error->found;
	__u32 bytes = error->bytes;

	if (!found.word && error->address.flags & SERVICE_NAT_SOURCE)
		return nat_error_to_client(ctx, shape, version, quote, error->address.number,
					   bytes);
	if (found.service.flags & SERVICE_NAT)
		return nat_error_to_backend(ctx, shape, version, quote, found.service, bytes);
	if (found.service.flags & SERVICE_NAT_KEEP)
		return nat_error_to_kept(ctx, shape, version, quote, found, bytes);
	return nat_keeps() ? nat_error_from_kept(ctx, shape, version, quote, bytes) : XDP_PASS;
}

static __always_inline int nat_icmp(struct xdp_md *ctx, __u32 shape, int version)
{
	struct icmp_error error;
	int err = icmp_find_error(ctx, shape, version, &error);

	if (err)
		return stop(err);
	err = nat_turn_around(ctx, shape, version, &error);
	if (err < 0)
		return stop(-err);
	return err == XDP_PASS ? XDP_PASS : nat_sent(ctx, error.bytes, err);
}

/* Handles an ICMP packet that icmp_relay4() or icmp_relay6() left, and returns the verdict. */
__noinline int nat_icmp4(struct xdp_md *ctx, __u32 shape)
{
	return nat_icmp(ctx, shape, 4);
}

__noinline int nat_icmp6(struct xdp_md *ctx, __u32 shape)
{
	return nat_icmp(ctx, shape, 6);
}

#endif
