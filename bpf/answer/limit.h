/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many answers are sent: a token bucket for each source and one for all together, for each kind
 * of answer. A bucket is one word, the time at which it will be full again (the generic cell rate
 * algorithm, ITU-T I.371). A source's bucket is found by a keyed hash, so that a flood of sources
 * takes no memory and nobody can aim at another one's bucket.
 */
#ifndef POISE_BPF_ANSWER_LIMIT_H
#define POISE_BPF_ANSWER_LIMIT_H

#define ANSWER_BUCKETS 4096 /* of sources, a power of two */

/* The time that a token takes to come back, and how many tokens a bucket has. */
const volatile __u64 answer_source_ns = 10000000; /* 100 a second */
const volatile __u64 answer_all_ns = 100000;      /* 10,000 a second */
#define ANSWER_SOURCE_BURST 100
#define ANSWER_ALL_BURST    1000

/*
 * Read and written per answer: first a word for all sources for each kind, then the sources'. Two
 * CPUs that take the same token at once do no harm.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ANSWER_MAX + ANSWER_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} answer_full_at SEC(".maps");

static __always_inline __u64 answer_taken(__u64 full_at, __u64 now, __u64 token_ns)
{
	return (full_at > now ? full_at : now) + token_ns;
}

/* Takes a token of the source and one of all, or neither. */
static __always_inline bool answer_allowed(__u32 kind, __u64 source_hash)
{
	__u32 of_source = ANSWER_MAX + (source_hash & (ANSWER_BUCKETS - 1));
	__u64 *all = bpf_map_lookup_elem(&answer_full_at, &kind);
	__u64 *one = bpf_map_lookup_elem(&answer_full_at, &of_source);
	__u64 now = bpf_ktime_get_ns(), all_taken, one_taken;

	if (!all || !one)
		return false;
	all_taken = answer_taken(*all, now, answer_all_ns);
	one_taken = answer_taken(*one, now, answer_source_ns);
	if (all_taken > now + ANSWER_ALL_BURST * answer_all_ns ||
	    one_taken > now + ANSWER_SOURCE_BURST * answer_source_ns)
		return false;
	*all = all_taken;
	*one = one_taken;
	return true;
}

#endif
