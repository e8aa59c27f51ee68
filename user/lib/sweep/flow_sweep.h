/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over the flow table: who has how many flows, which rows are still needed by a flow of
 * somebody else's, and away with what has expired. Works on the table as packets change it; for any
 * thread.
 */
#ifndef POISE_FLOW_SWEEP_H
#define POISE_FLOW_SWEEP_H

#include <stdbool.h>

#include "poise/flow.h"

/* A service whose rows are to be judged. */
struct sweep_service {
	const struct row *rows; /* as packets see them */
	__u32 row_count;
	/*
	 * Filled, one byte per row, 0 before: 1 where a live entry's target is not the row's
	 * current one. Of a row that changed while the pass was under way it tells nothing. NULL:
	 * not asked for.
	 */
	__u8 *held;
};

struct sweep_tally {
	/* flows that have not expired; of those that sent FIN or RST only who did so within the
	 * last FLOW_END_TICKS */
	__u32 live;
	__u32 closing; /* the others */
};

struct flow_sweep {
	struct flow_set *sets;
	__u32 set_count;
	__u32 now;  /* tick */
	bool clean; /* expired entries are cleared; else only not counted */
	/*
	 * [target_count]: the service of each target, as an index into services[]. A target that
	 * does not serve has one, too: it may serve again, and its entries are followed then.
	 * SWEEP_NO_SERVICE: its entries hold no row. SWEEP_CLEAR: its entries are cleared whatever
	 * their age (with clean), as are those of numbers from target_count on; so such a number
	 * must not come into use meanwhile.
	 */
	const __u16 *service_of_target;
	/* [target_count]: the life of its closing flows, which tells when one was last heard of. */
	const __u16 *closing_ticks;
	__u32 target_count;
	struct sweep_service *services;
	/* filled: added to what is there */
	struct sweep_tally *flows; /* [target_count] */
	__u64 occupied;            /* entries that have not expired */
	__u64 new_flows;           /* of these: FLOW_NEW */
	__u64 cleared;             /* with clean: entries that had expired, or were SWEEP_CLEAR's */
};

#define SWEEP_NO_SERVICE 0xffff
#define SWEEP_CLEAR      0xfffe

/* 0, or -ENOMEM: then nothing has been looked at. */
__attribute__((warn_unused_result)) int flow_sweep_run(struct flow_sweep *sweep);

#endif
