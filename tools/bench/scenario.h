/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scenarios under the names that the kernel's own benchmark of an XDP load balancer gives them
 * (Linux, tools/testing/selftests/bpf/benchs/bench_xdp_lb.c), so that figures can be laid beside
 * those of its Katran-like program. Its LRU connection table is our flow table, which packets on
 * moving rows use, and its consistent hash without the table (ch) is a stable row. Its scenarios
 * with frames that this harness does not make are left out.
 */
#ifndef POISE_BENCH_SCENARIO_H
#define POISE_BENCH_SCENARIO_H

#include "bench/measure.h"

/* Fills the line and the verdict to expect. 0, or -ENOENT if no scenario has that name. */
int scenario_find(const char *name, struct measurement *line, __u32 *verdict);

/* Prints each name with what it measures. */
void scenario_list(void);

#endif
