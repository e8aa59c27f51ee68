/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet path of the model: what bpf/select.h, flow.h and schedule.h do, said once more. */
#ifndef POISE_TESTS_ROW_MODEL_PACKETS_H
#define POISE_TESTS_ROW_MODEL_PACKETS_H

#include "row_model.h"

static int find_entry(const struct flow_set *set, __u32 tag)
{
	for (int i = 0; i < FLOWS_PER_SET; i++)
		if (flow_entry_tag(set->entries[i]) == tag)
			return i;
	return FLOWS_PER_SET;
}

static int find_room(const struct flow_set *set)
{
	__u32 least = ~0U;
	int at = 0;

	for (int i = 0; i < FLOWS_PER_SET; i++) {
		__u32 worth = flow_entry_worth(set->entries[i], m.tick);

		if (worth < least) {
			least = worth;
			at = i;
		}
	}
	return at;
}

/* A flow that the table has no room for may be lost. */
static void excuse_evicted(__u64 entry)
{
	m.evicted++;
	for (__u32 i = 0; i < CLIENTS; i++)
		if (flow_tag(m.clients[i].hash) == flow_entry_tag(entry))
			m.clients[i].home = 0;
}

static void insert_entry(struct flow_set *set, int at, __u64 entry)
{
	__u64 old;

	if (at == FLOWS_PER_SET)
		at = find_room(set);
	old = set->entries[at];
	if (old && flow_entry_tag(old) != flow_entry_tag(entry) &&
	    flow_entry_left(old, m.tick) >= 0)
		excuse_evicted(old);
	set->entries[at] = entry;
}

static enum poise_scheduler scheduler_of(__u16 flags)
{
	return flags >> SERVICE_SCHEDULER_SHIFT & SERVICE_SCHEDULER_MASK;
}

static __u16 schedule_flow(__u64 hash, __u16 flags)
{
	__u16 first, other;

	switch (scheduler_of(flags)) {
	case SCHEDULER_ROUNDROBIN:
		return m.rows[m.rotation++ % ROWS].current_target;
	case SCHEDULER_RANDOM:
		return m.rows[below(ROWS)].current_target;
	default:
		first = m.rows[flow_row(flow_tag(hash), ROWS)].current_target;
		other = m.rows[flow_row((__u32)hash, ROWS)].current_target;
		if (m.assigned[other] < m.assigned[first])
			first = other;
		m.assigned[first]++;
		return first;
	}
}

static __u16 follow_entry(__u64 *entry, const struct flow_packet *seen)
{
	__u16 number = flow_entry_target(*entry);

	if (!target_serves(number) || !flow_follows(*entry, seen->fresh))
		return 0;
	*entry = flow_touch(*entry, &m.targets[number], m.tick, seen);
	m.followed++;
	return number;
}

static __u16 track_packet(struct row row, __u16 flags, __u64 hash, struct flow_packet seen)
{
	struct flow_set *set = &m.sets[flow_set_index(hash, m.set_count - 1)];
	int at = find_entry(set, flow_tag(hash));
	__u16 number;

	if (at < FLOWS_PER_SET) {
		number = follow_entry(&set->entries[at], &seen);
		if (number)
			return number;
	}
	if (row_assigns(row, seen.fresh)) {
		number = scheduler_of(flags) ? schedule_flow(hash, flags) : row.current_target;
	} else {
		number = row.previous_target;
		/* An older flow's, whatever it looks like. */
		seen.first = false;
	}
	if (number)
		insert_entry(set, at,
			     flow_begin(flow_tag(hash), number, &m.targets[number], m.tick, &seen));
	return number;
}

static struct flow_packet packet_of(enum step step)
{
	bool tcp = m.kind == KIND_TCP;

	return (struct flow_packet){
		.fresh = tcp && step == STEP_SYN,
		.first = step == STEP_SYN || m.kind == KIND_UDP,
		.closes = tcp && step == STEP_FIN,
	};
}

/* The target of a packet that has read its service and its row. */
static __u16 packet_target(struct row row, __u16 flags, __u64 hash, enum step step)
{
	m.packets++;
	m.moment++;
	return row_tracks(row) ? track_packet(row, flags, hash, packet_of(step))
			       : row.current_target;
}

#endif
