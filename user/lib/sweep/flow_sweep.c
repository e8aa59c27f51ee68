// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sweep/flow_sweep.h"

#define GARBAGE (-1)

/* All that an entry is judged by, found with its target: branches per entry cost half as much
 * again, as targets are mixed. Where no row is to be held there is one that nobody looks at. */
struct judge {
	const struct row *rows;
	__u8 *held;
	__u32 row_count;
	__s32 closing_ticks; /* GARBAGE: the entry is to be cleared */
};

struct pass {
	struct flow_sweep *sweep;
	struct judge *judges; /* [sweep->target_count + 1], the last for all targets beyond */
	struct row no_row;
	__u8 no_row_held;
};

static struct judge make_judge(struct pass *pass, __u32 target)
{
	const struct flow_sweep *s = pass->sweep;
	struct judge judge = { .rows = &pass->no_row,
			       .held = &pass->no_row_held,
			       .closing_ticks = GARBAGE };
	__u16 number;

	if (target >= s->target_count)
		return judge;
	number = s->service_of_target[target];
	if (number == SWEEP_CLEAR)
		return judge;
	judge.closing_ticks = s->closing_ticks[target];
	if (number == SWEEP_NO_SERVICE || !s->services[number].held)
		return judge;
	judge.rows = s->services[number].rows;
	judge.held = s->services[number].held;
	judge.row_count = s->services[number].row_count;
	return judge;
}

static inline const struct judge *find_judge(const struct judge *judges, __u32 target_count,
					     __u64 entry)
{
	__u32 target = flow_entry_target(entry);

	return &judges[target < target_count ? target : target_count];
}

static inline bool is_garbage(const struct judge *judge, int left)
{
	return (left | judge->closing_ticks) < 0; /* either */
}

/*
 * Clears an entry that has expired or is nobody's. Returns 0, or what it is now because a packet
 * was faster: an entry that counts.
 */
static __attribute__((noinline)) __u64 clear_entry(const struct pass *pass, __u64 *at, __u64 entry)
{
	struct flow_sweep *s = pass->sweep;

	if (!s->clean)
		return 0;
	while (entry) {
		const struct judge *judge = find_judge(pass->judges, s->target_count, entry);

		if (!is_garbage(judge, flow_entry_left(entry, s->now)))
			break;
		if (__atomic_compare_exchange_n(at, &entry, 0, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			s->cleared++;
			return 0;
		}
	}
	return entry;
}

static inline void count_flow(struct sweep_tally *flows, const struct judge *judge, __u64 entry,
			      int left)
{
	/* & and not &&: as unpredictable as the states. */
	bool closing = flow_entry_closes(entry) & (left + FLOW_END_TICKS < judge->closing_ticks);

	flows[flow_entry_target(entry)].live += !closing;
	flows[flow_entry_target(entry)].closing += closing;
}

static inline void hold_row(const struct judge *judge, __u64 entry)
{
	__u32 row = flow_row(flow_entry_tag(entry), judge->row_count);
	__u16 current = __atomic_load_n(&judge->rows[row].current_target, __ATOMIC_RELAXED);

	judge->held[row] |= current != flow_entry_target(entry);
}

static inline bool is_empty(const struct flow_set *set)
{
	__u64 any = 0;

#pragma GCC unroll 8
	for (int i = 0; i < FLOWS_PER_SET; i++)
		any |= __atomic_load_n(&set->entries[i], __ATOMIC_RELAXED);
	return !any;
}

static void look_at_sets(const struct pass *pass)
{
	/* Copies that no store can change: they stay in registers. */
	const struct judge *judges = pass->judges, *judge;
	const __u32 now = pass->sweep->now, target_count = pass->sweep->target_count;
	struct sweep_tally *flows = pass->sweep->flows;
	struct flow_set *set = pass->sweep->sets, *end = set + pass->sweep->set_count;
	__u64 occupied = 0, new_flows = 0;

	for (; set < end; set++) {
		if (is_empty(set))
			continue;
		for (int i = 0; i < FLOWS_PER_SET; i++) {
			__u64 entry = __atomic_load_n(&set->entries[i], __ATOMIC_RELAXED);
			int left = flow_entry_left(entry, now);

			if (!entry)
				continue;
			judge = find_judge(judges, target_count, entry);
			if (is_garbage(judge, left)) {
				entry = clear_entry(pass, &set->entries[i], entry);
				if (!entry)
					continue;
				judge = find_judge(judges, target_count, entry);
				left = flow_entry_left(entry, now);
			}
			occupied++;
			new_flows += flow_entry_state(entry) == FLOW_NEW;
			count_flow(flows, judge, entry, left);
			hold_row(judge, entry);
		}
	}
	pass->sweep->occupied += occupied;
	pass->sweep->new_flows += new_flows;
}

int flow_sweep_run(struct flow_sweep *sweep)
{
	struct pass pass = { .sweep = sweep };

	pass.judges = calloc((size_t)sweep->target_count + 1, sizeof(*pass.judges));
	if (!pass.judges)
		return -ENOMEM;
	for (__u32 target = 0; target <= sweep->target_count; target++)
		pass.judges[target] = make_judge(&pass, target);
	look_at_sets(&pass);
	free(pass.judges);
	return 0;
}
