/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A new flow by NAT: its target, a port towards it, and its two entries. */
#ifndef POISE_BPF_NAT_BEGIN_H
#define POISE_BPF_NAT_BEGIN_H

/* What a client's packet tells of its flow. */
struct nat_flow {
	struct nat_addr client, service_addr;
	__u64 hash;         /* of addresses, ports and protocol */
	__u64 service_bits; /* struct service */
	__be16 client_port, service_port;
	__u32 tcp_flags; /* NO_TCP: a datagram */
	__u32 ifindex;
	__u8 hop[12]; /* as in struct nat_entry */
};

/* One flow at a time is begun on a CPU; the stacks of all functions called for it together are too
 * small. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nat_flow);
} nat_begun SEC(".maps");

#define NAT_BUSY_PORT (-1) /* the next one may be free */
#define NAT_NO_ROOM   (-2)

static __always_inline struct service nat_service(const struct nat_flow *flow)
{
	return ((union service_word){ .word = flow->service_bits }).service;
}

static __always_inline __u8 nat_proto(const struct nat_flow *flow)
{
	return flow->tcp_flags & NO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
}

static __always_inline bool nat_is_v4(const struct nat_addr *addr)
{
	return !addr->low && (__u32)addr->high == wire32(bpf_htonl(0xffff));
}

/* An address that a target has: IPv4 in the first four bytes. */
static __always_inline struct nat_addr nat_target_addr(const struct target *target)
{
	const __u64 *dst = (const __u64 *)target->dst;

	if (target->outer_version == 4)
		return (struct nat_addr){ .high = wire32(bpf_htonl(0xffff)) | dst[0] << 32 };
	return (struct nat_addr){ .low = dst[0], .high = dst[1] };
}

static __always_inline __u64 nat_hash(const struct nat_addr *from, const struct nat_addr *to,
				      __be16 from_port, __be16 to_port, __u8 proto)
{
	if (nat_is_v4(from))
		return flow_hash4(&hash_key, to_wire32(from->high >> 32), to_wire32(to->high >> 32),
				  from_port, to_port, proto);
	return flow_hash6(&hash_key, (const __be32 *)from, (const __be32 *)to, from_port, to_port,
			  proto);
}

/* One's complement sum of an address. */
static __always_inline __u32 nat_addr_sum(const struct nat_addr *addr)
{
	return csum_fold(addr->low) + csum_fold(addr->high);
}

/* The target of a new flow: as for a packet of any other mode, but that no flow of the table before
 * this one is to be found. */
static __always_inline __u32 nat_select(const struct nat_flow *flow)
{
	struct service service = nat_service(flow);
	__u64 hash = flow->hash;
	union row_word row;

	if (service.flags & SERVICE_HASH_SOURCE)
		hash = nat_hash(&flow->client, &flow->service_addr, 0, flow->service_port,
				nat_proto(flow));
	else if (service_scheduler(service.flags))
		return schedule_flow(flow->service_bits, hash) & 0xffff;
	row = row_at(service.number, flow_row(flow_tag(hash), service.row_count));
	if (!row_tracks(row.row))
		return row.row.current_target;
	return track_packet(flow->service_bits, row.word, hash, flow->tcp_flags) & 0xffff;
}

static __always_inline bool nat_same_client(const struct nat_entry *entry,
					    const struct nat_flow *flow)
{
	const __u64 *client = (const __u64 *)entry->client;

	return client[0] == flow->client.low && client[1] == flow->client.high &&
	       entry->client_port == flow->client_port &&
	       entry->service == nat_service(flow).number;
}

/* Whether a new flow may have the port that another one has. try_: how many were tried before. */
static __always_inline bool nat_may_take(__u64 word, const struct target *target, __u32 try_,
					 __u32 now)
{
	__u32 flags = nat_word_flags(word);
	int left = nat_word_left(word, now);

	if (flags & NAT_BUSY)
		return false;
	if (left < 0)
		return true;
	if (try_ < NAT_FREE_TRIES || !nat_ended(flags))
		return false;
	return try_ >= NAT_AGED_TRIES || (int)nat_ticks(flags, target) - left >= NAT_AGED_TICKS;
}

