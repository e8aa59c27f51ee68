// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb on two CPUs at once, services by nat: no port is given twice, no flow is half there. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "nat_packet.h"

#define THREADS     2
#define ROUNDS      60
#define PORTS       509 /* so few that they are fought for */
#define FLOWS       (1U << 10)
#define FRAME_BYTES 128

struct frame {
	__u8 bytes[FRAME_BYTES];
	size_t length;
};

/* A flow's packets are made before, so that threads meet where the program writes. */
struct prepared {
	struct nat_flow flow;
	struct frame syn, ack;
};

struct worker {
	pthread_t thread;
	int program_fd, cpu;
	const struct prepared *flows;
	unsigned int first, count, step, acks;
	unsigned int forwarded; /* of the first packets */
};

static atomic_uint waiting;

static void prepare_frame(struct frame *out, struct nat_flow *flow, __u8 tcp)
{
	const struct nat_packet packet = { .flow = flow, .tcp = tcp };
	static struct pkt p;

	pkt_clear(&p);
	nat_packet_in(&p, &packet);
	out->length = p.length;
	memcpy(out->bytes, p.bytes, p.length);
}

static struct prepared *prepare(unsigned int count, int version)
{
	struct prepared *flows = calloc(count, sizeof(*flows));

	if (!flows)
		exit(EXIT_FAILURE);
	for (unsigned int i = 0; i < count; i++) {
		flows[i].flow =
			(struct nat_flow){ version,          IPPROTO_TCP, BY_NAT, 1 + i / 50000,
					   1024 + i % 50000, 'A',         0,      0 };
		prepare_frame(&flows[i].syn, &flows[i].flow, SYN);
		prepare_frame(&flows[i].ack, &flows[i].flow, ACK);
	}
	return flows;
}

static bool deliver(int program_fd, const struct frame *frame)
{
	__u8 out[2 * FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->length,
		    .data_out = out, .data_size_out = sizeof(out));

	return !bpf_prog_test_run_opts(program_fd, &opts) && opts.retval == XDP_TX;
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
		const struct prepared *p = &w->flows[w->first + i * w->step];

		w->forwarded += deliver(w->program_fd, &p->syn);
		for (unsigned int k = 0; k < w->acks; k++)
			deliver(w->program_fd, &p->ack);
	}
	return NULL;
}

/* Each of the workers takes its share of the flows, or, `same`, all of them. First packets that
 * were forwarded. */
static unsigned int run(const struct lb_maps *lb, const struct prepared *flows, unsigned int count,
			unsigned int acks, bool same)
{
	struct worker workers[THREADS];
	unsigned int forwarded = 0;

	atomic_store(&waiting, THREADS);
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .program_fd = lb->harness.program_fd,
					      .cpu = i,
					      .flows = flows,
					      .first = same ? 0 : i,
					      .count = same ? count : count / THREADS,
					      .step = same ? 1 : THREADS,
					      .acks = acks };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			exit(EXIT_FAILURE);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		forwarded += workers[i].forwarded;
	}
	return forwarded;
}

/* Flows that are not there although their clients, who got no answer, have sent SYN again. */
static unsigned int missing(const struct lb_maps *lb, const struct prepared *flows,
			    unsigned int count)
{
	unsigned int none = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (!nat_find(lb, &flows[i].flow).word)
			deliver(lb->harness.program_fd, &flows[i].syn);
		none += !nat_find(lb, &flows[i].flow).word;
	}
	return none;
}

static void say_drops(struct lb_maps *lb)
{
	__u64 drops[DROP_MAX] = { 0 };

	lb->harness.read_drops(lb->harness.ctx, drops, DROP_MAX);
	for (unsigned int i = 0; i < DROP_MAX; i++)
		if (drops[i])
			printf("# dropped as %s since the start: %llu\n", lb->harness.drop_name(i),
			       (unsigned long long)drops[i]);
}

/* There is room, and there are ports, for all. */
static void test_all_get_one(struct lb_maps *lb, int version, bool same)
{
	const unsigned int count = 400, packets = same ? THREADS * count : count;
	struct prepared *flows = prepare(count, version);
	unsigned int dropped = 0, none = 0, miscounted = 0, bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		const char *wrong;
		unsigned int found;

		nat_clear(lb);
		nat_counted(lb);
		dropped += packets - run(lb, flows, count, 1, same);
		none += missing(lb, flows, count);
		wrong = nat_table_wrong(lb, &found);
		bad += wrong || found != count;
		if ((wrong || found != count) && bad < 5)
			printf("#   %u flows: %s\n", found, wrong ? wrong : "");
		miscounted += nat_counted(lb).made != found;
	}
	/* A CPU may be stopped at any time, as in a virtual machine: the other one does not wait
	 * for long. */
	harness_ok(&lb->harness, dropped <= packets * ROUNDS / 100 && !none && !bad && !miscounted,
		   "IPv%d: %d times %u flows, %s: each has a port of its own", version, ROUNDS,
		   count, same ? "each begun on both CPUs at once" : "half of them on each CPU");
	printf("# packets dropped %u, flows missing %u, tables wrong %u, miscounted %u\n", dropped,
	       none, bad, miscounted);
	say_drops(lb);
	free(flows);
}

/* Many more than there is room or ports for: whatever is there in the end is whole. */
static void test_crowd(struct lb_maps *lb, int version)
{
	const unsigned int count = 8000;
	struct prepared *flows = prepare(count, version);
	struct nat_counter rose;
	unsigned int bad = 0, found = 0;

	for (unsigned int i = 0; i < NAT_ROWS; i++)
		nat_set_row(BY_NAT, i, i % 3 == 0 ? "A0" : i % 3 == 1 ? "B0" : "C0");
	for (int round = 0; round < 10; round++) {
		const char *wrong;

		nat_clear(lb);
		run(lb, flows, count, 0, false);
		wrong = nat_table_wrong(lb, &found);
		if (wrong)
			printf("#   %u flows: %s\n", found, wrong);
		bad += !!wrong;
	}
	nat_set_rows(BY_NAT, "A0");
	rose = nat_counted(lb);
	harness_ok(&lb->harness, !bad && found,
		   "IPv%d: %u flows that crowd each other out: those "
		   "that are there are whole",
		   version, count);
	printf("# made %llu, evicted %llu, reused %llu; there %u\n", (unsigned long long)rose.made,
	       (unsigned long long)rose.evicted, (unsigned long long)rose.reused, found);
	free(flows);
}

int main(void)
{
	const struct lb_maps_size size = { .nat_flows = FLOWS,
					   .nat_port_first = NAT_PORT_FIRST,
					   .nat_port_count = PORTS };
	struct lb_maps lb;
	int status;

	if (sysconf(_SC_NPROCESSORS_ONLN) < THREADS) {
		printf("1..0 # SKIP one CPU only\n");
		return EXIT_SUCCESS;
	}
	if (nat_fixture_open(&lb, &size))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		test_all_get_one(&lb, version, false);
		test_all_get_one(&lb, version, true);
		test_crowd(&lb, version);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
