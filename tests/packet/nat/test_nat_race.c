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

#include "base/array.h"
#include "nat/nat_packet.h"

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
	struct frame syn, ack, reply;
};

struct worker {
	pthread_t thread;
	int program_fd, cpu;
	const struct prepared *flows;
	unsigned int first, count, step, acks;
	unsigned int forwarded; /* of the first packets */
	unsigned int astray;    /* replies that went to somebody else */
	bool replies;           /* sends the flows' replies over and over, until the others end */
};

static atomic_uint waiting, working;

static void prepare_frame(struct frame *out, struct nat_flow *flow, bool reply, __u8 tcp)
{
	const struct nat_packet packet = { .flow = flow, .reply = reply, .tcp = tcp };
	static struct pkt p;

	pkt_clear(&p);
	nat_packet_in(&p, &packet);
	out->length = p.length;
	memcpy(out->bytes, p.bytes, p.length);
}

static struct prepared *prepare(unsigned int count, int version, unsigned int service)
{
	struct prepared *flows = calloc(count, sizeof(*flows));

	if (!flows)
		exit(EXIT_FAILURE);
	for (unsigned int i = 0; i < count; i++) {
		flows[i].flow =
			(struct nat_flow){ version,          IPPROTO_TCP, service, 1 + i / 50000,
					   1024 + i % 50000, 'A',         0,       0 };
		prepare_frame(&flows[i].syn, &flows[i].flow, false, SYN);
		prepare_frame(&flows[i].ack, &flows[i].flow, false, ACK);
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

/* Compares the end of a frame that a client sent with the end of one that goes to a client. */
static bool is_same_client(const struct frame *sent, const __u8 *out, int version)
{
	const size_t source = version == 4 ? 26 : 22, bytes = version == 4 ? 4 : 16;
	const size_t ports = version == 4 ? 34 : 54;

	return !memcmp(sent->bytes + source, out + source + bytes, bytes) &&
	       !memcmp(sent->bytes + ports, out + ports + 2, 2);
}

static void deliver_replies(struct worker *w)
{
	while (atomic_load(&working) > 1)
		for (unsigned int i = 0; i < w->count; i++) {
			const struct prepared *p = &w->flows[i];
			__u8 out[2 * FRAME_BYTES];
			LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->reply.bytes,
				    .data_size_in = p->reply.length, .data_out = out,
				    .data_size_out = sizeof(out));

			if (!bpf_prog_test_run_opts(w->program_fd, &opts) && opts.retval == XDP_TX)
				w->astray += !is_same_client(&p->ack, out, p->flow.version);
		}
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
	if (w->replies) {
		deliver_replies(w);
		return NULL;
	}
	for (unsigned int i = 0; i < w->count; i++) {
		const struct prepared *p = &w->flows[w->first + i * w->step];

		w->forwarded += deliver(w->program_fd, &p->syn);
		for (unsigned int k = 0; k < w->acks; k++)
			deliver(w->program_fd, &p->ack);
	}
	atomic_fetch_sub(&working, 1);
	return NULL;
}

/* First packets that were forwarded. */
static unsigned int run_workers(const struct lb_maps *lb, struct worker *workers)
{
	unsigned int forwarded = 0;

	atomic_store(&waiting, THREADS);
	atomic_store(&working, THREADS);
	for (int i = 0; i < THREADS; i++) {
		workers[i].program_fd = lb->harness.program_fd;
		workers[i].cpu = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			exit(EXIT_FAILURE);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		forwarded += workers[i].forwarded;
	}
	return forwarded;
}

/* Each of the workers takes its share of the flows, or, `same`, all of them. */
static unsigned int run(const struct lb_maps *lb, const struct prepared *flows, unsigned int count,
			unsigned int acks, bool same)
{
	struct worker workers[THREADS];

	for (int i = 0; i < THREADS; i++)
		workers[i] = (struct worker){ .flows = flows,
					      .first = same ? 0 : i,
					      .count = same ? count : count / THREADS,
					      .step = same ? 1 : THREADS,
					      .acks = acks };
	return run_workers(lb, workers);
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
	struct prepared *flows = prepare(count, version, BY_NAT);
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
	struct prepared *flows = prepare(count, version, BY_NAT);
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

/* ---- both sides of flows at once */

static const struct end {
	const char *name;
	__u8 client, backend;
	__u32 shown; /* flags */
} ends[] = {
	{ "the client's RST beside the backend's data", RST, ACK, NAT_RESET },
	{ "the backend's RST beside the client's data", ACK, RST, NAT_RESET },
	{ "FIN from both sides", FIN, FIN, NAT_FIN_CLIENT | NAT_FIN_BACKEND },
};

/* A packet of each side, side 0 being the client's. */
static struct prepared *prepare_side(const struct prepared *flows, unsigned int count,
				     const struct end *end, bool backend)
{
	struct prepared *side = calloc(count, sizeof(*side));

	if (!side)
		exit(EXIT_FAILURE);
	for (unsigned int i = 0; i < count; i++) {
		side[i].flow = flows[i].flow;
		prepare_frame(&side[i].syn, &side[i].flow, backend,
			      backend ? end->backend : end->client);
	}
	return side;
}

/* True if both words hold what either packet has shown, and expire soon. */
static bool is_noted(const struct lb_maps *lb, const struct nat_flow *flow, __u32 shown)
{
	const __u64 words[] = { *nat_find(lb, flow).word, *nat_find_reply(lb, flow).word };
	__u32 now = lb_maps_nat_now(lb);

	for (int i = 0; i < 2; i++)
		if ((nat_word_flags(words[i]) & NAT_SEEN) != (NAT_REPLIED | NAT_ASSURED | shown) ||
		    nat_word_left(words[i], now) > NAT_CLOSING_TICKS)
			return false;
	return true;
}

static void test_both_sides(struct lb_maps *lb, int version, const struct end *end)
{
	const unsigned int count = 400;
	struct prepared *flows = prepare(count, version, BY_NAT), *sides[THREADS];
	unsigned int bad = 0;

	nat_clear(lb);
	for (unsigned int i = 0; i < count; i++)
		bad += !nat_establish(lb, &flows[i].flow) || !nat_learn(lb, &flows[i].flow);
	for (int i = 0; i < THREADS; i++)
		sides[i] = prepare_side(flows, count, end, i);
	for (int round = 0; round < ROUNDS && !bad; round++) {
		struct worker workers[THREADS];

		for (unsigned int i = 0; i < count; i++)
			nat_set_words(lb, &flows[i].flow, NAT_IDLE_TICKS / 2,
				      NAT_REPLIED | NAT_ASSURED);
		for (int i = 0; i < THREADS; i++)
			workers[i] =
				(struct worker){ .flows = sides[i], .count = count, .step = 1 };
		run_workers(lb, workers);
		for (unsigned int i = 0; i < count; i++)
			bad += !is_noted(lb, &flows[i].flow, end->shown);
	}
	harness_ok(&lb->harness, !bad, "IPv%d: %s: %d times %u flows, both entries say so", version,
		   end->name, ROUNDS, count);
	if (bad)
		printf("# %u do not\n", bad);
	for (int i = 0; i < THREADS; i++)
		free(sides[i]);
	free(flows);
}

/*
 * Replies of a few flows while these are evicted by others, which have other backends, so that no
 * reply is one of theirs: each goes to its own client or to nobody.
 */
static void test_replies(struct lb_maps *lb, int version)
{
	const unsigned int few = 8, count = 4000;
	struct prepared *flows = prepare(few, version, BY_NAT);
	struct prepared *others = prepare(count, version, BY_NAT_SOURCES);
	unsigned int astray = 0, evicted = 0;

	for (unsigned int i = 0; i < NAT_ROWS; i++)
		nat_set_row(BY_NAT_SOURCES, i, i % 3 == 0 ? "A0" : i % 3 == 1 ? "B0" : "C0");
	for (int round = 0; round < ROUNDS; round++) {
		struct worker workers[THREADS] = {
			{ .flows = flows, .count = few, .replies = true },
			{ .flows = others, .count = count, .step = 1 },
		};

		nat_clear(lb);
		for (unsigned int i = 0; i < few; i++) {
			deliver(lb->harness.program_fd, &flows[i].syn);
			nat_learn(lb, &flows[i].flow);
			prepare_frame(&flows[i].reply, &flows[i].flow, true, ACK);
		}
		run_workers(lb, workers);
		astray += workers[0].astray;
		for (unsigned int i = 0; i < few; i++)
			evicted += !nat_find(lb, &flows[i].flow).word;
	}
	harness_ok(&lb->harness, !astray && evicted > ROUNDS,
		   "IPv%d: replies of flows that are evicted go to their clients or to nobody",
		   version);
	printf("# astray %u, evicted %u\n", astray, evicted);
	free(flows);
	free(others);
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
		test_replies(&lb, version);
		for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
			test_both_sides(&lb, version, &ends[i]);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