/* What to add to checksums of the client's packets: one's complement sums. */
static __always_inline void nat_deltas(struct nat_entry *entry, const struct nat_flow *flow,
				       const struct target *target, const struct nat_source *source)
{
	struct nat_addr to = nat_target_addr(target), ours;
	__u32 old = nat_addr_sum(&flow->client) + nat_addr_sum(&flow->service_addr), now;

	__builtin_memcpy(&ours, source->addr, sizeof(ours));
	now = nat_addr_sum(&ours) + nat_addr_sum(&to);
	entry->ip_delta = csum_difference(now, old);
	old += wire16(flow->client_port) + wire16(flow->service_port);
	now += wire16(entry->nat_port) + wire16(target->port);
	entry->transport_delta = csum_difference(now, old);
}

/* Fills an entry whose word is NAT_BUSY. */
static __always_inline void nat_fill(struct nat_entry *entry, const struct nat_flow *flow,
				     const struct target *target, const struct nat_source *source,
				     bool reply)
{
	__u64 *client = (__u64 *)entry->client;

	client[0] = flow->client.low;
	client[1] = flow->client.high;
	entry->client_port = flow->client_port;
	entry->service = nat_service(flow).number;
	entry->ifindex = flow->ifindex;
	__builtin_memcpy(entry->hop, flow->hop, sizeof(entry->hop));
	nat_deltas(entry, flow, target, source);
	if (reply) {
		entry->ip_delta = ~entry->ip_delta;
		entry->transport_delta = ~entry->transport_delta;
	}
}

/* Lets it be found. */
static __always_inline void nat_publish(__u64 *word, const struct nat_flow *flow,
					const struct target *target, __u32 tag, __u32 kind)
{
	if (flow->tcp_flags & NO_TCP)
		kind |= NAT_UDP;
	else if (flow->tcp_flags & TCP_RST)
		kind |= NAT_RESET;
	nat_exchange(word, nat_read(word),
		     nat_word(tag, nat_now() + nat_ticks(kind, target), kind));
}

/* The entry that already has the tag is taken over, if that is no harm. */
static __always_inline int nat_take_over(struct nat_set *set, __u32 slot,
					 const struct nat_flow *flow, __u32 number, __u32 source,
					 const struct target *target, __be16 port, __u32 try_)
{
	const struct nat_entry *entry = nat_entry_at(set, slot);
	__u64 *word = nat_word_at(set, slot), old = nat_read(word);
	bool own = nat_same_client(entry, flow) && entry->target == number &&
		   entry->source == source && entry->nat_port == port;
	struct nat_counter *counter = nat_count();
	__u32 now = nat_now();

	if (old & NAT_BUSY || (!own && !nat_may_take(old, target, try_, now)) ||
	    !nat_seize(word, old, now))
		return NAT_BUSY_PORT;
	if (!own) {
		nat_end_other(entry, slot);
		if (counter)
			counter->reused += nat_word_live(old, now);
	}
	return slot;
}

/* A place for the entry that replies are found by, or why there is none. */
static __always_inline int nat_reply_slot(const struct nat_flow *flow, __u32 number, __u32 source,
					  const struct target *target, __be16 port, __u64 hash,
					  __u32 try_)
{
	int choice, slot;

	for (choice = 0; choice < 2; choice++) {
		__u32 first = nat_set_index(hash, choice, nat_set_mask) * NAT_PER_SET, at;
		struct nat_set *set = nat_set_of(first);

		if (!set)
			return NAT_NO_ROOM;
		at = nat_find_tag(set, flow_tag(hash));
		if (at < NAT_PER_SET)
			return nat_take_over(set, first + at, flow, number, source, target, port,
					     try_);
	}
	slot = nat_seize_room(hash);
	return slot < 0 ? NAT_NO_ROOM : slot;
}

