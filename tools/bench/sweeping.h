/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's pass over the largest flow table that is likely, 16M entries (128 MB): how long it
 * takes, full, and what packets cost on another CPU while passes follow each other without a pause,
 * beside what they cost without.
 */
#ifndef POISE_BENCH_SWEEPING_H
#define POISE_BENCH_SWEEPING_H

#include "bench/measure.h"

struct sweeping {
	__u32 entries;
	double pass_ms[MAX_ROUNDS];
	double quiet_ns[MAX_ROUNDS];  /* of a packet that hits an entry */
	double beside_ns[MAX_ROUNDS]; /* the same, while the table is swept */
};

/* 0 or -errno, after saying on stderr what does not work. */
int sweeping_measure(struct measuring *m, struct sweeping *out);

#endif
