/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets, bytes and flows that passed, per service and backend, and how they are shown. */
#ifndef POISE_STATS_H
#define POISE_STATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "pinned/offline.h"
#include "poise/abi.h"

/* The counters of all targets at one time. */
struct stats_snapshot {
	struct names names;
	struct counter *counters; /* names.target_count of them */
	__u64 time_ns;            /* CLOCK_MONOTONIC */
};

struct stats_backend {
	__u32 target;
	const struct target_name *name;
	struct counter total, delta; /* since counted; between the two reads */
};

struct stats_service {
	const char *name;
	bool replies; /* come back through us: its backends' are counted, too */
	bool sockets; /* mode local: only new flows are counted, shares are of these */
	struct stats_backend *backends;
	size_t backend_count;
	struct counter total, delta; /* sums over the backends */
	__u64 weight;                /* sum over those that may have traffic */
};

struct stats {
	__u64 time_ns;    /* of the last read, CLOCK_MONOTONIC */
	__u64 elapsed_ns; /* between the reads; 0: one read, no rates */
	struct stats_service *services;
	size_t service_count;
};

int stats_snapshot_take(const struct maps *maps, struct stats_snapshot *out); /* 0 or -errno */
void stats_snapshot_free(struct stats_snapshot *snapshot);

/* Fills in all services, or the one of that name (NULL: all). before NULL: totals only. Names stay
 * the snapshot's. 0 or -ENOMEM. */
int stats_fill(const struct stats_snapshot *before, const struct stats_snapshot *after,
	       const char *only, struct stats *out);
void stats_free(struct stats *stats);

/*
 * The shape of GET /v1/stats, and beside it rates ("packets_per_s") and shares, 0 to 1: "share" of
 * all packets (mode local: new flows) so far, "share_now" of those between the reads,
 * "share_wanted" by the weights. Null where there is nothing to have a share of, nobody counts, or
 * there is no interval.
 * NULL: out of memory.
 */
json_t *stats_encode(const struct stats *stats);
int stats_table(const struct stats *stats); /* returns an enum poise_exit */

#endif
