/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The harness around a program under test, and the floors to compare it with.
 *
 * BPF_PROG_TEST_RUN feeds a packet back in as the program left it. So a restore_… program comes
 * first: it puts size and headers back, makes the packet one of the next flow, and goes on to the
 * program under test by a tail call.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "poise/abi.h"
#include "poise/csum.h"
#include "bench_abi.h"

#define ETH_P_IP     0x0800
#define ETH_P_IPV6   0x86dd
#define IPPROTO_IPIP 4
#define IPPROTO_IPV6 41
#define IP_DF        0x4000
#define OUTER_TTL    64
#define GUE_BYTES    12 /* UDP and GUE */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} under_test SEC(".maps");

/* Written by the tool before a run. */
struct frame_template template;
__u32 flow_mask; /* the number of flows, a power of two, less one */

/* Packets so far */
__u32 packet_count;

/* Inlined once per kind of packet: offsets and sizes are constants to each. */
static __always_inline int restore(struct xdp_md *ctx, const int frame_bytes, const int source_end,
				   const int transport, const int check)
{
	__u32 flow, port, host;
	void *data;
	int i;

	/* Also when nothing is to be put back, so that all loops spend the same on it. */
	if (bpf_xdp_adjust_head(ctx, (int)(ctx->data_end - ctx->data) - frame_bytes))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + frame_bytes > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	/* An odd factor permutes the flows: they come in scattered order, each once a cycle. */
	flow = packet_count++ * 0x9e3779b1 & flow_mask;
	port = FLOW_PORT_BASE | (flow & FLOW_PORT_MASK);
	host = flow >> FLOW_PORT_BITS;
#pragma unroll
	for (i = 0; i < frame_bytes / 8; i++)
		((__u64 *)data)[i] = template.words[i];
	if (frame_bytes % 8 >= 4)
		*(__u32 *)(data + frame_bytes / 8 * 8) = template.words[frame_bytes / 8];
	else
		*(__u16 *)(data + frame_bytes / 8 * 8) = template.words[frame_bytes / 8];
	*(__be16 *)(data + source_end) = bpf_htons(template.source_end + host);
	*(__be16 *)(data + transport) = bpf_htons(port);
	if (frame_bytes == FRAME4_BYTES)
		*(__be16 *)(data + 24) = bpf_htons(~csum_fold32(template.ip_sum + host));
	*(__be16 *)(data + check) = bpf_htons(~csum_fold32(template.transport_sum + host + port));
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int restore_tcp4(struct xdp_md *ctx)
{
	return restore(ctx, FRAME4_BYTES, 28, 34, 34 + 16);
}

SEC("xdp")
int restore_udp4(struct xdp_md *ctx)
{
	return restore(ctx, FRAME4_BYTES, 28, 34, 34 + 6);
}

SEC("xdp")
int restore_tcp6(struct xdp_md *ctx)
{
	return restore(ctx, FRAME6_BYTES, 36, 54, 54 + 16);
}

SEC("xdp")
int restore_udp6(struct xdp_md *ctx)
{
	return restore(ctx, FRAME6_BYTES, 36, 54, 54 + 6);
}

/* The first floor: nothing but to be called. */
SEC("xdp")
int floor_empty(struct xdp_md *ctx)
{
	return XDP_TX;
}

/* The other floors: what a mode writes, with constants for all that a look-up would find. */
static __always_inline void write_macs(void *data, __be16 protocol)
{
	__be32 *word = data;

	word[0] = bpf_htonl(0x02000000);
	word[1] = bpf_htonl(0x01010200);
	word[2] = bpf_htonl(0x00000102);
	((__be16 *)data)[6] = protocol;
}

SEC("xdp")
int floor_l2(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	write_macs(eth, eth->h_proto);
	return XDP_TX;
}

/* 10.0.0.1 to 10.0.0.11 */
static __always_inline void write_outer4(void *outer, __u32 protocol, __u32 bytes)
{
	const __u32 constants =
		0x4500 + IP_DF + (OUTER_TTL << 8) + protocol + 0x0a00 + 0x0001 + 0x0a00 + 0x000b;
	__u16 check = ~csum_fold32(constants + bytes);
	__be32 *word = outer;

	word[0] = bpf_htonl(0x45000000 | bytes);
	word[1] = bpf_htonl(IP_DF);
	word[2] = bpf_htonl(OUTER_TTL << 24 | protocol << 16 | check);
	word[3] = bpf_htonl(0x0a000001);
	word[4] = bpf_htonl(0x0a00000b);
}

/* fd00::1 to fd00::11 */
static __always_inline void write_outer6(void *outer, __u32 protocol, __u32 payload_bytes)
{
	__be32 *word = outer;

	word[0] = bpf_htonl(6U << 28);
	word[1] = bpf_htonl(payload_bytes << 16 | protocol << 8 | OUTER_TTL);
	word[2] = word[6] = bpf_htonl(0xfd000000);
	word[3] = word[4] = word[7] = word[8] = 0;
	word[5] = bpf_htonl(0x01);
	word[9] = bpf_htonl(0x11);
}

/* Checksum zero (RFC 6935): one over the inner packet is work that depends on the packet. */
static __always_inline void write_gue(void *outer, __u32 protocol, __u32 inner_bytes)
{
	__be32 *word = outer;

	word[0] = bpf_htonl(0xc0000000 | POISE_GUE_PORT);
	word[1] = bpf_htonl((inner_bytes + GUE_BYTES) << 16);
	word[2] = bpf_htonl(protocol << 16);
}

static __always_inline int encapsulate4(struct xdp_md *ctx, const bool gue)
{
	const int outer_bytes = sizeof(struct iphdr) + (gue ? GUE_BYTES : 0);
	const struct iphdr *inner;
	__u32 inner_bytes;
	void *data;

	if (bpf_xdp_adjust_head(ctx, -outer_bytes))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	inner = data + sizeof(struct ethhdr) + outer_bytes;
	if ((void *)(inner + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	inner_bytes = bpf_ntohs(inner->tot_len);
	write_macs(data, bpf_htons(ETH_P_IP));
	data += sizeof(struct ethhdr);
	write_outer4(data, gue ? IPPROTO_UDP : IPPROTO_IPIP, inner_bytes + outer_bytes);
	if (gue)
		write_gue(data + sizeof(struct iphdr), IPPROTO_IPIP, inner_bytes);
	return XDP_TX;
}

static __always_inline int encapsulate6(struct xdp_md *ctx, const bool gue)
{
	const int outer_bytes = sizeof(struct ipv6hdr) + (gue ? GUE_BYTES : 0);
	const struct ipv6hdr *inner;
	__u32 inner_bytes;
	void *data;

	if (bpf_xdp_adjust_head(ctx, -outer_bytes))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	inner = data + sizeof(struct ethhdr) + outer_bytes;
	if ((void *)(inner + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	inner_bytes = sizeof(*inner) + bpf_ntohs(inner->payload_len);
	write_macs(data, bpf_htons(ETH_P_IPV6));
	data += sizeof(struct ethhdr);
	write_outer6(data, gue ? IPPROTO_UDP : IPPROTO_IPV6, inner_bytes + (gue ? GUE_BYTES : 0));
	if (gue)
		write_gue(data + sizeof(struct ipv6hdr), IPPROTO_IPV6, inner_bytes);
	return XDP_TX;
}

SEC("xdp")
int floor_ipip4(struct xdp_md *ctx)
{
	return encapsulate4(ctx, false);
}

SEC("xdp")
int floor_gue4(struct xdp_md *ctx)
{
	return encapsulate4(ctx, true);
}

SEC("xdp")
int floor_ipip6(struct xdp_md *ctx)
{
	return encapsulate6(ctx, false);
}

SEC("xdp")
int floor_gue6(struct xdp_md *ctx)
{
	return encapsulate6(ctx, true);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
