/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts forwarded packets per backend, and dropped packets per reason. */
#ifndef POISE_BPF_COUNT_H
#define POISE_BPF_COUNT_H

static __always_inline void count_packet(__u32 target, __u32 ip_bytes, bool new_flow)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &target);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += ip_bytes;
	counter->new_flows += new_flow;
}

/* Counts an ICMP error about a flow of the target, beside the packet that it is. */
static __always_inline void count_error(__u32 target)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &target);

	if (counter)
		counter->icmp_errors++;
}

/*
 * Returns the verdict after a step that did not return GO_ON, and counts the packet if it is a
 * drop.
 */
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
