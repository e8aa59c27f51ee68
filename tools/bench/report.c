// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/report.h"

struct figures {
	double ns, ns_min, ns_max, floor_ns, encap_floor_ns, loop_ns;
};

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts in place. */
static double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static struct figures figures_of(const struct measurement *line, int flows_index, int rounds)
{
	double ns[MAX_ROUNDS], alone[MAX_ROUNDS], encap[MAX_ROUNDS], loop[MAX_ROUNDS];
	struct figures f;

	for (int i = 0; i < rounds; i++) {
		const struct sample *s = &line->samples[i];

		loop[i] = s->program[flows_index];
		ns[i] = s->alone + loop[i] - s->empty;
		encap[i] = s->alone + s->encap - s->empty;
		alone[i] = s->alone;
	}
	f.ns = median(ns, rounds);
	f.ns_min = ns[0];
	f.ns_max = ns[rounds - 1];
	f.floor_ns = median(alone, rounds);
	f.encap_floor_ns = median(encap, rounds);
	f.loop_ns = median(loop, rounds);
	return f;
}

/* True for a line that the lines after it are compared with. */
static bool is_reference(const struct measurement *line)
{
	return (line->meets == MEETS_ROW || line->meets == MEETS_NAT) && !line->kind.syn;
}

void report_table(const struct measurement *list, size_t count, int rounds)
{
	double one_flow_ns = 0;

	printf("%-6s %-4s %6s %8s %7s %7s %7s %7s %7s %7s %7s %7s\n", "case", "mode", "family",
	       "flows", "ns", "min", "max", "floor", "encap", "/encap", "/1 flow", "loop");
	for (size_t i = 0; i < count * FLOW_COUNTS; i++) {
		const struct measurement *line = &list[i / FLOW_COUNTS];
		__u32 flows = measured_flows(line, i % FLOW_COUNTS);
		struct figures f = figures_of(line, i % FLOW_COUNTS, rounds);

		if (!flows)
			continue;
		/* All are compared with known flows of stable rows, which are listed before them.
		 */
		if (!one_flow_ns || (i % FLOW_COUNTS == 0 && is_reference(line)))
			one_flow_ns = f.ns;
		printf("%-6s %-4s %6d %8u %7.1f %7.1f %7.1f %7.1f %7.1f %7.2f %7.2f %7.1f\n",
		       line->case_name, line->mode, line->family, flows, f.ns, f.ns_min, f.ns_max,
		       f.floor_ns, f.encap_floor_ns, f.ns / f.encap_floor_ns, f.ns / one_flow_ns,
		       f.loop_ns);
	}
	puts("floor: an empty XDP_TX; encap: a fixed encapsulation without look-ups; loop: as "
	     "measured, with the\nharness that restores the packet, which is subtracted from all "
	     "others");
}

struct together_figures {
	double alone, own, same;
};

static struct together_figures together_figures_of(const struct together *together, int rounds)
{
	struct together copy = *together;

	return (struct together_figures){ .alone = median(copy.alone, rounds),
					  .own = median(copy.own, rounds),
					  .same = median(copy.same, rounds) };
}

void report_together(const struct together *list, int rounds)
{
	puts("two CPUs at once, IPv4, with the harness: ns per packet, and beside one CPU alone");
	printf("%-18s %7s %9s %7s %9s %7s\n", "", "1 CPU", "own flow", "", "same flow", "");
	for (int i = 0; i < TOGETHER_CASES; i++) {
		struct together_figures f = together_figures_of(&list[i], rounds);

		printf("%-18s %7.1f %9.1f %7.2f %9.1f %7.2f\n", list[i].name, f.alone, f.own,
		       f.own / f.alone, f.same, f.same / f.alone);
	}
}

struct sweep_figures {
	double pass_ms, quiet_ns, beside_ns;
};

static struct sweep_figures sweep_figures_of(const struct sweeping *sweeping, int rounds)
{
	struct sweeping copy = *sweeping;

	return (struct sweep_figures){ .pass_ms = median(copy.pass_ms, rounds),
				       .quiet_ns = median(copy.quiet_ns, rounds),
				       .beside_ns = median(copy.beside_ns, rounds) };
}

void report_sweep(const struct sweeping *sweeping, int rounds)
{
	struct sweep_figures f = sweep_figures_of(sweeping, rounds);

	printf("sweep of a full flow table, %u entries: %.1f ms. A packet that hits an entry "
	       "(65536 flows,\nwith the harness): %.1f ns, and %.1f ns while passes follow each other "
	       "on another CPU\n",
	       sweeping->entries, f.pass_ms, f.quiet_ns, f.beside_ns);
}

static json_t *hundredths(double value)
{
	return json_real((double)(long)(value * 100 + (value < 0 ? -0.5 : 0.5)) / 100);
}

static json_t *describe(const struct measurement *line, int flows_index, int rounds)
{
	struct figures f = figures_of(line, flows_index, rounds);

	return json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "case", line->case_name,
			 "mode", line->mode, "family", line->family, "flows",
			 (int)measured_flows(line, flows_index), "ns", hundredths(f.ns), "ns_min",
			 hundredths(f.ns_min), "ns_max", hundredths(f.ns_max), "floor_ns",
			 hundredths(f.floor_ns), "encap_floor_ns", hundredths(f.encap_floor_ns));
}

static json_t *describe_sweep(const struct sweeping *sweeping, int rounds)
{
	struct sweep_figures f = sweep_figures_of(sweeping, rounds);

	return json_pack("{s:s, s:I, s:o, s:o, s:o}", "case", "sweep", "entries",
			 (json_int_t)sweeping->entries, "pass_ms", hundredths(f.pass_ms), "ns",
			 hundredths(f.quiet_ns), "ns_beside", hundredths(f.beside_ns));
}

static json_t *describe_together(const struct together *together, int rounds)
{
	struct together_figures f = together_figures_of(together, rounds);

	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "case", "two CPUs", "packets", together->name,
			 "ns", hundredths(f.alone), "ns_own_flow", hundredths(f.own),
			 "ns_same_flow", hundredths(f.same));
}

int report_json(const char *path, const struct measurement *list, size_t count,
		const struct together *together, const struct sweeping *sweeping, int rounds)
{
	json_t *all = json_array();
	int err = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < count * FLOW_COUNTS && !err; i++) {
		json_t *item;

		if (!measured_flows(&list[i / FLOW_COUNTS], i % FLOW_COUNTS))
			continue;
		item = describe(&list[i / FLOW_COUNTS], i % FLOW_COUNTS, rounds);

		if (!item || json_array_append_new(all, item))
			err = -ENOMEM;
	}
	for (int i = 0; i < TOGETHER_CASES && together && !err; i++)
		if (json_array_append_new(all, describe_together(&together[i], rounds)))
			err = -ENOMEM;
	if (!err && sweeping && json_array_append_new(all, describe_sweep(sweeping, rounds)))
		err = -ENOMEM;
	errno = EIO;
	if (!err && json_dump_file(all, path, JSON_INDENT(2) | JSON_REAL_PRECISION(8)))
		err = -errno;
	json_decref(all);
	return err;
}
