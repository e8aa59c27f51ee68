/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Service and packet -> row -> target. */
#ifndef POISE_BPF_SELECT_H
#define POISE_BPF_SELECT_H

#define FLOW_BEGUN (1U << 16) /* beside a target's number: the packet began a flow there */

static __always_inline __u64 hash_packet(const struct packet *pkt, const void *ip, __u16 flags)
{
	/* Without a branch: the verifier would walk all that follows twice. The NAT table knows
	 * flows, not clients. */
	__u32 whole_client = flags / SERVICE_HASH_SOURCE & ~(flags / SERVICE_NAT) & 1;
	__be16 source_port = to_wire16(wire16(pkt->source_port) & (whole_client - 1));

	if (pkt->version == 4) {
		const struct iphdr *ip4 = ip;

		return flow_hash4(&hash_key, ip4->saddr, ip4->daddr, source_port, pkt->dest_port,
				  pkt->proto);
	}
	const struct ipv6hdr *ip6 = ip;

	return flow_hash6(&hash_key, ip6->saddr.in6_u.u6_addr32, ip6->daddr.in6_u.u6_addr32,
			  source_port, pkt->dest_port, pkt->proto);
}

/* Follows the entry, if it is one to follow, and keeps it alive. The target's number or 0. */
static __always_inline __u32 follow_entry(struct flow_set *set, int at, struct service service,
					  __u32 tag, __u32 now, const struct flow_packet *seen)
{
	__u64 *entry = &set->entries[at & (FLOWS_PER_SET - 1)];
	__u64 old = *(volatile __u64 *)entry, touched;
	__u32 number = flow_entry_target(old);
	const struct target *target = bpf_map_lookup_elem(&targets, &number);

	if (flow_entry_tag(old) != tag || !number || !target ||
	    target->owner != (service.number | TARGET_SERVES) || !flow_follows(old, seen->fresh))
		return 0;
	touched = flow_touch(old, target, now, seen);
	if (touched != old)
		/* It may have made room for another flow since it was read: then let it. */
		__sync_val_compare_and_swap(entry, old, touched);
	return number;
}

/*
 * The target of a packet that met a row which is not stable, with FLOW_BEGUN where the packet was
 * given it as a new flow; 0: none. Service and row come as words: a function that the verifier
 * looks at once, for all of its callers, takes no structures.
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
		/* A client's SYN, and the client is older than the row's change: so may be other
		 * connections of his, which are not to be forgotten early. */
		seen.first = false;
	}
	target = bpf_map_lookup_elem(&targets, &number);
	if (!number || !target)
		return number;
	insert_entry(set, at, flow_begin(flow_tag(hash), number, target, now, &seen), now);
	return number | begun;
}

/* The number of the target for a packet, 0 when no backend is up. */
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
