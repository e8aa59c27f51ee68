// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/flow_carry.h"
#include "poise/flow.h"

#define TRIES 3 /* packets may want the same room */

static __u64 load(const __u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

/* The entry of a flow in a set, FLOWS_PER_SET: none. */
static int find(const struct flow_set *set, __u32 tag)
{
	int i = 0;

	while (i < FLOWS_PER_SET && flow_entry_tag(load(&set->entries[i])) != tag)
		i++;
	return i;
}

static int find_room(const struct flow_set *set, __u32 now)
{
	int at = 0;

	for (int i = 1; i < FLOWS_PER_SET; i++) {
		if (flow_entry_worth(load(&set->entries[i]), now) <
		    flow_entry_worth(load(&set->entries[at]), now))
			at = i;
	}
	return at;
}

/* True if the set has the entry afterwards, or a newer one of its flow. known: the entry of the
 * flow that was carried before, 0: none was. */
static bool put(struct flow_carry *carry, struct flow_set *set, __u64 entry, __u64 known, __u32 now)
{
	__u32 tag = flow_entry_tag(entry);

	for (int try = 0; try < TRIES; try++) {
		int at = find(set, tag);
		bool other = at == FLOWS_PER_SET;
		__u64 old;

		if (other)
			at = find_room(set, now);
		old = load(&set->entries[at]);
		if (other && flow_entry_worth(old, now) >= flow_entry_worth(entry, now))
			return false;
		/* Else than what was carried: a packet changed it, so it is the newer one. */
		if (!other && carry->switched && old != known && flow_entry_live(old, now))
			return true;
		if (__atomic_compare_exchange_n(&set->entries[at], &old, entry, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			carry->lost += other && flow_entry_live(old, now);
			return true;
		}
	}
	return false;
}

/* Entry of set `index`, to each set it may belong to. */
static void carry_entry(struct flow_carry *carry, __u32 index, __u64 entry, __u64 known, __u32 now)
{
	bool placed = false;

	for (__u64 i = index & (carry->to_count - 1); i < carry->to_count; i += carry->from_count)
		placed |= put(carry, &carry->to[i], entry, known, now);
	if (known)
		return;
	carry->flows++;
	carry->lost += !placed;
}

static void carry_set(struct flow_carry *carry, __u32 index, __u32 now)
{
	struct flow_set *seen = &carry->seen[index], before = *seen;

	for (int i = 0; i < FLOWS_PER_SET; i++) {
		__u64 entry = load(&carry->from[index].entries[i]);
		int at;

		if (entry == before.entries[i])
			continue;
		seen->entries[i] = entry;
		if (!flow_entry_live(entry, now))
			continue;
		at = find(&before, flow_entry_tag(entry));
		carry_entry(carry, index, entry, at < FLOWS_PER_SET ? before.entries[at] : 0, now);
	}
}

void flow_carry_run(struct flow_carry *carry, __u32 now)
{
	for (__u32 i = 0; i < carry->from_count; i++)
		carry_set(carry, i, now);
}
