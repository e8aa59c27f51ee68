// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "bench/insn.h"
#include "bench/keep.h"
#include "bench/measure.h"
#include "bench/nat.h"
#include "poise/guard.h"
#include "poise/hash.h"

#include "gen/lb.skel.h" /* needs the types above */

#define FLOWS     1024 /* as many packets: each flow's own path through the tables counts once */
#define TRIES     4    /* a timer's interrupt may fall into some of them, not into all */
#define TOLERANCE 3    /* % */

/* Packets to no service go to this port. */
#define PORT_UNKNOWN 9

/* Small tables: an emulated processor fills them. They are as empty as large ones. */
static const struct subject_size size = { .flows = 1U << 16, .nat_flows = 1U << 15, .rows = 251 };

struct insn_case {
	const char *kind;
	enum poise_mode mode; /* MODE_NONE: the packets are to no service */
	enum meets meets;
	__u8 proto;
	bool syn, reply;
};

static const struct insn_case cases[] = {
	{ "known", MODE_L2, MEETS_ROW, IPPROTO_TCP },
	{ "known", MODE_IPIP, MEETS_ROW, IPPROTO_TCP },
	{ "known", MODE_GUE, MEETS_ROW, IPPROTO_TCP },
	{ "known", MODE_NAT, MEETS_NAT, IPPROTO_TCP },
	{ "known", MODE_NAT_KEEP, MEETS_ROW, IPPROTO_TCP },
	{ "new", MODE_L2, MEETS_ROW, IPPROTO_TCP, .syn = true },
	{ "new", MODE_IPIP, MEETS_ROW, IPPROTO_TCP, .syn = true },
	{ "new", MODE_GUE, MEETS_ROW, IPPROTO_TCP, .syn = true },
	{ "new", MODE_NAT, MEETS_BEGIN, IPPROTO_TCP, .syn = true },
	{ "new", MODE_NAT_KEEP, MEETS_ROW, IPPROTO_TCP, .syn = true },
	{ "reply", MODE_NAT, MEETS_REPLY, IPPROTO_TCP, .reply = true },
	{ "reply", MODE_NAT_KEEP, MEETS_ROW, IPPROTO_TCP, .reply = true },
	{ "tracked", MODE_IPIP, MEETS_ENTRY, IPPROTO_TCP },
	{ "tracked-new", MODE_IPIP, MEETS_ROOM, IPPROTO_TCP, .syn = true },
	{ "udp", MODE_IPIP, MEETS_ENTRY, IPPROTO_UDP },
	{ "udp", MODE_NAT, MEETS_NAT, IPPROTO_UDP },
	{ "other", MODE_NONE, MEETS_ROW, IPPROTO_TCP },
};

static const char *const words[MODE_MAX] = {
	[MODE_NONE] = "pass", [MODE_L2] = "l2",   [MODE_IPIP] = "ipip",
	[MODE_GUE] = "gue",   [MODE_NAT] = "nat", [MODE_NAT_KEEP] = "keep"
};

struct insn_run {
	struct measuring measuring;
	struct subject subject;
	const char *budget;
	char compiler[32];
	int number, failed;
};

/* ---- the packets */

static void case_to(const struct insn_case *c, int family, struct frame_kind *kind)
{
	enum subject_rows rows =
		c->meets == MEETS_ENTRY || c->meets == MEETS_ROOM ? ROWS_MOVING : ROWS_STABLE;

	if (c->reply && c->mode == MODE_NAT) {
		nat_source_addr(family, &kind->to);
	} else if (c->reply) {
		keep_client_addr(family, &kind->to);
	} else {
		subject_service(c->mode ? c->mode : MODE_L2, family, rows, &kind->to, &kind->port);
		if (!c->mode)
			kind->port = PORT_UNKNOWN;
		return;
	}
	kind->port = NAT_PORT;
}

static struct measurement case_line(const struct insn_case *c, int family)
{
	struct measurement line = { .case_name = c->kind,
				    .meets = c->meets,
				    .mode = words[c->mode],
				    .family = family,
				    .kind = {
					    .proto = c->proto, .syn = c->syn, .reply = c->reply } };

	case_to(c, family, &line.kind);
	return line;
}

static __u32 case_verdict(const struct insn_case *c)
{
	if (!c->mode)
		return XDP_PASS;
	return c->reply && c->mode == MODE_NAT_KEEP ? XDP_REDIRECT : XDP_TX;
}

/* ---- counting */

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* True if this machine's clock counts instructions: so many of them take so many nanoseconds. */
static bool clock_counts(void)
{
	const long turns = 4000000; /* of two instructions */
	double begin = now_ns(), took;
	long left = turns;

	__asm__ volatile("1: sub $1, %0; jnz 1b" : "+r"(left));
	took = now_ns() - begin;
	return took > 1.99 * turns && took < 2.05 * turns;
}

