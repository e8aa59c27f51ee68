// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb on two CPUs at once, in the same few sets of the flow table: no flow is forgotten. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lb/flow_case.h"

#define THREADS     2
#define SETS        8
#define ROUNDS      400
#define CROWD       4000 /* flows of a thread for the same sets, all at once */
#define FRAME_BYTES 128

/* A flow's packets are made before, so that threads meet where the program writes. */
struct prepared {
	struct flow flow;
	struct {
		__u8 bytes[FRAME_BYTES];
		size_t length;
	} syn, ack;
	char to; /* where its SYN went */
};

struct worker {
	pthread_t thread;
	struct lb_maps *lb;
	int cpu;
	struct prepared *flows;
	unsigned int count, acks;
	unsigned int wrong;
	bool check; /* that every ACK goes where the SYN went */
};

static atomic_uint waiting;

static void prepare(struct prepared *out, const struct flow *flow)
{
	static struct pkt p;

	out->flow = *flow;
	pkt_clear(&p);
	flow_packet_in(&p, flow, SYN);
	out->syn.length = p.length;
	memcpy(out->syn.bytes, p.bytes, p.length);
	pkt_clear(&p);
	flow_packet_in(&p, flow, ACK);
	out->ack.length = p.length;
	memcpy(out->ack.bytes, p.bytes, p.length);
}

/* The backend; l2: the last byte of the MAC. '?': anything else. */
static char deliver(const struct lb_maps *lb, const struct flow *flow, const __u8 *bytes,
		    size_t length)
{
	__u8 out[2 * FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = length,
		    .data_out = out, .data_size_out = sizeof(out));
	int err = bpf_prog_test_run_opts(lb->harness.program_fd, &opts);

	if (err || opts.retval != XDP_TX)
		return '?';
	return 'A' + (out[5] - flow_target(flow, 'A'));
}

static void *work(void *arg)
{
	struct worker *w = arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(w->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	atomic_fetch_sub(&waiting, 1);
	while (atomic_load(&waiting))
		;
	for (unsigned int i = 0; i < w->count; i++) {
		struct prepared *p = &w->flows[i];

		p->to = deliver(w->lb, &p->flow, p->syn.bytes, p->syn.length);
		w->wrong += p->to != 'B' && p->to != 'C';
	}
	for (unsigned int k = 0; k < w->acks; k++)
		for (unsigned int i = 0; i < w->count; i++) {
			struct prepared *p = &w->flows[i];
			char to = deliver(w->lb, &p->flow, p->ack.bytes, p->ack.length);

			w->wrong += w->check ? to != p->to : to != p->to && to != 'A';
		}
	return NULL;
}

/* Runs the workers at the same time; meanwhile, with `moving`, its rows' current changes. */
static unsigned int run(struct worker *workers, const struct flow *moving)
{
	unsigned int wrong = 0;

	atomic_store(&waiting, THREADS);
	for (int i = 0; i < THREADS; i++) {
		int err = pthread_create(&workers[i].thread, NULL, work, &workers[i]);

		if (err) {
			fprintf(stderr, "pthread_create: %s\n", strerror(err));
			exit(EXIT_FAILURE);
		}
	}
	for (int i = 0; moving && i < 20; i++) {
		flow_set_rows(moving, i % 2 ? "BA" : "CA");
		sched_yield();
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		wrong += workers[i].wrong;
	}
	return wrong;
}

/* Flows for one thread after another, each for the next of SETS sets. */
static void choose_flows(const struct lb_maps *lb, struct prepared *flows, unsigned int per_thread)
{
	struct flow flow = { 6, IPPROTO_TCP, false, 1, 0 };

	for (unsigned int i = 0; i < per_thread; i++)
		for (int thread = 0; thread < THREADS; thread++) {
			do {
				if (!++flow.source_port)
					flow.client++;
			} while (flow_set(lb, &flow) != &lb->flows[i % SETS]);
			prepare(&flows[thread * per_thread + i], &flow);
		}
}

static unsigned int occupied(const struct lb_maps *lb)
{
	unsigned int count = 0;

	for (__u32 i = 0; i < lb->flow_sets; i++)
		for (int k = 0; k < FLOWS_PER_SET; k++)
			count += !!lb->flows[i].entries[k];
	return count;
}

static void set_workers(struct lb_maps *lb, struct worker *workers, struct prepared *flows,
			unsigned int per_thread, unsigned int acks, bool check)
{
	memset(lb->flows, 0, lb->flow_sets * sizeof(*lb->flows));
	flow_counted(lb);
	for (int i = 0; i < THREADS; i++)
		workers[i] = (struct worker){ .lb = lb,
					      .cpu = i,
					      .flows = flows + i * per_thread,
					      .count = per_thread,
					      .acks = acks,
					      .check = check };
}

/* How many flows have no entry, or not the one that they have to have. */
static unsigned int forgotten(const struct lb_maps *lb, const struct prepared *flows,
			      unsigned int count)
{
	unsigned int missing = 0;

	for (unsigned int i = 0; i < count; i++) {
		const __u64 *entry = flow_find(lb, &flows[i].flow);

		missing += !entry ||
			   flow_entry_target(*entry) != flow_target(&flows[i].flow, flows[i].to) ||
			   flow_entry_left(*entry, lb_maps_now(lb)) <= FLOW_NEW_TICKS;
	}
	return missing;
}

/*
 * Sets are exactly full in the end: each flow has its entry, and goes where it went. Where a CPU
 * may be stopped at any time, as in a virtual machine, the other can take the room three times
 * over: that is said, and must be rare.
 */
static void test_room_for_all(struct lb_maps *lb, bool moving)
{
	const unsigned int total = SETS * FLOWS_PER_SET, per_thread = total / THREADS;
	struct worker workers[THREADS];
	struct prepared *flows = calloc(total, sizeof(*flows));
	unsigned int wrong = 0, missing = 0, miscounted = 0, unlucky = 0;

	if (!flows)
		exit(EXIT_FAILURE);
	choose_flows(lb, flows, per_thread);
	flow_set_rows(&flows[0].flow, "BA");
	for (int round = 0; round < ROUNDS; round++) {
		struct flow_counter rose;
		unsigned int went_wrong;

		set_workers(lb, workers, flows, per_thread, 3, true);
		went_wrong = run(workers, moving ? &flows[0].flow : NULL);
		rose = flow_counted(lb);
		if (rose.lost) {
			unlucky++;
			continue;
		}
		wrong += went_wrong;
		missing += forgotten(lb, flows, total);
		miscounted += rose.tracked != total || rose.evicted;
	}
	harness_ok(&lb->harness, !wrong && !missing && !miscounted && unlucky <= ROUNDS / 100,
		   "%d times %u flows in as much room%s: none is forgotten", ROUNDS, total,
		   moving ? ", while rows change" : "");
	printf("# packets gone wrong %u, flows without their entry %u, rounds miscounted %u, with an "
	       "entry lost %u\n",
	       wrong, missing, miscounted, unlucky);
	free(flows);
}

/* True if an entry belongs to a flow and names a backend that the flow may have been given. */
static bool is_known(const struct lb_maps *lb, __u32 set, __u64 entry, const struct prepared *flows,
		     unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct flow *flow = &flows[i].flow;

		if (flow_entry_tag(entry) == flow_tag(flow_hash(lb, flow)) &&
		    flow_set(lb, flow) == &lb->flows[set])
			return flow_entry_target(entry) == flow_target(flow, flows[i].to) ||
			       flow_entry_target(entry) == flow_target(flow, 'A');
	}
	return false;
}

