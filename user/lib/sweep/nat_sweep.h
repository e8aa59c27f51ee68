/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over the NAT table: who has how many flows, and away with what has expired. Works on the
 * table as packets change it; for any thread.
 */
#ifndef POISE_NAT_SWEEP_H
#define POISE_NAT_SWEEP_H

#include "poise/nat.h"
#include "sweep/flow_sweep.h"

/*
 * A flow is counted once, by its client's side. The packet path's clock and `now` may differ by a
 * tick: what has expired by less than NAT_SWEEP_TICKS is taken for alive.
 */
#define NAT_SWEEP_TICKS 2

struct nat_sweep {
	struct nat_set *sets; /* NULL with set_count 0: there is no table */
	__u32 set_count;
	__u32 now;  /* nat_clock_tick(): its ticks have more bits than those of sweep.h */
	bool clean; /* what has expired is cleared; else only not counted */
	/*
	 * As struct flow_sweep's, of which only this matters: SWEEP_CLEAR, and any target from
	 * target_count on, means that its flows are cleared whatever their age (with clean), or
	 * else not counted; so such a number must not come into use meanwhile.
	 */
	const __u16 *service_of_target;
	__u32 target_count;
	/* [number of a service]: if it is not 0, the service's flows are treated as those of a
	 * target with SWEEP_CLEAR. It may become 0 meanwhile. NULL: no service is dead. */
	const __u8 *dead_services;
	/* filled: added to what is there, so that `flows` may be the array that struct flow_sweep
	 * has */
	struct sweep_tally *flows; /* [target_count]; closing: of flows that have ended */
	/* [POISE_MAX_NAT_SOURCES]: 1 where a flow has it, live or closing. NULL: not asked for */
	__u8 *sources_used;
	__u64 live;      /* flows that have not ended: the sum of `flows` */
	__u64 closing;   /* flows that have ended (nat_ended) and are still remembered */
	__u64 new_flows; /* of `live`: not established: whose client has not gone on after a reply
			  */
	__u64 occupied;  /* words in use after the pass: two to a flow */
	__u64 cleared;   /* words set free */
};

void nat_sweep_run(struct nat_sweep *sweep);

#endif
