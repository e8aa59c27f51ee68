/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* New flow -> target, by the service's scheduler. */
#ifndef POISE_BPF_SCHEDULE_H
#define POISE_BPF_SCHEDULE_H

/* A row as one word, and the word as a row. */
union row_word {
	struct row row;
	__u32 word;
};

/* Returns a row of a service, or {0, 0} if there is no such row. */
static __always_inline union row_word row_at(__u32 service, __u32 index)
{
	union row_word found = { .word = 0 };
	__u32 slot = index / POISE_ROWS_PER_SLOT;
	struct row(*slot_rows)[POISE_ROWS_PER_SLOT];
	void *table;

	table = bpf_map_lookup_elem(&rows, &service);
	if (!table)
		return found;
	slot_rows = bpf_map_lookup_elem(table, &slot);
	if (slot_rows)
		/* Both halves belong together, so one load reads them. */
		found.word = *(const volatile __u32 *)&(*slot_rows)[index % POISE_ROWS_PER_SLOT];
	return found;
}

/* Returns the row that follows the one that the last new flow was given. */
static __always_inline __u32 next_row(struct service service)
{
	__u32 number = service.number;
	struct rotation *rotation = bpf_map_lookup_elem(&rotations, &number);

	if (!rotation || !service.row_count)
		return 0;
	return __sync_fetch_and_add(&rotation->position, 1) % service.row_count;
}

/*
 * Returns the target with the smaller load for its weight and counts the new flow there
 * (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
 */
static __always_inline __u32 less_loaded(__u32 first, __u32 second)
{
	struct load *one = bpf_map_lookup_elem(&loads, &first);
	struct load *other = bpf_map_lookup_elem(&loads, &second);

	if (!one || !other || !first)
		return second;
	if ((__u64)(one->base + one->assigned) * other->weight >
	    (__u64)(other->base + other->assigned) * one->weight) {
		first = second;
		one = other;
	}
	__sync_fetch_and_add(&one->assigned, 1);
	return first;
}

/*
 * A global function, so that services that need no scheduler do not pay for it and the verifier
 * checks it once.
 */
__noinline int schedule_flow(__u64 service_bits, __u64 hash)
{
	struct service service = ((union service_word){ .word = service_bits }).service;
	__u32 number = service.number, first;

	if (service_scheduler(service.flags) == SCHEDULER_ROUNDROBIN)
		return row_at(number, next_row(service)).row.current_target;
	if (service_scheduler(service.flags) == SCHEDULER_RANDOM)
		return row_at(number, flow_row(bpf_get_prandom_u32(), service.row_count))
			.row.current_target;
	first = row_at(number, flow_row(flow_tag(hash), service.row_count)).row.current_target;
	return less_loaded(first,
			   row_at(number, flow_row(hash, service.row_count)).row.current_target);
}

#endif
