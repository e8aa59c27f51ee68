// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "sweep/flow_sweep.h"
#include "bench/cpu.h"
#include "bench/sweeping.h"

#define ENTRIES      (1U << 24)
#define SETS         (ENTRIES / FLOWS_PER_SET)
#define SET_BYTES    (SETS * sizeof(struct flow_set))
#define TARGETS      101 /* number 0 is not used */
#define TICKS        200
#define PACKETS      (1U << 20)
#define PACKET_FLOWS 65536

/* A service with a hundred backends that has filled the table; all of its rows are to be judged. */
struct full {
	struct flow_set *sets;
	struct row *rows;
	__u8 *held;
	__u16 service_of_target[TARGETS], closing_ticks[TARGETS];
	struct sweep_tally flows[TARGETS];
	bool stop; /* the thread */
};

static __u64 next_random(__u64 *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return flow_hash_mix(*state);
}

static void fill(struct full *full)
{
	__u64 state = 1;

	for (__u32 i = 0; i < POISE_DEFAULT_ROWS; i++)
		full->rows[i] = (struct row){ .current_target = 1 + i % (TARGETS - 1),
					      .previous_target = ROW_TRACKED };
	for (__u32 i = 0; i < ENTRIES; i++) {
		__u64 random = next_random(&state);

		full->sets[i / FLOWS_PER_SET].entries[i % FLOWS_PER_SET] =
			flow_entry(flow_tag(random), 1 + random % (TARGETS - 1), TICKS,
				   random % 100 ? FLOW_ESTABLISHED : FLOW_CLOSING);
	}
	for (int i = 0; i < TARGETS; i++)
		full->closing_ticks[i] = TICKS;
}

static int full_open(struct full *full)
{
	memset(full, 0, sizeof(*full));
	full->sets =
		mmap(NULL, SET_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	full->rows = calloc(POISE_DEFAULT_ROWS, sizeof(*full->rows));
	full->held = malloc(POISE_DEFAULT_ROWS);
	if (full->sets == MAP_FAILED || !full->rows || !full->held)
		return -ENOMEM;
	fill(full);
	return 0;
}

static void full_close(struct full *full)
{
	if (full->sets != MAP_FAILED)
		munmap(full->sets, SET_BYTES);
	free(full->rows);
	free(full->held);
}

static int pass(struct full *full)
{
	struct sweep_service service = { .rows = full->rows,
					 .row_count = POISE_DEFAULT_ROWS,
					 .held = full->held };
	struct flow_sweep sweep = { .sets = full->sets,
				    .set_count = SETS,
				    .clean = true,
				    .service_of_target = full->service_of_target,
				    .closing_ticks = full->closing_ticks,
				    .target_count = TARGETS,
				    .services = &service,
				    .flows = full->flows };
	int err;

	memset(full->flows, 0, sizeof(full->flows));
	memset(full->held, 0, POISE_DEFAULT_ROWS);
	err = flow_sweep_run(&sweep);
	return !err && sweep.occupied != ENTRIES ? -EPROTO : err;
}

/* CPU time: what else ran meanwhile is no part of a pass. */
static int pass_timed(struct full *full, double *ms)
{
	struct timespec start, end;
	int err;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	err = pass(full);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	*ms = (end.tv_sec - start.tv_sec) * 1e3 + (end.tv_nsec - start.tv_nsec) / 1e6;
	return err;
}

/* Away from the CPU that packets are measured on. Returns NULL or what went wrong. */
static void *sweep_on(void *arg)
{
	struct full *full = arg;

	if (cpu_leave())
		return (void *)"there is no second CPU";
	while (!__atomic_load_n(&full->stop, __ATOMIC_RELAXED))
		if (pass(full))
			return (void *)"a pass counts wrong";
	return NULL;
}

static int packets_timed(struct measuring *m, double *ns)
{
	return rig_run_tx(&m->rig, m->program_fd, PACKETS, ns);
}

static int packets_beside(struct measuring *m, struct full *full, double *ns)
{
	pthread_t thread;
	void *trouble;
	int err = -pthread_create(&thread, NULL, sweep_on, full);

	if (err)
		return err;
	err = packets_timed(m, ns);
	__atomic_store_n(&full->stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, &trouble);
	full->stop = false;
	if (trouble)
		fprintf(stderr, "poise-bench: sweep: %s\n", (char *)trouble);
	return trouble ? -EINVAL : err;
}

int sweeping_measure(struct measuring *m, struct sweeping *out)
{
	struct frame_kind kind = { .proto = IPPROTO_TCP };
	struct full full;
	int err = full_open(&full);

	out->entries = ENTRIES;
	subject_service(MODE_IPIP, 4, ROWS_MOVING, &kind.to, &kind.port);
	rig_forget(&m->rig, -1);
	rig_packets(&m->rig, &kind, PACKET_FLOWS);
	for (int i = 0; i < m->rounds && !err; i++) {
		err = pass_timed(&full, &out->pass_ms[i]);
		if (!err)
			err = packets_timed(m, &out->quiet_ns[i]);
		if (!err)
			err = packets_beside(m, &full, &out->beside_ns[i]);
	}
	if (err)
		fprintf(stderr, "poise-bench: sweep: %s\n", strerror(-err));
	full_close(&full);
	return err;
}
