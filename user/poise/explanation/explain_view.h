/* SPDX-License-Identifier: BSD-2-Clause */
/* An explanation in words and as JSON. Pure but for names of interfaces. */
#ifndef POISE_EXPLAIN_VIEW_H
#define POISE_EXPLAIN_VIEW_H

#include <jansson.h>

#include "explain/explain.h"
#include "pinned/offline.h"

struct explain_report {
	const struct explanation *flow;
	const struct names *names;
	const struct target *targets; /* names->target_count of them */
	const json_t *service;        /* what poised says of it; NULL: nothing */
	const char *source, *dest;    /* "203.0.113.5:40000", "192.0.2.10:80/tcp" */
	bool connects; /* its protocol has a packet that certainly begins a flow: SYN, INIT */
	__u64 tick_ms;
};

/* A row in a sentence; the backends are named by their addresses. */
const char *explain_row_text(const struct explain_report *report, char *buf, size_t size);

/* Why a packet, surely a new flow's (fresh) or not, goes where it goes. */
const char *explain_reason(const struct explain_report *report, const struct explain_choice *choice,
			   bool fresh, char *buf, size_t size);

/* "first" is the answer for a SYN or datagram, "others" that for the rest; of UDP both are one.
 * NULL: out of memory. */
json_t *explain_encode(const struct explain_report *report);

void explain_print(const json_t *tree); /* what explain_encode made, for people */

#endif
