/* SPDX-License-Identifier: BSD-2-Clause */
/* Making one check: what the checker and the kinds of checks say to each other. */
#ifndef POISE_PROBE_H
#define POISE_PROBE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/addr.h"

#define PROBE_REASON_SIZE 80

struct prober;
struct uv_loop_s;

/* Checks are made with a prober: the loop, and libcurl's multi interface on it. 0 or -errno. */
int prober_open(struct uv_loop_s *loop, struct prober **out);
void prober_close(struct prober *prober); /* NULL is fine; nothing may be in flight */

struct probe_result {
	bool passed;
	bool timed_out;
	int local_error; /* not 0: this host's trouble, a negative errno; nothing was learned */
	char reason[PROBE_REASON_SIZE]; /* "connection refused", "HTTP 503" */
};

/* One check. All but `state` is set by the checker before it starts the check. */
struct probe {
	struct prober *prober;
	struct uv_loop_s *loop; /* for kinds that libcurl does not serve */
	const json_t *value;    /* the kind's, from the configuration */
	struct addr addr;
	__u16 port; /* host order */
	__u32 timeout_ms;
	void (*done)(struct probe *probe, const struct probe_result *result);
	void *state; /* the kind's; NULL: nothing is in flight */
};

/* Ends a check from the loop: nothing is in flight any more, done() is told and may start again. */
static inline void probe_end(struct probe *probe, const struct probe_result *result)
{
	probe->state = NULL;
	probe->done(probe, result);
}

#endif
