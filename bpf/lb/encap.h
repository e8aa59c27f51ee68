/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Outer headers. TOS or traffic class is copied whole: the DSCP, and the ECN field as RFC 6040's
 * normal mode has it at a tunnel's ingress. The inner packet is not touched.
 */
#ifndef POISE_BPF_ENCAP_H
#define POISE_BPF_ENCAP_H

#include "lb/protocols.h"

#define OUTER_TTL        64
#define IP_DF            0x4000
#define FLOW_LABEL_MASK  0xfffff
#define SOURCE_PORT_BASE 0xc000 /* RFC 6335: dynamic ports, 14 bits of the flow in the rest */

static __always_inline __u8 inner_protocol(const struct packet *pkt)
{
	return pkt->version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

static __always_inline void write_ethernet(struct ethhdr *eth, const struct target *target,
					   __be16 protocol)
{
	__builtin_memcpy(eth, target->dst_mac, 2 * sizeof(target->dst_mac));
	eth->h_proto = protocol;
}

static __always_inline void write_ipv4(struct iphdr *ip, const struct target *target, __u8 tos,
				       __u8 protocol, __u32 total_bytes)
{
	/* Stored as words: header fields one by one would be ten stores. */
	__be32 *word = (__be32 *)ip;
	__u32 sum = target->outer_sum + wire16(bpf_htons(tos)) + wire16(bpf_htons(total_bytes));
	__be16 check = to_wire16(~csum_fold32(sum));

	word[0] = bpf_htonl(0x45000000 | tos << 16 | total_bytes);
	word[1] = bpf_htonl(IP_DF);
	word[2] = bpf_htonl(OUTER_TTL << 24 | protocol << 16 | bpf_ntohs(check));
	word[3] = *(const __be32 *)target->src;
	word[4] = *(const __be32 *)target->dst;
}

static __always_inline void write_ipv6(struct ipv6hdr *ip, const struct target *target, __u8 tos,
				       __u8 protocol, __u32 payload_bytes, __u64 hash)
{
	__be32 *word = (__be32 *)ip;

	/* RFC 6438: the flow's label lets routers spread tunnels. */
	word[0] = bpf_htonl(6U << 28 | (__u32)tos << 20 | (hash & FLOW_LABEL_MASK));
	word[1] = bpf_htonl(payload_bytes << 16 | protocol << 8 | OUTER_TTL);
	__builtin_memcpy(word + 2, target->src, 2 * sizeof(target->src));
}

/* The last bits of a tunnel's source, by the flow: receivers' NICs spread by outer addresses. */
static __always_inline __be32 spread_source(const struct target *target, __u64 hash)
{
	__u64 mask = (1ULL << (target->spread_bits & 63)) - 1;

	return bpf_htonl(hash & mask);
}

/* Only header bytes that are zero until then change, so the checksum need not be made anew. */
static __always_inline void spread_ipv4(struct iphdr *ip, const struct target *target, __u64 hash)
{
	__be32 host = spread_source(target, hash);
	__u32 sum = (__u16)~wire16((WIRE_FORCE __be16)ip->check);

	ip->saddr |= host;
	sum += (wire32(host) & 0xffff) + (wire32(host) >> 16);
	ip->check = (WIRE_FORCE __sum16)(__u16)~csum_fold32(sum);
}

static __always_inline void spread_ipv6(struct ipv6hdr *ip, const struct target *target, __u64 hash)
{
	((__be32 *)&ip->saddr)[3] |= spread_source(target, hash);
}

static __always_inline void write_gue(struct udphdr *udp, const struct target *target,
				      const struct packet *pkt, __u64 hash)
{
	struct guehdr *gue = (struct guehdr *)(udp + 1);

	udp->source = bpf_htons(SOURCE_PORT_BASE | (hash >> 18 & 0x3fff));
	udp->dest = target->port;
	udp->len = bpf_htons(sizeof(*udp) + sizeof(*gue) + pkt->ip_bytes);
	udp->check = 0;
	gue->version_control_hlen = 0;
	gue->proto_ctype = inner_protocol(pkt);
	gue->flags = 0;
}

/*
 * Cuts off the bytes after the IP packet, but keeps the padding that makes a short frame 60 bytes
 * long.
 */
static __always_inline int trim(struct xdp_md *ctx, __u32 ip_bytes)
{
	__u32 frame_bytes = ctx->data_end - ctx->data;
	__u32 bytes = sizeof(struct ethhdr) + ip_bytes;

	if (frame_bytes <= bytes || frame_bytes <= 60)
		return GO_ON;
	if (bytes < 60)
		bytes = 60;
	return bpf_xdp_adjust_tail(ctx, (int)(bytes - frame_bytes)) ? DROP_NO_ROOM : GO_ON;
}

/* Makes room in front of the packet for outer headers, if the longer packet still fits the MTU. */
static __always_inline int make_room(struct xdp_md *ctx, const struct packet *pkt,
				     const struct target *target, __u32 outer_bytes)
{
	if (pkt->ip_bytes + outer_bytes > target->mtu)
		return DROP_TOO_BIG;
	return bpf_xdp_adjust_head(ctx, -(int)outer_bytes) ? DROP_NO_ROOM : GO_ON;
}

static __always_inline int encap_ipv4(struct xdp_md *ctx, const struct packet *pkt,
				      const struct target *target, __u64 hash, bool gue)
{
	const __u32 udp_bytes = gue ? sizeof(struct udphdr) + sizeof(struct guehdr) : 0;
	const __u32 outer_bytes = sizeof(struct iphdr) + udp_bytes;
	struct ethhdr *eth;
	struct iphdr *ip;
	int err;

	err = make_room(ctx, pkt, target, outer_bytes);
	if (err)
		return err;
	eth = (void *)(long)ctx->data;
	ip = (void *)(eth + 1);
	if ((void *)(eth + 1) + outer_bytes > (void *)(long)ctx->data_end)
		return DROP_NO_ROOM;
	write_ethernet(eth, target, bpf_htons(ETH_P_IP));
	write_ipv4(ip, target, pkt->tos, gue ? IPPROTO_UDP : inner_protocol(pkt),
		   pkt->ip_bytes + outer_bytes);
	if (gue)
		write_gue((void *)(ip + 1), target, pkt, hash);
	else if (target->spread_bits)
		spread_ipv4(ip, target, hash);
	return GO_ON;
}

static __always_inline int encap_ipv6(struct xdp_md *ctx, const struct packet *pkt,
				      const struct target *target, __u64 hash, bool gue)
{
	const __u32 udp_bytes = gue ? sizeof(struct udphdr) + sizeof(struct guehdr) : 0;
	const __u32 outer_bytes = sizeof(struct ipv6hdr) + udp_bytes;
	struct ethhdr *eth;
	struct ipv6hdr *ip;
	int err;

	err = make_room(ctx, pkt, target, outer_bytes);
	if (err)
		return err;
	eth = (void *)(long)ctx->data;
	ip = (void *)(eth + 1);
	if ((void *)(eth + 1) + outer_bytes > (void *)(long)ctx->data_end)
		return DROP_NO_ROOM;
	write_ethernet(eth, target, bpf_htons(ETH_P_IPV6));
	write_ipv6(ip, target, pkt->tos, gue ? IPPROTO_UDP : inner_protocol(pkt),
		   pkt->ip_bytes + udp_bytes, hash);
	if (!gue) {
		if (target->spread_bits)
			spread_ipv6(ip, target, hash);
		return GO_ON;
	}
	write_gue((void *)(ip + 1), target, pkt, hash);
	return gue_checksum(ctx, pkt);
}

#endif
