/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of one flow table, put into another of another size while packets go on to use the
 * old one, and from a certain moment on the new one.
 */
#ifndef POISE_FLOW_CARRY_H
#define POISE_FLOW_CARRY_H

#include <stdbool.h>

#include "poise/abi.h"

struct flow_carry {
	const struct flow_set *from;
	__u32 from_count; /* sets; a power of two, as is to_count */
	struct flow_set *to;
	__u32 to_count;
	struct flow_set *seen; /* what was carried already: from_count sets, all 0 at first */
	bool switched; /* packets use the new table: what they changed there since is not undone */
	/* counted up */
	__u64 flows; /* that had not expired; a larger table gets several entries of one */
	__u64 lost;  /* of these, for want of room */
};

/*
 * Carries what changed since the last pass; now: tick. An entry does not tell all of its flow's
 * hash. In a smaller table its set is known; where the set is full, who expires first makes room,
 * as when a packet makes an entry (bpf/flow.h). In a larger one it may be in several sets and is
 * put into all of them; those that no packet finds expire.
 */
void flow_carry_run(struct flow_carry *carry, __u32 now);

#endif
