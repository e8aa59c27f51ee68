/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Service and packet -> row -> target. */
#ifndef POISE_BPF_SELECT_H
#define POISE_BPF_SELECT_H

#define FLOW_BEGUN (1U << 16) /* beside a target's number: the packet began a flow there */

/* Returns the hash of the packet's flow; *source_hash is what its source address adds to it. */
static __always_inline __u64 hash_packet(const struct packet *pkt, const void *ip, __u16 flags,
					 __u64 *source_hash)
{
	/*
	 * There is no branch here, as the verifier would then walk all that follows twice. In mode
	 * nat the hash is always the flow's: the NAT table holds flows, not clients.
	 */
	__u32 whole_client = flags / SERVICE_HASH_SOURCE & ~(flags / SERVICE_NAT) & 1;
	__be16 source_port = to_wire16(wire16(pkt->source_port) & (whole_client - 1));

	if (pkt->version == 4) {
		const struct iphdr *ip4 = ip;

		*source_hash = flow_hash_source4(&hash_key, ip4->saddr);
		return flow_hash4_from(&hash_key, *source_hash, ip4->daddr, source_port,
				       pkt->dest_port, pkt->proto);
	}
	const struct ipv6hdr *ip6 = ip;

	*source_hash = flow_hash_source6(&hash_key, ip6->saddr.in6_u.u6_addr32);
	return flow_hash6_from(&hash_key, *source_hash, ip6->daddr.in6_u.u6_addr32, source_port,
			       pkt->dest_port, pkt->proto);
}

/*
 * Returns the number of the target that the entry names and keeps the entry alive; returns 0 if the
 * packet does not follow it.
 */
static __always_inline __u32 follow_entry(struct flow_set *set, int at, struct service service,
					  __u32 tag, __u32 now, const struct flow_packet *seen)
{
	__u64 *entry = &set->entries[at & (FLOWS_PER_SET - 1)];
	__u64 old = *(volatile __u64 *)entry, touched;
	__u32 number = flow_entry_target(old);
	const struct target *target = bpf_map_lookup_elem(&targets, &number);
	const struct target_name *name =
		seen->fresh ? bpf_map_lookup_elem(&target_names, &number) : NULL;

	if (flow_entry_tag(old) != tag || !number || !target ||
	    target->owner != (service.number | TARGET_SERVES) ||
	    !flow_follows(old, target, now, seen->fresh, name && target_drains(name)))
		return 0;
	touched = flow_touch(old, target, now, seen);
	if (touched != old)
		/*
		 * If another flow has taken the place since it was read, the exchange fails, and
		 * that is right.
		 */
		__sync_val_compare_and_swap(entry, old, touched);
	return number;
}

/*
 * Returns the target's number for a packet whose row is not stable, with FLOW_BEGUN if the packet
 * began a new flow there; 0 if there is no target. Service and row are passed as words, because a
 * global function, which the verifier checks once, takes no structures by value.
 */
__noinline int track_packet(__u64 service_bits, __u32 row_bits, __u64 hash, __u32 tcp_flags)
{
	struct service service = ((union service_word){ .word = service_bits }).service;
	struct row row = ((union row_word){ .word = row_bits }).row;
	struct flow_packet seen = flow_packet(tcp_flags, service.flags);
	__u32 index = flow_set_index(hash, flow_set_mask), now = flow_now(), number, begun = 0;
	struct flow_set *set = bpf_map_lookup_elem(&flows, &index);
	const struct target *target;
	int at;

	if (!set)
		return row.current_target;
	at = find_entry(set, flow_tag(hash));
	if (at < FLOWS_PER_SET) {
		number = follow_entry(set, at, service, flow_tag(hash), now, &seen);
		if (number)
			return number;
	}
	if (row_assigns(row, seen.fresh)) {
		number = service_scheduler(service.flags) ? schedule_flow(service_bits, hash)
							  : row.current_target;
		number &= 0xffff;
		begun = FLOW_BEGUN;
	} else {
		number = row.previous_target;
		/*
		 * This may, with `hash: source`, be the SYN of a client that was there before the
		 * row changed. Its other connections may still live, so the entry gets the time of
		 * an established flow.
		 */
		seen.first = false;
	}
	target = bpf_map_lookup_elem(&targets, &number);
	if (!number || !target)
		return number;
	insert_entry(set, at, flow_begin(flow_tag(hash), number, target, now, &seen), now);
	return number | begun;
}

/* Returns the number of the target for a packet, or 0 when no backend is up. */
static __always_inline __u32 select_target(union service_word found, struct packet *pkt, __u64 hash)
{
	union row_word row =
		row_at(found.service.number, flow_row(flow_tag(hash), found.service.row_count));
	__u32 number;

	if (!row_tracks(row.row))
		return row.row.current_target;
	number = track_packet(found.word, row.word, hash, pkt->tcp_flags);
	pkt->new_flow |= number / FLOW_BEGUN & 1;
	return number & 0xffff;
}

#endif
