/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures from samples: a table for people, JSON for programs. */
#ifndef POISE_BENCH_REPORT_H
#define POISE_BENCH_REPORT_H

#include "bench/sweeping.h"
#include "bench/together.h"

void report_table(const struct measurement *list, size_t count, int rounds);
void report_together(const struct together *list, int rounds);
void report_sweep(const struct sweeping *sweeping, int rounds);

/*
 * Writes [{"case","mode","family","flows","ns","ns_min","ns_max","floor_ns","encap_floor_ns"}],
 * then, unless it is NULL, for each of together {"case":"two CPUs","packets","ns","ns_own_flow",
 * "ns_same_flow"}, then, unless it is NULL, {"case":"sweep","entries","pass_ms","ns","ns_beside"}.
 * 0 or -errno.
 */
int report_json(const char *path, const struct measurement *list, size_t count,
		const struct together *together, const struct sweeping *sweeping, int rounds);

#endif
