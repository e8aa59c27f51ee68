/* SPDX-License-Identifier: BSD-2-Clause */
/* One sweep over the flow table and the NAT table: what it is to look for, and what follows from
 * what it found. */
#ifndef POISE_SWEEP_H
#define POISE_SWEEP_H

#include "publish/local_backends.h"
#include "publish/publish.h"
#include "sweep/nat_sweep.h"
#include "sweep/flow_sweep.h"

struct swept_service {
	struct live_service *service; /* NULL: freed meanwhile */
	struct lb_rows *rows;         /* held */
};

/* A thread of its own reads and fills `flow_table` and `nat_table`, and touches nothing else. */
struct sweep {
	struct flow_sweep flow_table;
	struct nat_sweep nat_table;
	__u8 *dead_services; /* nat's: of each number of a service whether nobody has it */
	struct swept_service *services; /* in the order of sweep.services */
	size_t service_count;
	struct local_sweep local;
	__u32 *assigned; /* of each target, as loads said */
	__u64 began_ns, ended_ns;
	int err; /* of running it: then it found nothing */
};

/* Takes down what packets go by now. 0 or -ENOMEM. */
int sweep_begin(struct model *model, struct sweep *sweep);
void sweep_run(struct sweep *sweep); /* in any thread; fills err */
/* Draws the conclusions of a sweep that found something. */
void sweep_end(struct model *model, struct sweep *sweep);
void sweep_free(struct sweep *sweep); /* also one that did not begin */
/* True if another sweep has something to find. */
bool sweep_wanted(const struct model *model);

#endif