/*
 * Takes a port for a flow to a target: makes the entry that replies are found by. Its word stays
 * NAT_BUSY, with the tag, until the flow is whole: the port is taken, and the entry is nobody's to
 * take. Two CPUs that want the same port look one after the other. The slot, NAT_BUSY_PORT or
 * NAT_NO_ROOM.
 */
__noinline int nat_take_port(const struct nat_flow *flow, __u32 number, __u32 source, __u32 try_)
{
	const struct target *target = bpf_map_lookup_elem(&targets, &number);
	const struct nat_source *from = bpf_map_lookup_elem(&nat_sources, &source);
	struct nat_addr to, ours;
	struct nat_set *set;
	__be16 port;
	__u64 hash;
	int slot;

	if (!flow || !target || !from || !nat_port_count)
		return NAT_NO_ROOM;
	port = bpf_htons(nat_port(flow->hash, try_, nat_port_first, nat_port_count));
	to = nat_target_addr(target);
	__builtin_memcpy(&ours, from->addr, sizeof(ours));
	hash = nat_hash(&to, &ours, target->port, port, nat_proto(flow));
	if (!nat_claim(flow_tag(hash), 1))
		return NAT_BUSY_PORT;
	slot = nat_reply_slot(flow, number, source, target, port, hash, try_);
	set = slot < 0 ? NULL : nat_set_of(slot);
	if (set) {
		struct nat_entry *entry = nat_entry_at(set, slot);
		__u64 *word = nat_word_at(set, slot);

		entry->nat_port = port;
		entry->target = number;
		entry->source = source;
		nat_fill(entry, flow, target, from, true);
		nat_exchange(word, nat_read(word), nat_word(flow_tag(hash), nat_now(), NAT_BUSY));
	}
	nat_give_up_claim(flow_tag(hash));
	return slot;
}

/* A place for the entry that the client's packets are found by. */
static __always_inline int nat_client_slot(const struct nat_flow *flow)
{
	__u32 tag = flow_tag(flow->hash), now = nat_now();
	int choice, try, slot = NO_SLOT;

	for (choice = 0; choice < 2; choice++) {
		__u32 first = nat_set_index(flow->hash, choice, nat_set_mask) * NAT_PER_SET, at;
		struct nat_set *set = nat_set_of(first);
		const struct nat_entry *entry;
		__u64 *word, old;

		if (!set)
			return NO_SLOT;
		at = nat_find_tag(set, tag);
		word = nat_word_at(set, at);
		old = nat_read(word);
		entry = nat_entry_at(set, at);
		if (at == NAT_PER_SET || old & NAT_BUSY || !nat_same_client(entry, flow))
			continue;
		if (!nat_seize(word, old, now))
			return NO_SLOT;
		nat_end_other(entry, first + at);
		return first + at;
	}
	/* Another CPU may want the same room. */
	for (try = 0; try < INSERT_TRIES && slot < 0; try++)
		slot = nat_seize_room(flow->hash);
	return slot;
}

/* Makes the entry that the client's packets are found by, beside that of the replies, and lets both
 * be found. The slot, or NO_SLOT: then the other one is gone, too. */
__noinline int nat_enter_client(const struct nat_flow *flow, __u32 reply_slot)
{
	struct nat_set *set, *reply_set = nat_set_of(reply_slot);
	struct nat_entry *entry, *reply;
	const struct nat_source *from;
	const struct target *target;
	__u64 *reply_word, busy;
	__u32 number, source;
	int slot;

	if (!flow || !reply_set)
		return NO_SLOT;
	reply = nat_entry_at(reply_set, reply_slot);
	reply_word = nat_word_at(reply_set, reply_slot);
	busy = nat_read(reply_word);
	number = reply->target;
	source = reply->source;
	target = bpf_map_lookup_elem(&targets, &number);
	from = bpf_map_lookup_elem(&nat_sources, &source);
	slot = target && from ? nat_client_slot(flow) : NO_SLOT;
	set = slot < 0 ? NULL : nat_set_of(slot);
	if (!set) {
		nat_exchange(reply_word, busy, 0);
		return NO_SLOT;
	}
	entry = nat_entry_at(set, slot);
	entry->nat_port = reply->nat_port;
	entry->target = number;
	entry->source = source;
	entry->other = reply_slot;
	entry->other_tag = nat_word_tag(busy);
	reply->other = slot;
	reply->other_tag = flow_tag(flow->hash);
	nat_fill(entry, flow, target, from, false);
	nat_publish(reply_word, flow, target, nat_word_tag(busy), NAT_REPLY);
	nat_publish(nat_word_at(set, slot), flow, target, flow_tag(flow->hash), 0);
	return slot;
}

