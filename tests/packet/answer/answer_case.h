/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet that the balancer answers by itself, and the answer, byte by byte. */
#ifndef POISE_TESTS_ANSWER_CASE_H
#define POISE_TESTS_ANSWER_CASE_H

#include "harness/answered.h"
#include "lb/lb_case.h"

/* The answer that has to come back. */
struct answer_want {
	bool reset;
	__u32 seq, ack; /* of the RST; ack 0: it has no ACK */
	struct answered error;
};

struct answer_case {
	struct lb_case packet;
	struct answer_want want;
	enum drop_reason drop;
};

/* Runs the packet: it is dropped for the reason, and the answer goes back. */
void answer_case_run(struct harness *h, const struct answer_case *c);

#endif
