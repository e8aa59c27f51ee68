/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table. Packets of rows that are not stable look for their flow's entry here, or make
 * one.
 */
#ifndef POISE_BPF_FLOW_H
#define POISE_BPF_FLOW_H

#define INSERT_TRIES 3

static __always_inline __u32 flow_now(void)
{
	return bpf_jiffies64() >> flow_tick_shift;
}

/* Returns the place of the flow's entry in the set, or FLOWS_PER_SET if it has none. */
static __always_inline int find_entry(const struct flow_set *set, __u32 tag)
{
	int i;

	for (i = 0; i < FLOWS_PER_SET; i++)
		if (((const volatile __u32 *)&set->entries[i])[1] == tag)
			break;
	return i;
}

/* Returns the place in a full set whose entry is worth least, and stores that entry in *found. */
static __always_inline int find_least(const struct flow_set *set, __u32 now, __u64 *found)
{
	__u32 least = ~0U;
	int at = 0, i;

	for (i = 0; i < FLOWS_PER_SET; i++) {
		__u64 entry = *(const volatile __u64 *)&set->entries[i];
		__u32 worth = flow_entry_worth(entry, now);

		if (worth < least) {
			least = worth;
			at = i;
			*found = entry;
		}
	}
	return at;
}

/*
 * Returns the place for a new entry. It is a global function so that the verifier checks it once
 * and not once per try.
 */
__noinline int find_room(const struct flow_set *set, __u32 now, __u64 *found)
{
	int i;

	if (!set || !found)
		return 0;
	*found = 0;
	for (i = 0; i < FLOWS_PER_SET; i++)
		if (!*(const volatile __u64 *)&set->entries[i])
			return i;
	return find_least(set, now, found);
}

static __always_inline struct flow_counter *flow_count(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flow_counters, &zero);
}

/* True if a replaced entry is a loss: it belongs to another flow and has not expired. */
static __always_inline bool is_lost(__u64 old, __u64 entry, __u32 now)
{
	return flow_entry_live(old, now) && flow_entry_tag(old) != flow_entry_tag(entry);
}

/*
 * Puts an entry into a set. It replaces the flow's old entry, which is at `at` (FLOWS_PER_SET:
 * there is none). If another CPU takes the same place first, the exchange fails and this CPU looks
 * for another place, so that neither flow is forgotten.
 */
static __always_inline void insert_entry(struct flow_set *set, __u32 at, __u64 entry, __u32 now)
{
	__u64 old = *(volatile __u64 *)&set->entries[at & (FLOWS_PER_SET - 1)];
	bool known = at < FLOWS_PER_SET && flow_entry_tag(old) == flow_entry_tag(entry);
	struct flow_counter *counter = flow_count();
	int try;

	if (!counter)
		return;
	for (try = 0; try < INSERT_TRIES; try++) {
		if (!known)
			at = find_room(set, now, &old);
		at &= FLOWS_PER_SET - 1;
		if (__sync_val_compare_and_swap(&set->entries[at], old, entry) == old) {
			counter->tracked++;
			counter->evicted += is_lost(old, entry, now);
			return;
		}
		/*
		 * If only the flow's own entry has changed meanwhile, it remains the place to write
		 * to.
		 */
		old = *(volatile __u64 *)&set->entries[at];
		known = known && flow_entry_tag(old) == flow_entry_tag(entry);
	}
	counter->lost++;
}

/* Says what a packet means for its flow's entry. tcp_flags is NO_TCP for a datagram. */
static __always_inline struct flow_packet flow_packet(__u32 tcp_flags, __u16 service_flags)
{
	bool whole_client = service_flags & SERVICE_HASH_SOURCE, syn = tcp_is_syn(tcp_flags);

	return (struct flow_packet){
		.fresh = syn && !whole_client,
		.first = syn || tcp_flags == NO_TCP,
		.closes = tcp_flags & TCP_FIN && !whole_client,
		.resets = tcp_flags & TCP_RST && !whole_client,
	};
}

#endif
