/* SPDX-License-Identifier: BSD-2-Clause */
/* One pass over the flow table and the NAT table: what it is to look for, and what follows from
 * what it found. */
#ifndef POISE_PASS_H
#define POISE_PASS_H

#include "locals.h"
#include "model.h"
#include "nat_sweep.h"
#include "sweep.h"

/* Rows are stored without waiting for packets that have read them: give these time. */
#define IN_FLIGHT_NS (100ULL * 1000000)

struct pass_service {
	struct run_service *run; /* NULL: freed meanwhile */
	struct lb_rows *rows;    /* held */
};

/* What a thread of its own reads and fills is in `sweep` and `nat`; it touches nothing else. */
struct pass {
	struct sweep sweep;
	struct nat_sweep nat;
	__u8 *dead_services; /* nat's: of each number of a service whether nobody has it */
	struct pass_service *services; /* in the order of sweep.services */
	size_t service_count;
	struct locals_pass locals;
	__u32 *assigned; /* of each target, as loads said */
	__u64 began_ns, ended_ns;
	int err; /* of running it: then it found nothing */
};

/* Takes down what packets go by now. 0 or -ENOMEM. */
int pass_begin(struct reconcile *rec, struct pass *pass);
void pass_run(struct pass *pass); /* in any thread; fills err */
/* Draws the conclusions of a pass that found something. */
void pass_end(struct reconcile *rec, struct pass *pass);
void pass_free(struct pass *pass); /* also one that did not begin */
/* Whether another pass has something to find. */
bool pass_wanted(const struct reconcile *rec);

#endif
