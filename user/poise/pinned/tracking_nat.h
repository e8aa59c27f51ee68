/* SPDX-License-Identifier: BSD-2-Clause */
/* The NAT table as it is now, read from the pinned maps. */
#ifndef POISE_TRACKING_NAT_H
#define POISE_TRACKING_NAT_H

#include "maps/maps.h"
#include "sweep/flow_sweep.h"

struct tracking_nat {
	__u32 size; /* flows; 0: there is no table */
	__u64 flows, new_flows, closing;
	struct nat_counter counter;
};

/* Adds what each target has to flows[]. now: nat_clock_tick(). No table is fine. 0 or -errno. */
int tracking_nat_read(const struct maps *maps, __u32 now, struct sweep_tally *flows,
		      __u32 target_count, struct tracking_nat *out);

/* Adds live flows of a target, whose number that is, which were heard of in the last so many ticks.
 * No table is fine. 0 or -errno. */
int tracking_nat_heard(const struct maps *maps, __u32 now, __u16 number,
		       const struct target *target, __u32 within, __u64 *heard);
/* Is this the word of a live flow that was heard of so lately? A flow that has ended is soon over,
 * whatever is waited for. Pure. */
bool tracking_nat_is_heard(__u64 word, const struct target *target, __u32 now, __u32 within);

#endif
