/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The balancer answers some packets by itself. An answer takes the place of the packet that it is
 * about and goes back to the neighbour that the packet came from. Nothing here is on a packet's
 * plain path, and all of it is behind global functions, which the verifier checks once.
 */
#ifndef POISE_BPF_ANSWER_H
#define POISE_BPF_ANSWER_H

static __always_inline void answer_count(__u32 kind, bool sent)
{
	struct answer_counter *counter = bpf_map_lookup_elem(&answers, &kind);

	if (!counter)
		return;
	counter->sent += sent;
	counter->limited += !sent;
}

/*
 * Finds the source's bucket. A network of 64 bits is one source, as all its addresses may be one
 * host's.
 */
static __always_inline __u64 answer_source_hash(const struct nat_addr *source, __u32 kind)
{
	if (nat_is_v4(source))
		return flow_hash4(&hash_key, to_wire32(source->high >> 32), 0, 0, 0, kind);
	return flow_hash4(&hash_key, to_wire32(source->low), to_wire32(source->low >> 32), 0, 0,
			  kind);
}

/* True if the packet's sender may be answered (RFC 1122, 3.2.2; RFC 4443, 2.4) and a token is left.
 */
static __always_inline bool answer_may(struct xdp_md *ctx, __u32 kind, int version)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const void *ip = eth + 1;
	struct nat_addr source;
	bool allowed;

	if (ip + ip_header_bytes(version) > (void *)(long)ctx->data_end || eth->h_source[0] & 1)
		return false;
	source = nat_source_of(ip, version);
	if (is_martian(source.low, source.high, version))
		return false;
	allowed = answer_allowed(kind, answer_source_hash(&source, kind));
	if (!allowed)
		answer_count(kind, false);
	return allowed;
}

static __always_inline int answer_packet(struct xdp_md *ctx, __u32 kind, __u32 argument,
					 __u32 shape, int version)
{
	bool made;

	if (!answer_may(ctx, kind, version))
		return XDP_DROP;
	made = kind == ANSWER_RESET ? answer_reset(ctx, shape, version)
				    : answer_error(ctx, kind, argument, version);
	if (!made)
		return XDP_DROP;
	answer_count(kind, true);
	return XDP_TX;
}

/*
 * Answers a packet, whose drop is counted already. `argument` is what the ICMP header tells beside
 * type and code. Returns the verdict.
 */
__noinline int answer(struct xdp_md *ctx, __u32 kind, __u32 argument, __u32 shape)
{
	return shape & NAT_SHAPE_IPV6 ? answer_packet(ctx, kind, argument, shape, 6)
				      : answer_packet(ctx, kind, argument, shape, 4);
}

/*
 * There is no backend for a packet: drops it, and refuses the flow that it begins where the service
 * wants that. Packets of a connection that exists are not answered: its backend may be back before
 * the client gives it up. Returns the verdict.
 */
__noinline int unavailable(struct xdp_md *ctx, __u64 service_bits, __u32 shape)
{
	__u16 flags = ((union service_word){ .word = service_bits }).service.flags;
	__u32 tcp_flags = NAT_SHAPE_TCP_FLAGS(shape);

	stop(DROP_NO_BACKEND);
	if (!(flags & SERVICE_REJECT))
		return XDP_DROP;
	if (tcp_flags & NO_TCP)
		return answer(ctx, ANSWER_PORT_UNREACHABLE, 0, shape);
	return tcp_is_syn(tcp_flags) ? answer(ctx, ANSWER_RESET, 0, shape) : XDP_DROP;
}

#endif
