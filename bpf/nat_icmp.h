/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors about packets that nat has translated: the packet that an error quotes is translated
 * back, too, so that whoever sent it recognizes it (RFC 5508, section 4; RFC 792, RFC 4443). Errors
 * change nothing in the NAT table.
 */
#ifndef POISE_BPF_NAT_ICMP_H
#define POISE_BPF_NAT_ICMP_H

#define ICMP_DEST_UNREACH   3
#define ICMP_TIME_EXCEEDED  11
#define ICMP_PARAMETERPROB  12
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PARAMPROB    4

#define ICMP_BYTES       8  /* before what is quoted */
#define QUOTED_BYTES     8  /* of the quoted transport header, at least: RFC 792 */
#define QUOTED_TCP_BYTES 18 /* with TCP's checksum */
#define IP_OFFSET_MASK   0x1fff

/* What an error quotes: the start of a packet that was sent. */
struct nat_quote {
	void *ip;
	__be16 *ports;
	__u16 *check; /* NULL: it is not quoted */
	struct nat_addr from, to;
	__u8 proto;
};

/* What becomes of an error and of what it quotes. */
struct nat_turn {
	struct nat_addr from, to;
	struct nat_addr quote_from, quote_to;
	__be16 from_port, to_port; /* of the quote */
	__u16 ip_delta, transport_delta;
};

