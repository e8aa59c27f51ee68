/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* poise_lb: balances a service's packets over its backends. ARCHITECTURE.md tells the way. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "poise/abi.h"
#include "poise/csum.h"
#include "poise/flow.h"
#include "poise/hash.h"
#include "poise/nat.h"
#include "poise/service_hash.h"

/* Expanded from the seed, which is random and the same on every balancer of a fleet. */
const volatile struct flow_hash_key hash_key = { 0 };
const volatile __u32 flow_set_mask = POISE_DEFAULT_FLOWS / FLOWS_PER_SET - 1;
const volatile __u32 flow_tick_shift = 10; /* struct flow_clock's */
const volatile __u32 nat_set_mask = POISE_DEFAULT_NAT_FLOWS * 2 / NAT_PER_SET - 1;
const volatile __u32 nat_port_first = POISE_NAT_PORT_FIRST; /* ports that backends see */
const volatile __u32 nat_port_count = POISE_NAT_PORT_LAST - POISE_NAT_PORT_FIRST + 1;

#include "maps.h"
#include "service.h"
#include "parse.h"
#include "count.h"
#include "flow.h"
#include "schedule.h"
#include "select.h"
#include "gue.h"
#include "encap.h"
#include "rewrite.h"
#include "transmit.h"
#include "nat_rewrite.h"
#include "nat_table.h"
#include "nat_flow.h"
#include "nat_port.h"
#include "nat_begin.h"
#include "nat.h"
#include "nat_keep.h"
#include "nat_quote.h"
#include "nat_icmp.h"

static __always_inline int balance_nat(struct xdp_md *ctx, const struct packet *pkt,
				       __u64 service_bits, __u64 hash)
{
	int version = pkt->version, verdict, err;
	__u32 shape = NAT_SHAPE(pkt->transport_offset, pkt->tcp_flags) |
		      (version == 6 ? NAT_SHAPE_IPV6 : 0);

	verdict = version == 4 ? nat_forward4(ctx, service_bits, hash, shape)
			       : nat_forward6(ctx, service_bits, hash, shape);
	if (verdict != NAT_UNKNOWN)
		return verdict;
	err = nat_begin(ctx, service_bits, hash, shape);
	if (err > 0)
		return stop(err);
	if (!err)
		shape |= NAT_SHAPE_BEGAN;
	verdict = version == 4 ? nat_forward4(ctx, service_bits, hash, shape)
			       : nat_forward6(ctx, service_bits, hash, shape);
	return verdict == NAT_UNKNOWN ? stop(DROP_NAT_FULL) : verdict;
}

/* Whether a packet for no service may be a reply that nat has to translate. */
static __always_inline bool may_be_reply(const struct packet *pkt)
{
	/* Whatever the range was when the flow began. */
	return bpf_ntohs(pkt->dest_port) >= POISE_MIN_NAT_PORT;
}

/* What is for no service: a reply, or none of our business. */
static __always_inline int balance_reply(struct xdp_md *ctx, struct packet *pkt, int version)
{
	__u32 shape = NAT_SHAPE(pkt->transport_offset, pkt->proto == IPPROTO_UDP ? NO_TCP : 0) |
		      (version == 6 ? NAT_SHAPE_IPV6 : 0);

	if (may_be_reply(pkt)) {
		struct service source;

		pkt->to.rest = 0;
		source = find_service(&pkt->to).service;
		if (source.flags & SERVICE_NAT_SOURCE)
			return version == 4 ? nat_reply4(ctx, source.number, shape)
					    : nat_reply6(ctx, source.number, shape);
	}
	return nat_keeps() ? nat_keep_reply(ctx, shape) : XDP_PASS;
}

/* Inlined once per IP version, which is a constant to it. */
static __always_inline int balance(struct xdp_md *ctx, const void *ip, const void *end, int version)
{
	struct packet pkt = { .version = version };
	union service_word found;
	const struct target *target;
	__u32 number;
	__u64 hash;
	int err, action;

	err = version == 4 ? parse_ipv4(&pkt, ip, end) : parse_ipv6(&pkt, ip, end);
	if (err == ICMP)
		return version == 4 ? nat_icmp4(ctx, pkt.transport_offset)
				    : nat_icmp6(ctx, pkt.transport_offset);
	if (err)
		return stop(err);
	found = find_service(&pkt.to);
	if (!found.word)
		return balance_reply(ctx, &pkt, version);
	err = parse_transport(&pkt, ip, end);
	if (err)
		return stop(err);
	hash = hash_packet(&pkt, ip, found.service.flags);
	if (found.service.flags & SERVICE_NAT)
		return balance_nat(ctx, &pkt, found.word, hash);
	number = select_target(found, &pkt, hash);
	if (!number)
		return stop(DROP_NO_BACKEND);
	target = bpf_map_lookup_elem(&targets, &number);
	if (!target)
		return stop(DROP_NO_TARGET);
	action = way_out(ctx, target);
	if (action == XDP_DROP)
		return stop(DROP_NO_TARGET);
	err = trim(ctx, pkt.ip_bytes);
	if (!err)
		err = target->mode == MODE_NAT_KEEP
			      ? nat_keep_forward(ctx, target,
						 NAT_SHAPE(pkt.transport_offset, pkt.tcp_flags) |
							 (version == 6 ? NAT_SHAPE_IPV6 : 0))
			      : rewrite(ctx, &pkt, target, hash);
	if (err)
		return stop(err);
	count_packet(number, &pkt);
	return action;
}

SEC("xdp")
int poise_lb(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;

	/* RFC 1122, 3.3.6: nothing that came as a link-layer broadcast or multicast is forwarded.
	 */
	if ((void *)(eth + 1) > end || eth->h_dest[0] & 1)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return balance(ctx, eth + 1, end, 4);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return balance(ctx, eth + 1, end, 6);
	return XDP_PASS;
}

/* What the packet path takes for the time, for user space to set its own clock by. */
SEC("xdp")
int poise_jiffies(struct xdp_md *ctx)
{
	return bpf_jiffies64();
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
