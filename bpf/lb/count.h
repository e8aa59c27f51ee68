/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What was forwarded, and what was dropped for which reason. */
#ifndef POISE_BPF_COUNT_H
#define POISE_BPF_COUNT_H

static __always_inline void count_packet(__u32 target, const struct packet *pkt)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &target);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += pkt->ip_bytes;
	counter->new_flows += pkt->new_flow;
}

/* The verdict for a step that did not say GO_ON. */
static __always_inline int stop(int reason)
{
	__u32 key = reason;
	__u64 *dropped;

	if (reason == NOT_OURS)
		return XDP_PASS;
	dropped = bpf_map_lookup_elem(&drops, &key);
	if (dropped)
		(*dropped)++;
	return XDP_DROP;
}

#endif
