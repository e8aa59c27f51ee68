// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "poise/abi.h"
#include "bench/bench_abi.h" /* the skeleton wants their structs */
#include "gen/bench.skel.h"
#include "bench/measure.h"

/* 10 to 50 ms: in these the clock, the system call and the first cache misses vanish. */
#define LEAST_PACKETS (1U << 19)
#define FLOOR_FLOWS   65536
#define CHECKED_FLOWS 64

static const __u32 flow_counts[FLOW_COUNTS] = { 1, 4096, 65536, 1048576 };

__u32 measured_flows(const struct measurement *line, int flows_index)
{
	bool first = flows_index == 0, last = flows_index == FLOW_COUNTS - 1;

	if (line->only_flows && line->meets != MEETS_FLOOD)
		return line->only_flows == flow_counts[flows_index] ? line->only_flows : 0;
	if (line->meets == MEETS_FLOOD)
		return last ? 1U << FLOW_MAX_BITS : 0;
	if (line->meets == MEETS_BEGIN)
		return last ? flow_counts[flows_index] : 0;
	return line->meets != MEETS_ROOM || first || last ? flow_counts[flows_index] : 0;
}

static const char *verdict_name(__u32 verdict)
{
	static const char *const names[] = { "XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
					     "XDP_REDIRECT" };

	return verdict < ARRAY_SIZE(names) ? names[verdict] : "no XDP action";
}

static int encap_fd(const struct bench_bpf *skel, enum poise_mode mode, int family)
{
	const struct bpf_program *floors[MODE_MAX][2] = {
		[MODE_L2] = { skel->progs.floor_l2_4, skel->progs.floor_l2_6 },
		[MODE_IPIP] = { skel->progs.floor_ipip4, skel->progs.floor_ipip6 },
		[MODE_GUE] = { skel->progs.floor_gue4, skel->progs.floor_gue6 },
	};

	return bpf_program__fd(floors[mode][family == 6]);
}

static int refuse(const struct measurement *line, const char *what)
{
	char to[ENDPOINT_TEXT_SIZE];

	listen_format(&line->kind.to, line->kind.port, line->kind.proto, to);
	fprintf(stderr, "poise-bench: %s packets to %s: %s\n", line->case_name, to, what);
	return -EPROTO;
}

/* The verdict is that of the last packet. */
static int run(struct measuring *m, const struct measurement *line, int fd, __u32 expected,
	       __u32 packets, double *ns)
{
	char text[128];
	__u32 verdict;
	int err = rig_run(&m->rig, fd, packets, ns, &verdict);

	if (err) {
		refuse(line, strerror(-err));
		return err;
	}
	if (verdict == expected)
		return 0;
	snprintf(text, sizeof(text), "the verdict is %s, not %s: nothing to measure",
		 verdict_name(verdict), verdict_name(expected));
	return refuse(line, text);
}

int measure_empty(struct measuring *m, const struct measurement *line, __u32 flows, __u32 packets,
		  double *ns)
{
	int err;

	rig_packets(&m->rig, &line->kind, flows);
	err = rig_check(&m->rig);
	return err ? err
		   : run(m, line, bpf_program__fd(m->rig.skeleton->progs.floor_empty), XDP_TX,
			 packets, ns);
}

static int measure_floors(struct measuring *m, const struct measurement *line,
			  struct sample *sample)
{
	const struct bench_bpf *skel = m->rig.skeleton;
	int empty_fd = bpf_program__fd(skel->progs.floor_empty), err;

	err = measure_empty(m, line, FLOOR_FLOWS, LEAST_PACKETS, &sample->empty);
	m->rig.skeleton->bss->fixed_target = subject_target(line->encap, line->family, 0);
	if (!err)
		err = rig_run_alone(&m->rig, empty_fd, LEAST_PACKETS, &sample->alone);
	if (!err)
		err = run(m, line, encap_fd(skel, line->encap, line->family), XDP_TX, LEAST_PACKETS,
			  &sample->encap);
	return err;
}

/* Looks at the verdict of some packets one by one, before time is spent on measuring. */
static int check_verdicts(struct measuring *m, const struct measurement *line)
{
	double ns;
	int err = 0;

	for (int i = 0; i < CHECKED_FLOWS && !err; i++)
		err = run(m, line, m->program_fd, m->verdict, 1, &ns);
	return err;
}

