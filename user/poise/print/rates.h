/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic of counters: what passed in between, per second, and whose part it is. */
#ifndef POISE_RATES_H
#define POISE_RATES_H

#include <stdbool.h>

#include "poise/abi.h"

/* The difference between two reads; `after` alone where a counter went down, as then it was
 * zeroed for another backend in between. */
struct counter rates_delta(const struct counter *before, const struct counter *after);

void rates_add(struct counter *sum, const struct counter *more);

/* 0 when no time has passed. */
double rates_per_second(__u64 count, __u64 elapsed_ns);

/* 0.0 to 1.0; -1 of nothing. */
double rates_share(__u64 part, __u64 whole);

/* The weight of a backend in the shares that are wanted: nothing unless its health and what
 * is wanted of it let it have new flows. */
__u32 rates_weight(const struct target_name *name);

#endif
