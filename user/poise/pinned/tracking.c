// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"
#include "poise/nat.h"
#include "rows/row.h"
#include "pinned/tracking.h"

/* The maps that tell of flows, in memory. */
struct table {
	const struct flow_set *sets;
	__u32 set_count;
	const struct target *targets;
	size_t target_count;
	struct flow_clock clock;
	__u32 now;     /* tick */
	__u32 nat_now; /* the NAT table's */
};

static void table_close(struct table *table)
{
	if (table->sets)
		munmap((void *)table->sets, table->set_count * sizeof(*table->sets));
	if (table->targets)
		munmap((void *)table->targets, table->target_count * sizeof(*table->targets));
}

static const struct target *targets_map(const struct maps *maps, size_t count)
{
	void *targets =
		mmap(NULL, count * sizeof(struct target), PROT_READ, MAP_SHARED, maps->targets, 0);

	return targets == MAP_FAILED ? NULL : targets;
}

static int table_open(const struct maps *maps, struct table *out)
{
	struct table table = { .set_count = maps_flow_sets(maps),
			       .target_count = maps_max_targets(maps) };
	struct meta meta;
	int err = meta_read(maps, &meta);

	if (err)
		return err;
	if (!table.set_count || !table.target_count)
		return -EPROTO;
	table.sets = maps_flows_map(maps);
	table.targets = targets_map(maps, table.target_count);
	if (!table.sets || !table.targets) {
		err = errno ? -errno : -ENOMEM;
		table_close(&table);
		return err;
	}
	table.clock = meta.clock;
	table.now = flow_clock_tick(&table.clock, now_ns());
	table.nat_now = nat_clock_tick(&table.clock, now_ns());
	*out = table;
	return 0;
}

/* Sweeps without cleaning up: that is poised's. */
static int table_sweep(const struct table *table, struct tracking *out)
{
	size_t count = table->target_count;
	__u16 *service_of = calloc(count + 1, sizeof(*service_of));
	__u16 *closing = calloc(count + 1, sizeof(*closing));
	struct flow_sweep sweep = { .sets = (struct flow_set *)table->sets,
				    .set_count = table->set_count,
				    .now = table->now,
				    .service_of_target = service_of,
				    .closing_ticks = closing,
				    .target_count = count,
				    .flows = calloc(count + 1, sizeof(*sweep.flows)) };
	int err = service_of && closing && sweep.flows ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !err; i++) {
		service_of[i] = SWEEP_NO_SERVICE;
		closing[i] = table->targets[i].closing_ticks;
	}
	if (!err)
		err = flow_sweep_run(&sweep);
	free(service_of);
	free(closing);
	if (err) {
		free(sweep.flows);
		return err;
	}
	out->flows = sweep.flows;
	out->target_count = count;
	out->size = table->set_count * FLOWS_PER_SET;
	out->occupied = sweep.occupied;
	out->new_flows = sweep.new_flows;
	return 0;
}

int tracking_read(const struct maps *maps, struct tracking *out)
{
	struct tracking tracking = { 0 };
	struct table table = { 0 };
	int err = flow_counters_read(maps, &tracking.counter);

	if (!err)
		err = table_open(maps, &table);
	if (!err)
		err = table_sweep(&table, &tracking);
	if (!err)
		err = tracking_nat_read(maps, table.nat_now, tracking.flows, tracking.target_count,
					&tracking.nat);
	if (err)
		tracking_free(&tracking);
	table_close(&table);
	*out = tracking;
	return err;
}

void tracking_free(struct tracking *tracking)
{
	free(tracking->flows);
	memset(tracking, 0, sizeof(*tracking));
}

void tracking_row(struct row row, struct row_kinds *kinds, struct target_rows *targets,
		  size_t target_count)
{
	if (!row_tracks(row))
		kinds->stable++;
	else if (row_moving(row))
		kinds->moving++;
	else
		kinds->tracked++;
	if (row.current_target < target_count)
		targets[row.current_target].current++;
	if (row_moving(row) && row.previous_target < target_count)
		targets[row.previous_target].previous++;
}

int tracking_rows(const struct maps *maps, __u32 service_number, __u32 row_count,
		  struct row_kinds *kinds, struct target_rows *targets, size_t target_count)
{
	struct row *rows = calloc(row_count + 1, sizeof(*rows));
	int err = rows ? rows_read(maps, service_number, rows, row_count) : -ENOMEM;

	memset(kinds, 0, sizeof(*kinds));
	for (__u32 i = 0; i < row_count && !err; i++)
		tracking_row(rows[i], kinds, targets, target_count);
	free(rows);
	return err;
}

/* An entry of one packet does not tell what it was: a first one, or one of a flow that is older
 * than the entry. While both can be, it is the one heard of later. */
__u32 tracking_silent_ticks(__u64 entry, const struct target *target, __u32 now)
{
	enum flow_state state = flow_entry_state(entry);
	int left = flow_entry_left(entry, now), whole = target->idle_ticks;

	if (flow_entry_closes(entry))
		whole = target->closing_ticks;
	else if (state == FLOW_NEW && left <= target->new_ticks)
		whole = target->new_ticks;
	return whole > left ? whole - left : 0;
}

/* A flow that has ended is soon over, whatever is waited for. */
static bool is_heard(const struct table *table, __u64 entry, __u16 target, __u32 within)
{
	if (!flow_entry_live(entry, table->now) || flow_entry_target(entry) != target)
		return false;
	if (flow_entry_closes(entry) && within > FLOW_END_TICKS)
		within = FLOW_END_TICKS;
	return tracking_silent_ticks(entry, &table->targets[target], table->now) <= within;
}

int tracking_heard(const struct maps *maps, __u16 target, __u64 within_ms, __u64 *out)
{
	struct table table = { 0 };
	__u64 heard = 0;
	__u32 within;
	int err = table_open(maps, &table);

	if (err || target >= table.target_count) {
		table_close(&table);
		return err ? err : -ERANGE;
	}
	within = flow_clock_ticks(&table.clock, within_ms);
	for (__u32 i = 0; i < table.set_count; i++) {
		for (int k = 0; k < FLOWS_PER_SET; k++) {
			const volatile __u64 *entry = &table.sets[i].entries[k];

			heard += is_heard(&table, *entry, target, within);
		}
	}
	err = tracking_nat_heard(maps, table.nat_now, target, &table.targets[target],
				 nat_clock_ticks(&table.clock, within_ms), &heard);
	table_close(&table);
	*out = heard;
	return err;
}