/* Counters of poise_lb that tell whether packets went the way that is measured. */
struct went {
	__u64 forwarded, tracked;
};

static int went_so_far(const struct measuring *m, struct went *went)
{
	int err = subject_forwarded(m->subject, &went->forwarded);

	return err ? err : subject_tracked(m->subject, &went->tracked);
}

static int went_as_meant(const struct measuring *m, const struct measurement *line,
			 const struct went *before, const struct went *after, __u32 packets)
{
	__u64 forwarded = after->forwarded - before->forwarded;
	__u64 tracked = after->tracked - before->tracked;
	__u64 inserts = line->meets == MEETS_ROOM ? packets : 0;
	__u64 expected = m->verdict == XDP_PASS ? 0 : packets;
	char text[128];

	/* Some sets overflow with a million flows, though the table has room for four million. */
	if (line->meets == MEETS_FLOOD && subject_flows(m->subject))
		return refuse(line, "stable rows left entries in the flow table");
	if (forwarded == expected && tracked >= inserts && tracked <= inserts + packets / 1000)
		return 0;
	snprintf(text, sizeof(text),
		 "%llu of %u were forwarded, %llu flows entered: nothing to "
		 "measure",
		 (unsigned long long)forwarded, packets, (unsigned long long)tracked);
	return refuse(line, text);
}

/* Readies the flow table and the harness for a kind of packet. */
static int prepare(struct measuring *m, const struct measurement *line, __u32 flows)
{
	double ns;
	int err;

	rig_forget(&m->rig, -1);
	rig_packets(&m->rig, &line->kind, flows);
	if (m->subject)
		subject_forget_flows(m->subject);
	if (line->meets == MEETS_REPLY)
		subject_enter_replies(m->subject, line->family, flows);
	err = check_verdicts(m, line);
	if (!err && line->meets == MEETS_BEGIN)
		subject_forget_flows(m->subject);
	if (!err && (line->meets == MEETS_ENTRY || line->meets == MEETS_NAT))
		return run(m, line, m->program_fd, m->verdict, flows, &ns);
	if (line->meets == MEETS_ROOM && flows == 1)
		rig_forget(&m->rig, subject_first_set(m->subject));
	else if (line->meets == MEETS_ROOM)
		subject_forget_flows(m->subject);
	return err;
}

int measure_program(struct measuring *m, const struct measurement *line, __u32 flows, __u32 packets,
		    double *ns)
{
	struct went before = { 0 }, after = { 0 };
	int err = prepare(m, line, flows);

	if (!err && m->subject)
		err = went_so_far(m, &before);
	if (!err)
		err = run(m, line, m->program_fd, m->verdict, packets, ns);
	if (err || !m->subject)
		return err;
	err = went_so_far(m, &after);
	return err ? err : went_as_meant(m, line, &before, &after, packets);
}

/*
 * The harness has more to do with one flow that is forgotten before each packet, and so have its
 * floors.
 */
static int measure(struct measuring *m, const struct measurement *line, struct sample *sample)
{
	int err = 0;

	if (line->meets == MEETS_ROOM)
		rig_forget(&m->rig, 0);
	err = measure_floors(m, line, sample);
	for (int i = 0; i < FLOW_COUNTS && !err; i++) {
		__u32 flows = measured_flows(line, i);

		if (flows)
			err = measure_program(m, line, flows,
					      flows > LEAST_PACKETS ? flows : LEAST_PACKETS,
					      &sample->program[i]);
	}
	rig_forget(&m->rig, -1);
	return err;
}

int measure_all(struct measuring *m)
{
	bool show = isatty(STDERR_FILENO);
	int err = 0;

	for (int round = 0; round < m->rounds && !err; round++) {
		for (size_t i = 0; i < m->count && !err; i++) {
			if (show)
				fprintf(stderr, "\rround %d of %d, %zu of %zu ", round + 1,
					m->rounds, i + 1, m->count);
			err = measure(m, &m->list[i], &m->list[i].samples[round]);
		}
	}
	if (show)
		fprintf(stderr, "\r\033[K");
	return err;
}
