/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures from samples: a table for people, JSON for programs. */
#ifndef POISE_BENCH_REPORT_H
#define POISE_BENCH_REPORT_H

#include "bench/sweeping.h"

void report_table(const struct measurement *list, size_t count, int rounds);
void report_sweep(const struct sweeping *sweeping, int rounds);

/* [{"case","mode","family","flows","ns","ns_min","ns_max","floor_ns","encap_floor_ns"}],
 * then, unless sweeping is NULL, {"case":"sweep","entries","pass_ms","ns","ns_beside"}. 0 or
 * -errno.
 */
int report_json(const char *path, const struct measurement *list, size_t count,
		const struct sweeping *sweeping, int rounds);

#endif
