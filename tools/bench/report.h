/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures from samples: a table for people, JSON for programs. */
#ifndef POISE_BENCH_REPORT_H
#define POISE_BENCH_REPORT_H

#include "measure.h"

void report_table(const struct measurement *list, size_t count, int rounds);

/* [{"case","mode","family","flows","ns","ns_min","ns_max","floor_ns","encap_floor_ns"}]. 0 or
 * -errno. */
int report_json(const char *path, const struct measurement *list, size_t count, int rounds);

#endif