/* Many times more flows than room: the counters tell exactly what became of entries. */
static void test_crowd(struct lb_maps *lb, bool moving)
{
	struct worker workers[THREADS];
	struct prepared *flows = calloc(THREADS * CROWD, sizeof(*flows));
	unsigned int wrong, unknown = 0, there;
	struct flow_counter rose;

	if (!flows)
		exit(EXIT_FAILURE);
	choose_flows(lb, flows, CROWD);
	flow_set_rows(&flows[0].flow, "BA");
	set_workers(lb, workers, flows, CROWD, 2, false);
	wrong = run(workers, moving ? &flows[0].flow : NULL);
	rose = flow_counted(lb);
	there = occupied(lb);
	for (__u32 i = 0; i < lb->flow_sets; i++)
		for (int k = 0; k < FLOWS_PER_SET; k++)
			if (lb->flows[i].entries[k])
				unknown += !is_known(lb, i, lb->flows[i].entries[k], flows,
						     THREADS * CROWD);
	if (!harness_ok(&lb->harness,
			!wrong && !unknown && there == SETS * FLOWS_PER_SET &&
				rose.tracked - rose.evicted == there &&
				rose.tracked + rose.lost >= THREADS * CROWD,
			"%u flows in the room of %u%s: what was made and not evicted is there",
			THREADS * CROWD, SETS * FLOWS_PER_SET, moving ? ", while rows change" : ""))
		printf("#   wrong %u, unknown %u, there %u\n", wrong, unknown, there);
	printf("# made %llu, evicted %llu, lost %llu\n", (unsigned long long)rose.tracked,
	       (unsigned long long)rose.evicted, (unsigned long long)rose.lost);
	free(flows);
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (sysconf(_SC_NPROCESSORS_ONLN) < THREADS) {
		printf("1..0 # SKIP one CPU only\n");
		return EXIT_SUCCESS;
	}
	if (flow_case_open(&lb, POISE_MIN_FLOWS))
		return EXIT_FAILURE;
	test_room_for_all(&lb, false);
	test_room_for_all(&lb, true);
	test_crowd(&lb, false);
	test_crowd(&lb, true);
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
