/* SPDX-License-Identifier: BSD-2-Clause */
/* Flow table, NAT table and rows as they are now, read from the pinned maps; poised is not asked.
 */
#ifndef POISE_TRACKING_H
#define POISE_TRACKING_H

#include <stdbool.h>

#include "maps/maps.h"
#include "sweep/flow_sweep.h"
#include "pinned/tracking_nat.h"

struct tracking {
	struct sweep_tally *flows; /* of each target, in both tables */
	size_t target_count;
	__u32 size; /* of the table, entries */
	__u64 occupied, new_flows;
	struct flow_counter counter;
	struct tracking_nat nat;
};

int tracking_read(const struct maps *maps, struct tracking *out); /* 0 or -errno */
void tracking_free(struct tracking *tracking);                    /* an empty one is fine */

/* How many rows of a service are of each kind. */
struct row_kinds {
	__u32 stable, moving, tracked;
};

/* How many rows give a target their new flows, and of how many it is the previous one. */
struct target_rows {
	__u32 current, previous;
};

/* Counts a service's rows and adds them to their targets'; numbers from target_count on are
 * nobody's. 0 or -errno of rows_read(). */
int tracking_rows(const struct maps *maps, __u32 service_number, __u32 row_count,
		  struct row_kinds *kinds, struct target_rows *targets, size_t target_count);
void tracking_row(struct row row, struct row_kinds *kinds, struct target_rows *targets,
		  size_t target_count);

/* Live flows of a target, in both tables, of which something was heard in the last so many
 * milliseconds. 0 or -errno. */
int tracking_heard(const struct maps *maps, __u16 target, __u64 within_ms, __u64 *out);
/* Ticks since the last packet of an entry that has not expired: never more than it was. */
__u32 tracking_silent_ticks(__u64 entry, const struct target *target, __u32 now);

#endif