/* Enters a new flow. GO_ON or a drop_reason. */
static __always_inline int nat_enter(const struct nat_flow *flow)
{
	struct nat_counter *counter = nat_count();
	__u32 number = nat_select(flow), try_, source;
	const struct target *target;
	int slot = NAT_BUSY_PORT;

	if (!number || !counter)
		return DROP_NO_BACKEND;
	target = bpf_map_lookup_elem(&targets, &number);
	if (!target || target->mode != MODE_NAT || !target->nat.source_count ||
	    (target->outer_version == 4) != nat_is_v4(&flow->client))
		return DROP_NO_TARGET;
	for (try_ = 0; try_ < NAT_PORT_TRIES && slot < 0; try_++) {
		source = ((__u32)flow->hash + try_) % target->nat.source_count;
		slot = nat_take_port(flow, number, target->nat.first_source + source, try_);
	}
	if (slot < 0)
		return slot == NAT_NO_ROOM ? DROP_NAT_FULL : DROP_NO_PORT;
	if (nat_enter_client(flow, slot) < 0)
		return DROP_NAT_FULL;
	counter->made++;
	return GO_ON;
}

/* Whether another CPU has entered the flow since it was looked for. */
static __always_inline bool nat_is_entered(const struct nat_flow *flow)
{
	__u16 service = nat_service(flow).number;
	struct nat_found found =
		nat_find_client(&flow->client, flow->client_port, service, flow->hash, nat_now());
	const struct target *target;
	__u32 number;

	if (!found.set)
		return false;
	number = nat_entry_at(found.set, found.slot)->target;
	target = bpf_map_lookup_elem(&targets, &number);
	return target && nat_goes_on(&found, target, service, flow->tcp_flags);
}

#define NAT_ENTERED (-1) /* by another CPU, or it is about to be */

/* The same for the flow that a packet begins. NAT_ENTERED, too. */
__noinline int nat_begin(struct xdp_md *ctx, __u64 service_bits, __u64 hash, __u32 shape)
{
	__u32 zero = 0;
	struct nat_flow *flow = bpf_map_lookup_elem(&nat_begun, &zero);
	struct nat_parts parts;
	int err;

	if (!flow)
		return DROP_NAT_FULL;
	if (shape & NAT_SHAPE_IPV6) {
		if (!nat_find_parts(ctx, shape, 6, &parts))
			return DROP_MALFORMED_IP;
		flow->client = nat_source_of(parts.ip, 6);
		flow->service_addr = nat_dest_of(parts.ip, 6);
	} else {
		if (!nat_find_parts(ctx, shape, 4, &parts))
			return DROP_MALFORMED_IP;
		flow->client = nat_source_of(parts.ip, 4);
		flow->service_addr = nat_dest_of(parts.ip, 4);
	}
	flow->hash = hash;
	flow->service_bits = service_bits;
	flow->client_port = parts.ports[0];
	flow->service_port = parts.ports[1];
	flow->tcp_flags = NAT_SHAPE_TCP_FLAGS(shape);
	flow->ifindex = ctx->ingress_ifindex;
	nat_hop_from(flow->hop, parts.eth);
	if (!nat_claim(flow_tag(hash), CLAIM_TRIES))
		return NAT_ENTERED;
	err = nat_is_entered(flow) ? NAT_ENTERED : nat_enter(flow);
	nat_give_up_claim(flow_tag(hash));
	return err;
}

#endif
