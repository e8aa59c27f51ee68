/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors about what a service's backend sent to a client. They come to the service's address,
 * so to us. The backend that has the flow gets them, as otherwise it never learns the path's MTU.
 */
#ifndef POISE_BPF_ICMP_RELAY_H
#define POISE_BPF_ICMP_RELAY_H

/*
 * Returns the hash of the client's packets of the flow. What is quoted went to the client, so both
 * ends change places.
 */
static __always_inline __u64 icmp_flow_hash(const struct icmp_quote *quote, struct service service)
{
	bool whole_client = service.flags & SERVICE_HASH_SOURCE;

	return nat_hash(&quote->to, &quote->from, whole_client ? 0 : quote->ports[1],
			quote->ports[0], quote->proto);
}

/*
 * Returns the target that a packet of the flow that is no SYN goes to, without making or touching
 * an entry; 0 if there is none.
 */
static __always_inline __u32 icmp_flow_target(union service_word found, __u64 hash)
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

static __always_inline __u8 icmp_tos(const void *ip, int version)
{
	const struct ipv6hdr *ip6 = ip;

	return version == 4 ? ((const struct iphdr *)ip)->tos
			    : (__u8)(ip6->priority << 4 | ip6->flow_lbl[0] >> 4);
}

/*
 * Sends an error on to a target as it came, by the way that the client's packets take. Returns a
 * verdict. hash is the flow's, so that the outer headers let the backend's NIC put the error into
 * the flow's queue.
 */
__noinline int icmp_send(struct xdp_md *ctx, __u32 shape, __u32 number, __u64 hash)
{
	const struct target *target = bpf_map_lookup_elem(&targets, &number);
	const void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const int version = shape & NAT_SHAPE_IPV6 ? 6 : 4;
	struct packet pkt = { .version = version,
			      .proto = version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
			      .transport_offset = shape & MAX_TRANSPORT_OFFSET };
	int action, err;

	if (!number || !target || ip + sizeof(struct ipv6hdr) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	pkt.ip_bytes = nat_ip_bytes(ip, version);
	pkt.tos = icmp_tos(ip, version);
	action = way_out(ctx, target);
	if (action == XDP_DROP || target->mode > MODE_GUE)
		return stop(DROP_NO_TARGET);
	err = trim(ctx, pkt.ip_bytes);
	if (!err)
		err = rewrite(ctx, &pkt, target, hash);
	if (err)
		return stop(err);
	count_packet(number, pkt.ip_bytes, false);
	count_error(number);
	return action;
}

#define ICMP_BY_NAT (-1) /* in place of a verdict: nat_icmp4() and nat_icmp6() give it */

static __always_inline int icmp_relay(struct xdp_md *ctx, __u32 shape, int version)
{
	struct icmp_error error;
	int err = icmp_find_error(ctx, shape, version, &error);
	__u64 hash;

	if (err)
		return stop(err);
	if (!error.found.word || error.found.service.flags & (SERVICE_NAT | SERVICE_NAT_KEEP))
		return ICMP_BY_NAT;
	hash = icmp_flow_hash(&error.quote, error.found.service);
	if (version == 6)
		shape |= NAT_SHAPE_IPV6;
	return icmp_send(ctx, shape, icmp_flow_target(error.found, hash), hash);
}

/*
 * Handles an ICMP packet. Errors about flows that are not translated end here. The others are found
 * once more by mode nat, in a function of its own: both together need more stack than there is.
 */
__noinline int icmp_relay4(struct xdp_md *ctx, __u32 shape)
{
	return icmp_relay(ctx, shape, 4);
}

__noinline int icmp_relay6(struct xdp_md *ctx, __u32 shape)
{
	return icmp_relay(ctx, shape, 6);
}

#endif
