/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Begins a new flow in mode nat: chooses its target, takes a port towards it, and makes its two
 * entries.
 */
#ifndef POISE_BPF_NAT_BEGIN_H
#define POISE_BPF_NAT_BEGIN_H

/*
 * Returns the target of a new flow. It is chosen as in any other mode; only the schedulers are
 * asked directly, as the NAT table and not the flow table remembers their choice.
 */
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

/* Returns a seized place for the entry by which the client's packets are found, or NO_SLOT. */
static __always_inline int nat_client_slot(const struct nat_flow *flow)
{
	struct nat_set *set = flow->own < 0 ? NULL : nat_set_of(flow->own);
	int try, slot = NO_SLOT;

	if (set) {
		__u64 *word = nat_word_at(set, flow->own), old = nat_read(word);

		/* Nobody else enters a flow with this tag, so the entry is still the flow's. */
		if (nat_word_tag(old) == flow_tag(flow->hash) && !(old & NAT_BUSY)) {
			if (!nat_seize(word, old, nat_now()))
				return NO_SLOT;
			nat_end_other(nat_entry_at(set, flow->own), flow->own);
			return flow->own;
		}
	}
	/* Another CPU may take the same place first, so this is tried several times. */
	for (try = 0; try < INSERT_TRIES && slot < 0; try++)
		slot = nat_seize_room(flow->hash, flow->collides);
	return slot;
}

/*
 * Makes the entry by which the client's packets are found, beside that of the replies, and
 * publishes both. Returns the slot, or NO_SLOT after it has removed the replies' entry, too.
 */
__noinline int nat_enter_client(const struct nat_flow *flow, __u32 reply_slot)
{
	struct nat_set *set, *reply_set = nat_set_of(reply_slot);
	struct nat_entry *entry, *reply;
	const struct target *target;
	__u64 *word, *reply_word, busy, written;
	__u32 number, tag, state;
	int slot;

	if (!flow || !reply_set)
		return NO_SLOT;
	tag = flow_tag(flow->hash);
	reply = nat_entry_at(reply_set, reply_slot);
	reply_word = nat_word_at(reply_set, reply_slot);
	busy = nat_read(reply_word);
	number = reply->target;
	target = bpf_map_lookup_elem(&targets, &number);
	slot = target ? nat_client_slot(flow) : NO_SLOT;
	set = slot < 0 ? NULL : nat_set_of(slot);
	if (!set) {
		nat_exchange(reply_word, busy, 0);
		return NO_SLOT;
	}
	entry = nat_entry_at(set, slot);
	reply->other = slot;
	reply->other_tag = tag;
	nat_mirror(entry, reply);
	entry->other = reply_slot;
	entry->other_tag = nat_word_tag(busy);
	word = nat_word_at(set, slot);
	state = nat_first_state(flow, target);
	nat_publish(word, tag, state);
	nat_publish(reply_word, nat_word_tag(busy), state | NAT_REPLY);
	/* A CPU that took the client's entry over between the two left the replies' one alone,
	 * as that was NAT_BUSY then. */
	written = nat_read(word);
	if (nat_word_tag(written) != tag || written & NAT_BUSY)
		nat_end(reply_slot, nat_word_tag(busy), slot);
	return slot;
}

/* The range of a target's sources. It is read as one word, as both members change at once. */
union nat_sources_word {
	struct {
		__u16 first, count;
	};
	__u32 word;
};

/* Enters a new flow. Returns GO_ON or a drop_reason. */
static __always_inline int nat_enter(const struct nat_flow *flow)
{
	struct nat_counter *counter = nat_count();
	__u32 number = nat_select(flow), try_, source, i;
	struct nat_scarce *scarce;
	struct nat_tries tries;
	union nat_sources_word from;
	const struct target *target;
	int slot = NAT_BUSY_PORT;

	if (!number || !counter)
		return DROP_NO_BACKEND;
	target = bpf_map_lookup_elem(&targets, &number);
	scarce = bpf_map_lookup_elem(&nat_scarce, &number);
	if (!target || !scarce)
		return DROP_NO_TARGET;
	from.word = *(const volatile __u32 *)&target->nat.first_source;
	if (target->mode != MODE_NAT || !from.count ||
	    (target->outer_version == 4) != nat_is_v4(&flow->client))
		return DROP_NO_TARGET;
	tries = nat_port_tries(scarce);
	for (i = 0; i < NAT_PORT_TRIES && slot < 0; i++) {
		try_ = tries.first + i;
		if (try_ >= tries.end)
			break;
		source = ((__u32)flow->hash + try_) % from.count;
		slot = nat_take_port(flow, number, from.first + source, try_);
	}
	nat_ports_tried(scarce, slot < 0);
	if (slot < 0)
		return slot == NAT_NO_ROOM ? DROP_NAT_FULL : DROP_NO_PORT;
	if (nat_enter_client(flow, slot) < 0)
		return DROP_NAT_FULL;
	counter->made++;
	return GO_ON;
}