static __always_inline bool nat_is_error(__u8 type, int version)
{
	if (version == 4)
		return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
		       type == ICMP_PARAMETERPROB;
	return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

/* The quoted IP header's length, or a drop_reason as a negative number. left: bytes that the error
 * has from there on. */
static __always_inline int nat_quoted_header(const void *ip, __u32 left, const void *end,
					     int version)
{
	const struct iphdr *ip4 = ip;
	const struct ipv6hdr *ip6 = ip;

	if (version == 6) {
		if ((void *)(ip6 + 1) > end || left < sizeof(*ip6) || ip6->version != 6)
			return -DROP_MALFORMED_ICMP;
		return sizeof(*ip6);
	}
	if ((void *)(ip4 + 1) > end || left < sizeof(*ip4) || ip4->version != 4 || ip4->ihl < 5 ||
	    ip4->frag_off & bpf_htons(IP_OFFSET_MASK))
		return -DROP_MALFORMED_ICMP;
	return ip4->ihl * 4;
}

/* GO_ON, NOT_OURS or a drop_reason. */
static __always_inline int nat_find_quote(struct xdp_md *ctx, __u32 shape, int version,
					  struct nat_quote *quote)
{
	void *end = (void *)(long)ctx->data_end, *transport;
	void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	__u32 offset = shape & MAX_TRANSPORT_OFFSET, bytes, header_bytes;
	int header;

	if (ip + (version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) > end)
		return NOT_OURS;
	bytes = nat_ip_bytes(ip, version);
	if (bytes > (__u64)(end - ip) || bytes < offset + ICMP_BYTES)
		return DROP_MALFORMED_ICMP;
	quote->ip = ip + offset + ICMP_BYTES;
	bytes -= offset + ICMP_BYTES;
	header = nat_quoted_header(quote->ip, bytes, end, version);
	if (header < 0)
		return -header;
	quote->proto = version == 4 ? ((struct iphdr *)quote->ip)->protocol
				    : ((struct ipv6hdr *)quote->ip)->nexthdr;
	if (quote->proto != IPPROTO_TCP && quote->proto != IPPROTO_UDP)
		return NOT_OURS;
	header_bytes = header & 0x3f;
	transport = quote->ip + header_bytes;
	if (bytes < header_bytes + QUOTED_BYTES || transport + QUOTED_BYTES > end)
		return DROP_MALFORMED_ICMP;
	quote->from = nat_source_of(quote->ip, version);
	quote->to = nat_dest_of(quote->ip, version);
	quote->ports = transport;
	quote->check = NULL;
	if (quote->proto == IPPROTO_UDP)
		quote->check = transport + offsetof(struct udphdr, check);
	else if (bytes >= header_bytes + QUOTED_TCP_BYTES && transport + QUOTED_TCP_BYTES <= end)
		quote->check = transport + offsetof(struct tcphdr, check);
	return GO_ON;
}

/* One's complement difference of two sums. */
static __always_inline __u16 nat_difference(__u32 now, __u32 old)
{
	return csum_fold32(csum_fold32(now) + (__u16)~csum_fold32(old));
}

/* Translates the quote. What the ICMP checksum lacks by that. */
static __always_inline __u32 nat_turn_quote(const struct nat_quote *quote, int version,
					    const struct nat_turn *turn)
{
	__u32 delta = nat_difference(wire16(turn->from_port) + wire16(turn->to_port),
				     wire16(quote->ports[0]) + wire16(quote->ports[1]));

	if (version == 4) {
		struct iphdr *ip4 = quote->ip;

		/* Other addresses and another checksum: the header's sum stays. */
		ip4->saddr = to_wire32(turn->quote_from.high >> 32);
		ip4->daddr = to_wire32(turn->quote_to.high >> 32);
		ip4->check = csum_add(ip4->check, turn->ip_delta);
	} else {
		struct ipv6hdr *ip6 = quote->ip;

		__builtin_memcpy(&ip6->saddr, &turn->quote_from, sizeof(turn->quote_from));
		__builtin_memcpy(&ip6->daddr, &turn->quote_to, sizeof(turn->quote_to));
		delta += turn->ip_delta;
	}
	quote->ports[0] = turn->from_port;
	quote->ports[1] = turn->to_port;
	if (quote->check && (quote->proto == IPPROTO_TCP || *quote->check)) {
		__u16 old = *quote->check, now = csum_add(old, turn->transport_delta);

		if (!now && quote->proto == IPPROTO_UDP)
			now = 0xffff;
		*quote->check = now;
		delta += nat_difference(now, old);
	}
	return delta;
}

/* Translates the error, one hop further. GO_ON, or else what the packet's turn has come to: as for
 * nat_turn_around(). */
static __always_inline int nat_turn_error(struct xdp_md *ctx, __u32 shape, int version,
					  const struct nat_quote *quote,
					  const struct nat_turn *turn)
{
	void *end = (void *)(long)ctx->data_end;
	void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	struct icmphdr *icmp = ip + (shape & MAX_TRANSPORT_OFFSET);
	struct nat_addr from, to;
	__u32 delta, outer;

	if (ip + (version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) > end ||
	    (void *)(icmp + 1) > end)
		return XDP_PASS;
	if (nat_ttl(ip, version) <= 1)
		return -DROP_TTL;
	from = nat_source_of(ip, version);
	to = nat_dest_of(ip, version);
	outer = nat_difference(nat_addr_sum(&turn->from) + nat_addr_sum(&turn->to),
			       nat_addr_sum(&from) + nat_addr_sum(&to));
	delta = nat_turn_quote(quote, version, turn);
	/* ICMPv6's checksum covers the addresses (RFC 4443, 2.3). */
	if (version == 6)
		delta += outer;
	nat_rewrite_ip(ip, version, &turn->from, &turn->to, outer);
	icmp->checksum = csum_add(icmp->checksum, csum_fold32(delta));
	return GO_ON;
}

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
	if (!name)
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
	    ip + (version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) >
		    (void *)(long)ctx->data_end)
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
	if (!service.row_count || !name || (void *)(eth + 1) > (void *)(long)ctx->data_end)
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
 * drop_reason. flags, number: of the address that it is sent to. */
static __always_inline int nat_turn_around(struct xdp_md *ctx, __u32 shape, int version,
					   const struct nat_quote *quote, struct service address,
					   __u32 bytes)
{
	struct service_words key = { .low = quote->from.low,
				     .high = quote->from.high,
				     .rest = wire16(quote->ports[0]) | (__u32)quote->proto << 16 };
	union service_word found;

	if (address.flags & SERVICE_NAT_SOURCE &&
	    bpf_ntohs(quote->ports[0]) - nat_port_first < nat_port_count)
		return nat_error_to_client(ctx, shape, version, quote, address.number, bytes);
	found = find_service(&key);
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

	if (ip + (version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) > end ||
	    (void *)(icmp + 1) > end || !nat_is_error(icmp->type, version))
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
