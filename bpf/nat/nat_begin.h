/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A new flow by NAT: its target, a port towards it, and its two entries. */
#ifndef POISE_BPF_NAT_BEGIN_H
#define POISE_BPF_NAT_BEGIN_H

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
	nat_publish(nat_word_at(set, slot), flow, target, flow_tag(flow->hash), 0);
	nat_publish(reply_word, flow, target, nat_word_tag(busy), NAT_REPLY);
	return slot;
}

/* A target's sources, both of which change at once. */
union nat_sources_word {
	struct {
		__u16 first, count;
	};
	__u32 word;
};

/* Enters a new flow. GO_ON or a drop_reason. */
static __always_inline int nat_enter(const struct nat_flow *flow)
{
	struct nat_counter *counter = nat_count();
	__u32 number = nat_select(flow), tries, try_, source;
	union nat_sources_word from;
	const struct target *target;
	int slot = NAT_BUSY_PORT;

	if (!number || !counter)
		return DROP_NO_BACKEND;
	target = bpf_map_lookup_elem(&targets, &number);
	if (!target)
		return DROP_NO_TARGET;
	from.word = *(const volatile __u32 *)&target->nat.first_source;
	if (target->mode != MODE_NAT || !from.count ||
	    (target->outer_version == 4) != nat_is_v4(&flow->client))
		return DROP_NO_TARGET;
	tries = nat_port_tries(number);
	for (try_ = 0; try_ < NAT_PORT_TRIES && try_ < tries && slot < 0; try_++) {
		source = ((__u32)flow->hash + try_) % from.count;
		slot = nat_take_port(flow, number, from.first + source, try_);
	}
	nat_ports_tried(number, slot < 0);
	if (slot < 0)
		return slot == NAT_NO_ROOM ? DROP_NAT_FULL : DROP_NO_PORT;
	if (nat_enter_client(flow, slot) < 0)
		return DROP_NAT_FULL;
	counter->made++;
	return GO_ON;
}

/*
 * Whether a packet from there is none that a client sends (RFC 1812, 5.3.7; RFC 4291, 2.5 and 2.7),
 * or pretends to be from a service of ours, whose answers would come back to us for ever.
 */
static __always_inline bool nat_is_martian(const struct nat_addr *client)
{
	struct service_words key = { .low = client->low, .high = client->high };
	const __u8 *bytes = (const __u8 *)client;
	const __be32 *words = (const __be32 *)client;

	if (find_service(&key).service.flags & SERVICE_ADDRESS)
		return true;
	if (nat_is_v4(client))
		return !bytes[12] || bytes[12] == 127 || bytes[12] >= 224;
	return bytes[0] == 0xff || (!client->low && !words[2] && bpf_ntohl(words[3]) <= 1);
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
	if (nat_is_martian(&flow->client))
		return DROP_MARTIAN;
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