static int count(struct measuring *m, const struct measurement *line, double *out)
{
	double least = 0, least_empty = 0, ns;
	int err = 0;

	for (int i = 0; i < TRIES && !err; i++) {
		err = measure_empty(m, line, FLOWS, FLOWS, &ns);
		if (!i || ns < least_empty)
			least_empty = ns;
		if (!err)
			err = measure_program(m, line, FLOWS, FLOWS, &ns);
		if (!i || ns < least)
			least = ns;
	}
	*out = least - least_empty;
	return err;
}

/* ---- the table of budgets: "KIND MODE FAMILY INSTRUCTIONS...", a column for each compiler */

static const char *const compilers[] = { "clang-14", "clang-19" };

/* Writes "clang-14" for a program that clang 14 has compiled, as its object tells. */
static void find_compiler(char *text, size_t room)
{
	static const char before[] = "clang version ";
	size_t bytes;
	const char *object = lb_bpf__elf_bytes(&bytes);
	const char *at = memmem(object, bytes, before, sizeof(before) - 1);

	snprintf(text, room, "clang-%d", at ? atoi(at + sizeof(before) - 1) : 0);
}

/* Returns what the table allows; 0: the compiler has no column; -1: there is no row. */
static int find_budget(const struct insn_run *run, const struct measurement *line)
{
	char text[256], kind[32], mode[16];
	int family, columns[ARRAY_SIZE(compilers)], allowed = -1;
	FILE *file = fopen(run->budget, "re");

	while (file && fgets(text, sizeof(text), file)) {
		if (sscanf(text, "%31s %15s %d %d %d", kind, mode, &family, &columns[0],
			   &columns[1]) != 5 ||
		    strcmp(kind, line->case_name) || strcmp(mode, line->mode) ||
		    family != line->family)
			continue;
		allowed = 0;
		for (size_t i = 0; i < ARRAY_SIZE(compilers); i++)
			if (!strcmp(compilers[i], run->compiler))
				allowed = columns[i];
	}
	if (file)
		fclose(file);
	return allowed;
}

static void judge(struct insn_run *run, const struct measurement *line, double found)
{
	int allowed = find_budget(run, line), instructions = (int)(found + 0.5);
	double over = allowed > 0 ? 100.0 * (instructions - allowed) / allowed : 0;
	bool good = allowed >= 0 && over <= TOLERANCE;

	run->failed += !good;
	printf("%sok %d - %s %s IPv%d: %d instructions, ", good ? "" : "not ", ++run->number,
	       line->case_name, line->mode, line->family, instructions);
	if (allowed < 0)
		printf("%s has no row for it\n", run->budget);
	else if (!allowed)
		printf("not compared # SKIP %s has no column for %s\n", run->budget, run->compiler);
	else
		printf("budget %d (%+.1f %%)\n", allowed, over);
	if (over > TOLERANCE)
		printf("# at most %d %% over the row is allowed: make the path cheaper, or say in "
		       "the commit why it is worth that, and change the row of %s\n",
		       TOLERANCE, run->budget);
	else if (over < -TOLERANCE)
		printf("# the row of %s may be lowered to %d\n", run->budget, instructions);
}

static int run_cases(struct insn_run *run)
{
	struct measuring *m = &run->measuring;
	double found;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases) && !err; i++) {
		for (int family = 4; family <= 6 && !err; family += 2) {
			struct measurement line = case_line(&cases[i], family);

			m->verdict = case_verdict(&cases[i]);
			err = count(m, &line, &found);
			if (!err)
				judge(run, &line, found);
		}
	}
	return err;
}

int insn_run(const char *budget)
{
	struct insn_run run = { .budget = budget };
	unsigned int clients;
	int err;

	if (!clock_counts()) {
		printf("1..0 # SKIP this machine's clock does not count instructions: "
		       "tools/bench-insn starts one whose clock does\n");
		return 0;
	}
	find_compiler(run.compiler, sizeof(run.compiler));
	err = keep_net_open(&clients);
	if (!err)
		err = subject_open(&run.subject, &size);
	if (err)
		return 1;
	run.measuring.subject = &run.subject;
	run.measuring.program_fd = run.subject.program_fd;
	err = keep_way_out(run.subject.skeleton, clients);
	if (!err)
		err = rig_open(&run.measuring.rig, run.subject.program_fd,
			       subject_flows_fd(&run.subject));
	if (!err) {
		err = run_cases(&run);
		rig_close(&run.measuring.rig);
	}
	subject_close(&run.subject);
	printf("1..%d\n", run.number);
	return err || run.failed;
}
