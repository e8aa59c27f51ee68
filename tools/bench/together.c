// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "poise/abi.h"
#include "bench/bench_abi.h" /* the skeleton wants their structs */
#include "gen/bench.skel.h"
#include "bench/cpu.h"
#include "bench/together.h"

#define PACKETS                                                                                    \
	(1U << 20) /* 30 to 100 ms, so that the CPUs begin and end at about the same time          \
		    */

static const struct {
	const char *name;
	enum poise_mode mode;
	enum subject_rows rows;
} cases[TOGETHER_CASES] = { { "empty program", MODE_L2, ROWS_STABLE },
			    { "ipip, stable row", MODE_IPIP, ROWS_STABLE },
			    { "ipip, moving row", MODE_IPIP, ROWS_MOVING },
			    { "nat, known flow", MODE_NAT, ROWS_STABLE } };

struct run {
	struct rig *rig;
	int program_fd;
	pthread_barrier_t *start;
	double ns;
	int err;
};

static void run_packets(struct run *run)
{
	pthread_barrier_wait(run->start);
	if (!run->err)
		run->err = rig_run_tx(run->rig, run->program_fd, PACKETS, &run->ns);
}

static void *run_elsewhere(void *arg)
{
	struct run *run = arg;

	run->err = cpu_leave();
	run_packets(run);
	return NULL;
}

/* Runs packets on this CPU and on another one at the same time. */
static int run_both(struct measuring *m, struct rig *second, int program_fd, double *ns)
{
	pthread_barrier_t start;
	struct run here = { .rig = &m->rig, .program_fd = program_fd, .start = &start };
	struct run there = { .rig = second, .program_fd = program_fd, .start = &start };
	pthread_t thread;
	int err = -pthread_barrier_init(&start, NULL, 2);

	if (err)
		return err;
	err = -pthread_create(&thread, NULL, run_elsewhere, &there);
	if (!err) {
		run_packets(&here);
		pthread_join(thread, NULL);
		*ns = (here.ns + there.ns) / 2;
		err = here.err ? here.err : there.err;
	}
	pthread_barrier_destroy(&start);
	return err;
}

static int measure_case(struct measuring *m, struct rig *second, int number, struct together *out,
			int round)
{
	int program_fd =
		number ? m->program_fd : bpf_program__fd(m->rig.skeleton->progs.floor_empty);
	struct frame_kind kind = { .proto = IPPROTO_TCP }, other;
	int err;

	subject_service(cases[number].mode, 4, cases[number].rows, &kind.to, &kind.port);
	other = kind;
	other.client = 1;
	rig_packets(&m->rig, &kind, 1);
	rig_packets(second, &kind, 1);
	subject_forget_flows(m->subject);
	err = rig_run_tx(&m->rig, program_fd, PACKETS, &out->alone[round]);
	if (!err)
		err = run_both(m, second, program_fd, &out->same[round]);
	rig_packets(second, &other, 1);
	return err ? err : run_both(m, second, program_fd, &out->own[round]);
}

int together_measure(struct measuring *m, struct together *list)
{
	struct rig second;
	int err = rig_open(&second, m->program_fd, subject_flows_fd(m->subject));

	if (err)
		return err;
	rig_forget(&m->rig, -1);
	for (int round = 0; round < m->rounds && !err; round++) {
		for (int i = 0; i < TOGETHER_CASES && !err; i++) {
			list[i].name = cases[i].name;
			err = measure_case(m, &second, i, &list[i], round);
		}
	}
	if (err)
		fprintf(stderr, "poise-bench: two CPUs at once: %s\n", strerror(-err));
	rig_close(&second);
	return err;
}
