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
#include "poise/service_hash.h"
#include "bench/bench_abi.h"

/* The steps of poise_lb that are used here expect these types of the step that is left out. */
union service_word {
	struct service service;
	__u64 word;
};

static __always_inline union service_word find_service(const struct service_words *key)
{
	return (union service_word){ .word = 0 };
}

#include "lb/parse.h"
#include "lb/gue.h"
#include "lb/encap.h"
#include "lb/l2.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} under_test SEC(".maps");

/* The one of the program under test, if it is poise_lb. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_set);
} flows SEC(".maps");

/* Written by the tool before a run. */
struct frame_template template;
__u32 flow_mask;  /* the number of flows, a power of two, less one */
__u32 port_shift; /* where in the word of both ports a flow's own one is: 0 or, of replies, 16 */
/* Takes the first entry of a set away before each packet: its flow is a new one every time. */
bool forget;
__u32 forget_set;

/* Packets so far */
__u32 packet_count;

static __always_inline void forget_flow(void)
{
	__u32 index = forget_set;
	struct flow_set *set = bpf_map_lookup_elem(&flows, &index);

	if (set)
		*(volatile __u64 *)&set->entries[0] = 0;
}

/* The words behind the Ethernet header that differ from flow to flow. */
struct frame_words {
	int frame_bytes;
	int source, ports, check; /* the check's word has something else in its other half */
	bool check_first;
	int ip_check; /* IPv4: in the word's second half; 0: IPv6 has none */
	int dest; /* IPv6: where four words start that are stored as two longs, as they are read */
};

/*
 * Inlined once per kind of packet: all of `w` is constant to each. Every store is as wide as the
 * loads to come, or wider: a load over two stores waits until both have left the store buffer,
 * 5 ns that no packet from a network card costs.
 */
static __always_inline int restore(struct xdp_md *ctx, const struct frame_words w)
{
	const int words = (w.frame_bytes - sizeof(struct ethhdr)) / 4;
	__u32 flow, port, host, word;
	__be16 check;
	void *data;
	int i;

	/* Also when nothing is to be put back, so that all loops spend the same on it. */
	if (bpf_xdp_adjust_head(ctx, (int)(ctx->data_end - ctx->data) - w.frame_bytes))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + w.frame_bytes > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	/* An odd factor permutes the flows: they come in scattered order, each once a cycle. */
	flow = packet_count++ * 0x9e3779b1 & flow_mask;
	port = FLOW_PORT_BASE | (flow & FLOW_PORT_MASK);
	host = flow >> FLOW_PORT_BITS;
	check = bpf_htons(~csum_fold32(template.transport_sum + host + port));
	*(volatile __u16 *)data = template.halves[1];
	*(volatile __u32 *)(data + 2) = template.words[1];
	*(volatile __u64 *)(data + 6) = template.longs[1];
	data += sizeof(struct ethhdr);
#pragma unroll
	for (i = 0; i < words; i++) {
		if (w.dest && i >= w.dest && i < w.dest + 4) {
			if (!((i - w.dest) % 2))
				*(volatile __u64 *)(data + 4 * i) = template.longs[2 + i / 2];
			continue;
		}
		word = template.words[4 + i];
		if (i == w.source)
			word = wire32(bpf_htonl(template.source_end + host));
		if (i == w.ports)
			word |= wire16(bpf_htons(port)) << (port_shift & 16);
		if (w.ip_check && i == w.ip_check)
			word |= wire16(bpf_htons(~csum_fold32(template.ip_sum + host))) << 16;
		if (i == w.check)
			word |= w.check_first ? wire16(check) : wire16(check) << 16;
		*(volatile __u32 *)(data + 4 * i) = word;
	}
	if (w.frame_bytes % 4 == 0)
		*(volatile __u16 *)(data + 4 * words) = template.halves[8 + 2 * words];
	if (forget)
		forget_flow();
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int restore_tcp4(struct xdp_md *ctx)
{
	return restore(ctx, (struct frame_words){ .frame_bytes = FRAME4_BYTES,
						  .source = 3,
						  .ports = 5,
						  .check = 9,
						  .check_first = true,
						  .ip_check = 2 });
}

SEC("xdp")
int restore_udp4(struct xdp_md *ctx)
{
	return restore(ctx, (struct frame_words){ .frame_bytes = FRAME4_BYTES,
						  .source = 3,
						  .ports = 5,
						  .check = 6,
						  .ip_check = 2 });
}

SEC("xdp")
int restore_tcp6(struct xdp_md *ctx)
{
	return restore(ctx, (struct frame_words){ .frame_bytes = FRAME6_BYTES,
						  .source = 5,
						  .ports = 10,
						  .check = 14,
						  .check_first = true,
						  .dest = 6 });
}

SEC("xdp")
int restore_udp6(struct xdp_md *ctx)
{
	return restore(ctx, (struct frame_words){ .frame_bytes = FRAME6_BYTES,
						  .source = 5,
						  .ports = 10,
						  .check = 11,
						  .dest = 6 });
}

/* The first floor: nothing but to be called. */
SEC("xdp")
int floor_empty(struct xdp_md *ctx)
{
	return XDP_TX;
}

/*
 * The other floors: poise_lb's own parsing, checks and encapsulation, with nothing looked up,
 * hashed or counted: every packet goes to one target that is known beforehand. Written by the tool.
 */
struct target fixed_target;

static __always_inline int fixed(struct xdp_md *ctx, int version, int mode, int outer_version)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	struct packet pkt = { .version = version };
	int err;

	if ((void *)(eth + 1) > end || eth->h_dest[0] & 1)
		return XDP_ABORTED;
	if (eth->h_proto != bpf_htons(version == 4 ? ETH_P_IP : ETH_P_IPV6))
		return XDP_ABORTED;
	err = version == 4 ? parse_ipv4(&pkt, (void *)(eth + 1), end)
			   : parse_ipv6(ctx, &pkt, (void *)(eth + 1), end);
	if (!err)
		err = parse_transport(&pkt, eth + 1, end);
	if (!err)
		err = trim(ctx, pkt.ip_bytes);
	if (err)
		return XDP_ABORTED;
	if (mode == MODE_L2)
		err = rewrite_l2(ctx, &pkt, &fixed_target);
	else if (outer_version == 4)
		err = encap_ipv4(ctx, &pkt, &fixed_target, 0, mode == MODE_GUE);
	else
		err = encap_ipv6(ctx, &pkt, &fixed_target, 0, mode == MODE_GUE);
	return err ? XDP_ABORTED : XDP_TX;
}

#define FLOOR(name, version, mode)                                                                 \
	SEC("xdp")                                                                                 \
	int floor_##name(struct xdp_md *ctx)                                                       \
	{                                                                                          \
		return fixed(ctx, version, mode, version);                                         \
	}

FLOOR(l2_4, 4, MODE_L2)
FLOOR(l2_6, 6, MODE_L2)
FLOOR(ipip4, 4, MODE_IPIP)
FLOOR(ipip6, 6, MODE_IPIP)
FLOOR(gue4, 4, MODE_GUE)
FLOOR(gue6, 6, MODE_GUE)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
