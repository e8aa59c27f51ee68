/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cost of a packet while another CPU forwards packets, too. The CPUs share the maps, so a store
 * to a line that both use would show here. The empty program says how much of it is the machine's.
 */
#ifndef POISE_BENCH_TOGETHER_H
#define POISE_BENCH_TOGETHER_H

#include "bench/measure.h"

#define TOGETHER_CASES 4

/* Nanoseconds per packet with the harness, on average over the CPUs. */
struct together {
	const char *name;
	double alone[MAX_ROUNDS]; /* one CPU */
	double own[MAX_ROUNDS];   /* two CPUs, each with a flow of its own */
	double same[MAX_ROUNDS];  /* two CPUs with packets of one flow */
};

/*
 * Fills TOGETHER_CASES measurements; the first one is the empty program's. 0 or -errno, after
 * saying on stderr what does not work.
 */
int together_measure(struct measuring *m, struct together *list);

#endif
