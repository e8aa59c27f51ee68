/* SPDX-License-Identifier: BSD-2-Clause */
/* When a backend that drains is empty. Pure: drain.c asks, and waits. */
#ifndef POISE_DRAIN_JUDGE_H
#define POISE_DRAIN_JUDGE_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>

#include "base/addr.h"

#define DRAIN_FOREVER (~0ULL) /* as a time: no limit */

/* The state of a backend that was told to drain, as poised tells it. */
struct drain_seen {
	bool there;  /* configured, or leaving: else nobody can have connections with it */
	bool undone; /* somebody wants something else of it by now */
	char state[16];
	__u16 target;
	bool counted;        /* flows: by a sweep that began after the drain */
	__u64 flows;         /* tracked and alive */
	__u64 silent;        /* of these, not heard of for as long as we are to wait for such */
	__u64 previous_rows; /* whose silent connections may be its */
	bool sockets;        /* flows: of mode local, of which nobody knows when they were heard */
	__u64 settle_ms;     /* after which these are taken for gone; 0: not known */
};

enum drain_verdict {
	DRAIN_WAIT,
	DRAIN_DONE,
	DRAIN_SILENT, /* but for connections that were silent for as long as we are to wait */
	DRAIN_UNDONE,
	DRAIN_TIMEOUT,
};

/* id: what was typed, which becomes the backend's own id where it named it by its address alone. */
void drain_name(const json_t *service, char id[ENDPOINT_TEXT_SIZE]);

/* From GET /v1/services/NAME, asked elapsed_ms after the drain. */
void drain_read(const json_t *service, const char *id, __u64 elapsed_ms, struct drain_seen *out);

/* silent_ms, timeout_ms: DRAIN_FOREVER where there is no such limit. */
enum drain_verdict drain_judge(const struct drain_seen *seen, __u64 elapsed_ms, __u64 silent_ms,
			       __u64 timeout_ms);

/* The sentence that ends the waiting, for DRAIN_DONE and DRAIN_SILENT. silent_text: the time, in
 * words. */
const char *drain_words(enum drain_verdict verdict, const struct drain_seen *seen,
			const char *silent_text, char *buf, size_t size);

#endif
