/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over the flow table: who has how many flows, which rows are still needed by a flow of
 * somebody else's, and away with what has expired. Works on the table as packets change it; for any
 * thread.
 */
#ifndef POISE_SWEEP_H
#define POISE_SWEEP_H

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

struct sweep_flows {
	/* flows that have not expired; of those that sent FIN or RST only who did so within the
	 * last FLOW_END_TICKS */
	__u32 live;
	__u32 closing; /* the others */
};

struct sweep {
	struct flow_set *sets;
	__u32 set_count;
	__u32 now;  /* tick */
	bool clean; /* expired entries are cleared; else only not counted */
	/*
	 * Of each target its service, as an index into services[], also while it does not serve: it
	 * may again, and then what is left of its entries is followed. NO_SERVICE: its entries hold
	 * no row. SWEEP_CLEAR: its entries are cleared whatever their age (with clean), as are
	 * those of numbers from target_count on; so such a number must not come into use meanwhile.
	 */
	const __u16 *service_of_target;
	/* Of each target: tells when a closing flow was last heard of. */
	const __u16 *closing_ticks;
	__u32 target_count;
	struct sweep_service *services;
	/* filled: added to what is there */
	struct sweep_flows *flows; /* [target_count] */
	__u64 occupied;            /* entries that have not expired */
	__u64 new_flows;           /* of these: FLOW_NEW */
	__u64 cleared;             /* with clean: entries that had expired, or were SWEEP_CLEAR's */
};

#define SWEEP_NO_SERVICE 0xffff
#define SWEEP_CLEAR      0xfffe

/* 0, or -ENOMEM: then nothing has been looked at. */
__attribute__((warn_unused_result)) int sweep_run(struct sweep *sweep);

#endif
