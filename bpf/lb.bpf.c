/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* poise_lb: balances a service's packets over its backends. ARCHITECTURE.md tells the way. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "poise/abi.h"
#include "poise/csum.h"
#include "poise/flow.h"
#include "poise/frag.h"
#include "poise/guard.h"
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

#include "lb/maps.h"
#include "lb/service.h"
#include "lb/parse.h"
#include "lb/count.h"
#include "lb/flow.h"
#include "lb/schedule.h"
#include "lb/select.h"
#include "guard/source_route.h"
#include "guard/martian.h"
#include "guard/martian_local.h"
#include "lb/gue.h"
#include "lb/encap.h"
#include "lb/l2.h"
#include "lb/transmit.h"
#include "nat/nat_rewrite.h"
#include "nat/nat_fragment.h"
#include "nat/nat_table.h"
#include "nat/nat_flow.h"
#include "nat/nat_port.h"
#include "nat/nat_begin.h"
#include "nat/nat.h"
#include "nat/nat_keep.h"
#include "lb/rewrite.h"
#include "icmp/quote.h"
#include "icmp/relay.h"
#include "nat/nat_quote.h"
#include "nat/nat_icmp.h"
#include "answer/limit.h"
#include "answer/turn.h"
#include "answer/reset.h"
#include "answer/error.h"
#include "answer/answer.h"
#include "answer/undelivered.h"
#include "nat/nat_balance.h"
#include "frag/frag_table.h"
#include "frag/frag_parse.h"
#include "frag/frag_send.h"
#include "frag/frag_nat.h"
#include "frag/frag.h"

/* True if a packet to no service may be a reply that mode nat has to translate. */
static __always_inline bool may_be_reply(const struct packet *pkt)
{
	/* The configured range may have been another one when the flow began. */
	return bpf_ntohs(pkt->dest_port) >= POISE_MIN_NAT_PORT;
}

/* The packet is to no service: it is a reply in mode nat, or it belongs to the kernel. */
static __always_inline int balance_reply(struct xdp_md *ctx, struct packet *pkt, int version)
{
	__u32 shape = nat_shape(pkt, pkt->proto == IPPROTO_UDP ? NO_TCP : 0);
	const __u32 port_and_proto = pkt->to.rest;
	const struct switches *on;

	/* Neither mode translates SCTP, and the shape can only tell TCP from UDP. */
	if (pkt->proto == IPPROTO_SCTP)
		return XDP_PASS;
	if (may_be_reply(pkt)) {
		struct service source;

		pkt->to.rest = 0;
		source = find_service(&pkt->to).service;
		if (source.flags & SERVICE_NAT_SOURCE)
			return nat_delivered(ctx,
					     version == 4 ? nat_reply4(ctx, source.number, shape)
							  : nat_reply6(ctx, source.number, shape),
					     shape);
	}
	on = switches_now();
	if (on && on->local && judge_local(ctx, port_and_proto, version))
		return stop(DROP_MARTIAN);
	return on && on->nat_keep ? nat_keep_reply(ctx, shape) : XDP_PASS;
}

static __always_inline int balance_icmp(struct xdp_md *ctx, __u32 offset, int version)
{
	int verdict = version == 4 ? icmp_relay4(ctx, offset) : icmp_relay6(ctx, offset);

	if (verdict != ICMP_BY_NAT)
		return verdict;
	return version == 4 ? nat_icmp4(ctx, offset) : nat_icmp6(ctx, offset);
}

/* The compiler inlines this once per IP version, so that `version` is a constant in each copy. */
static __always_inline int balance(struct xdp_md *ctx, const void *ip, const void *end, int version)
{
	struct packet pkt = { .version = version };
	union service_word found;
	const struct target *target;
	__u64 hash, source_hash;
	__u32 number;
	int err, action;

	err = version == 4 ? parse_ipv4(&pkt, ip, end) : parse_ipv6(ctx, &pkt, ip, end);
	if (err == ICMP)
		return balance_icmp(ctx, pkt.transport_offset, version);
	if (err == FRAGMENT)
		return frag_balance(ctx, version == 4 ? 0 : pkt.transport_offset);
	if (err)
		return stop(err);
	found = find_service(&pkt.to);
	if (version == 6 && !pkt.to.low && is_mapped_words(pkt.to.low, pkt.to.high))
		return found.word ? stop(DROP_MARTIAN) : XDP_PASS;
	if (!found.word)
		return balance_reply(ctx, &pkt, version);
	if (version == 4 && has_options(ip) && is_source_routed(ctx))
		return XDP_PASS;
	err = parse_transport(&pkt, ip, end);
	if (err)
		return stop(err);
	hash = hash_packet(&pkt, ip, found.service.flags, &source_hash);
	/* In mode nat only the first packet of a flow is asked for its source. */
	if (found.service.flags & SERVICE_NAT)
		return nat_balance(ctx, found.word, hash, nat_shape(&pkt, pkt.tcp_flags));
	if (looks_martian(ip, version, source_hash)) {
		err = judge_source(ctx, found.service.number, version);
		if (err)
			return stop(err);
	}
	number = select_target(found, &pkt, hash);
	if (!number)
		return unavailable(ctx, found.word, nat_shape(&pkt, pkt.tcp_flags));
	target = bpf_map_lookup_elem(&targets, &number);
	if (!target)
		return stop(DROP_NO_TARGET);
	action = way_out(ctx, target);
	if (action == XDP_DROP)
		return stop(DROP_NO_TARGET);
	if (action != XDP_TX && version == 6 && is_link_local(&((const struct ipv6hdr *)ip)->saddr))
		return stop(DROP_MARTIAN);
	err = trim(ctx, pkt.ip_bytes);
	if (!err)
		err = rewrite(ctx, &pkt, target, hash);
	if (err)
		return undelivered_to(ctx, err, number,
				      nat_shape(&pkt, 0) | (pkt.new_flow ? NAT_SHAPE_BEGAN : 0));
	count_packet(number, pkt.ip_bytes, pkt.new_flow);
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

/* Returns the time as the packet path reads it, so that user space can set its own clock by it. */
SEC("xdp")
int poise_jiffies(struct xdp_md *ctx)
{
	return bpf_jiffies64();
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
