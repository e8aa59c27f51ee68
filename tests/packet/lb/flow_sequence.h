/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of a flow one after the other: verdict, bytes and counters of each, and what the flow
 * table has of the flow afterwards. */
#ifndef POISE_TESTS_FLOW_SEQUENCE_H
#define POISE_TESTS_FLOW_SEQUENCE_H

#include "lb/flow_case.h"

#define MADE       1U  /* flow_counters.tracked goes up */
#define BEGUN      2U  /* counter.new_flows goes up */
#define OTHER_PORT 4U  /* of the same client */
#define AGED       8U  /* the entry expires before the packet comes */
#define LATE       16U /* LATE_TICKS go by before it */

#define LATE_TICKS (FLOW_END_TICKS + 1)

struct flow_step {
	const char *row; /* when the packet comes */
	enum flow_act act;
	char to;    /* 0: dropped, nobody has new flows; an error passes */
	char entry; /* whose afterwards; 0: none */
	enum flow_state state;
	__u16 ticks; /* left to the entry */
	unsigned int what;
	const char *lost; /* as for flow_lose() */
};

#define FLOW_STEPS 10

struct flow_sequence {
	const char *name;
	struct flow_step steps[FLOW_STEPS];
};

/* Runs each over an empty flow table, IPv4 and IPv6. */
void flow_run(struct lb_maps *lb, __u8 proto, bool by_client, const struct flow_sequence *sequences,
	      size_t count);

#endif