/*
 * True if another CPU has entered the flow since it was looked for. Otherwise flow->own says where
 * an older entry of the flow is.
 */
static __always_inline bool nat_is_entered(struct nat_flow *flow)
{
	const struct target *target = NULL;
	struct nat_found found;
	__u32 number, at;
	int choice;

	flow->own = NO_SLOT;
	flow->collides = false;
	for (choice = 0; choice < 2 && flow->own < 0; choice++) {
		found.slot = nat_set_index(flow->hash, choice, nat_set_mask) * NAT_PER_SET;
		found.set = nat_set_of(found.slot);
		if (!found.set)
			return false;
		at = nat_place_of(found.set, flow_tag(flow->hash)) % (2 * NAT_PER_SET);
		if (at >= NAT_PER_SET)
			continue;
		found.slot += at;
		found.word = nat_read(nat_word_at(found.set, found.slot));
		number = nat_entry_at(found.set, found.slot)->target;
		if (!(found.word & (NAT_REPLY | NAT_BUSY)) &&
		    nat_same_client(nat_entry_at(found.set, found.slot), flow)) {
			flow->own = found.slot;
			target = bpf_map_lookup_elem(&targets, &number);
		} else {
			flow->collides = true;
		}
	}
	return target && nat_is_live(found.word, nat_now()) &&
	       nat_goes_on(&found, target, nat_service(flow).number, flow->tcp_flags, nat_now());
}

#define NAT_ENTERED (-1) /* another CPU has entered the flow or is about to */

/*
 * Enters the flow that a packet begins. Returns GO_ON, NAT_ENTERED or a drop_reason. A packet whose
 * TTL ends here begins nothing.
 */
__noinline int nat_begin(struct xdp_md *ctx, __u64 service_bits, __u64 hash, __u32 shape)
{
	__u32 zero = 0;
	struct nat_flow *flow = bpf_map_lookup_elem(&nat_begun, &zero);
	struct nat_parts parts;
	bool suspect;
	int err;

	if (!flow)
		return DROP_NAT_FULL;
	if (shape & NAT_SHAPE_IPV6) {
		if (!nat_find_parts(ctx, shape, 6, &parts))
			return DROP_MALFORMED_IP;
		if (nat_ttl(parts.ip, 6) <= 1)
			return NAT_ENTERED;
		suspect = looks_martian(
			parts.ip, 6,
			flow_hash_source6(&hash_key,
					  (const __be32 *)&((struct ipv6hdr *)parts.ip)->saddr));
		flow->client = nat_source_of(parts.ip, 6);
		flow->service_addr = nat_dest_of(parts.ip, 6);
	} else {
		if (!nat_find_parts(ctx, shape, 4, &parts))
			return DROP_MALFORMED_IP;
		if (nat_ttl(parts.ip, 4) <= 1)
			return NAT_ENTERED;
		suspect = looks_martian(
			parts.ip, 4,
			flow_hash_source4(&hash_key, ((struct iphdr *)parts.ip)->saddr));
		flow->client = nat_source_of(parts.ip, 4);
		flow->service_addr = nat_dest_of(parts.ip, 4);
	}
	if (suspect &&
	    is_martian(flow->client.low, flow->client.high, shape & NAT_SHAPE_IPV6 ? 6 : 4))
		return DROP_MARTIAN;
	if (!(shape & NAT_SHAPE_UDP) && !nat_begins(NAT_SHAPE_TCP_FLAGS(shape)))
		return DROP_NO_FLOW;
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
