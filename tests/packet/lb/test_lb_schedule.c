// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb and services whose new flows are given out by a scheduler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "lb/flow_case.h"
#include "harness/random.h"

#define RANDOM_FLOWS 30000
#define LOADED_FLOWS 20000

static void clear(struct lb_maps *lb)
{
	memset(lb->flows, 0, lb->flow_sets * sizeof(*lb->flows));
	flow_counted(lb);
}

/* Another client or port each time. */
static void next_flow(struct flow *flow)
{
	if (!++flow->source_port || flow->by_client)
		flow->client++;
}

/* Rows in shares of the whole, in any order, all tracked. */
static void mix_rows(const struct flow *flow, unsigned int a, unsigned int b, unsigned int c)
{
	struct row *rows = flow_rows(flow);

	for (int i = 0; i < FLOW_ROWS; i++) {
		unsigned int at = below(a + b + c);

		rows[i] = (struct row){ flow_target(flow, at < a       ? 'A'
							  : at < a + b ? 'B'
								       : 'C'),
					ROW_TRACKED };
	}
}

static const char *describe(const struct flow *flow)
{
	static char text[64];

	snprintf(text, sizeof(text), "IPv%d %s%s", flow->version,
		 flow->proto == IPPROTO_TCP ? "TCP" : "UDP", flow->by_client ? " by client" : "");
	return text;
}

/* Rows are walked from the first, one for each new flow and none for any other packet. */
static void test_roundrobin(struct lb_maps *lb, struct flow flow)
{
	enum flow_act first = flow.proto == IPPROTO_TCP ? SYN : DATAGRAM;
	enum flow_act other = flow.proto == IPPROTO_TCP ? ACK : DATAGRAM;
	const unsigned int count = flow.by_client ? 200 : 3 * FLOW_ROWS;
	unsigned int wrong = 0;

	clear(lb);
	flow_set_scheduler(lb, &flow, SCHEDULER_ROUNDROBIN);
	mix_rows(&flow, 3, 2, 1);
	for (unsigned int i = 0; i < count; i++, next_flow(&flow)) {
		__u16 target = flow_rows(&flow)[i % FLOW_ROWS].current_target;
		char to = 'A' + (target - flow_target(&flow, 'A'));

		wrong += flow_send(lb, &flow, first) != to;
		wrong += flow_send(lb, &flow, first) != to;
		wrong += flow_send(lb, &flow, other) != to;
	}
	harness_ok(&lb->harness, !wrong && flow_counted(lb).tracked == count,
		   "%s: roundrobin takes row after row", describe(&flow));
}

static void test_random(struct lb_maps *lb, struct flow flow)
{
	enum flow_act first = flow.proto == IPPROTO_TCP ? SYN : DATAGRAM;
	unsigned int got[FLOW_BACKENDS + 1] = { 0 }, rows[FLOW_BACKENDS] = { 0 };
	bool good = true;

	clear(lb);
	flow_set_scheduler(lb, &flow, SCHEDULER_RANDOM);
	mix_rows(&flow, 5, 3, 0);
	for (int i = 0; i < FLOW_ROWS; i++)
		rows[flow_rows(&flow)[i].current_target - flow_target(&flow, 'A')]++;
	for (int i = 0; i < RANDOM_FLOWS; i++, next_flow(&flow)) {
		char to = flow_send(lb, &flow, first);

		got[to >= 'A' && to <= 'C' ? to - 'A' : FLOW_BACKENDS]++;
	}
	/* 600 is seven standard deviations. */
	for (int i = 0; i < FLOW_BACKENDS; i++) {
		int want = RANDOM_FLOWS * rows[i] / FLOW_ROWS;

		good &= rows[i] ? abs((int)got[i] - want) < 600 : !got[i];
	}
	harness_ok(&lb->harness, good && !got[FLOW_BACKENDS],
		   "%s: random gives %u, %u, %u of %d flows to backends with %u, %u, %u rows",
		   describe(&flow), got[0], got[1], got[2], RANDOM_FLOWS, rows[0], rows[1],
		   rows[2]);
}

/*
 * True if the first one has more flows for its weight. With a weight of 0 one flow is more than any
 * number.
 */
static bool is_busier(const struct load *one, const struct load *other)
{
	__u32 flows = one->base + one->assigned, other_flows = other->base + other->assigned;

	return (unsigned __int128)flows * other->weight >
	       (unsigned __int128)other_flows * one->weight;
}

/* Sets loads as a sweep leaves them: flows counted less flows assigned may be below zero. */
static void set_loads(struct lb_maps *lb, const struct flow *flow)
{
	for (int i = 0; i < FLOW_BACKENDS; i++) {
		struct load *load = &lb->loads[flow_target(flow, 'A' + i)];

		load->base = below(40) - load->assigned;
		load->weight = below(10) ? 1 + below(5) * 100 : 0;
	}
}

static void test_leastconn(struct lb_maps *lb, struct flow flow)
{
	enum flow_act first = flow.proto == IPPROTO_TCP ? SYN : DATAGRAM;
	const struct row *rows = flow_rows(&flow);
	unsigned int wrong = 0, seconds = 0;

	clear(lb);
	flow_set_scheduler(lb, &flow, SCHEDULER_LEASTCONN);
	mix_rows(&flow, 2, 2, 1);
	for (int i = 0; i < LOADED_FLOWS; i++, next_flow(&flow)) {
		__u64 hash = flow_hash(lb, &flow);
		__u16 one = rows[(hash >> 32) * FLOW_ROWS >> 32].current_target;
		__u16 other = rows[(hash & 0xffffffff) * FLOW_ROWS >> 32].current_target;
		__u16 want = is_busier(&lb->loads[one], &lb->loads[other]) ? other : one;
		__u32 assigned = lb->loads[want].assigned;
		char to = 'A' + (want - flow_target(&flow, 'A'));

		seconds += want != one;
		wrong += flow_send(lb, &flow, first) != to;
		wrong += flow_send(lb, &flow, first) != to;
		wrong += lb->loads[want].assigned != assigned + 1;
		if (!below(50))
			set_loads(lb, &flow);
	}
	harness_ok(&lb->harness, !wrong && seconds > LOADED_FLOWS / 10,
		   "%s: leastconn takes the less loaded of two, and counts it", describe(&flow));
	clear(lb);
	flow_send(lb, &flow, first);
	harness_ok(&lb->harness,
		   lb->loads[flow_target(&flow, 'A')].assigned +
				   lb->loads[flow_target(&flow, 'B')].assigned +
				   lb->loads[flow_target(&flow, 'C')].assigned ==
			   LOADED_FLOWS + 1,
		   "%s: leastconn counts each new flow once", describe(&flow));
}

/* The largest weight, and loads whose product with it has 33 bits: the second one has less. */
static void test_leastconn_large(struct lb_maps *lb, struct flow flow)
{
	static const __u32 loads[] = { 65538, 70000, 1U << 31 };
	const struct row *rows = flow_rows(&flow);
	unsigned int wrong = 0;

	clear(lb);
	flow_set_scheduler(lb, &flow, SCHEDULER_LEASTCONN);
	mix_rows(&flow, 1, 1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		struct load *one, *other;
		__u16 first, second;
		__u64 hash;

		do {
			next_flow(&flow);
			hash = flow_hash(lb, &flow);
			first = rows[(hash >> 32) * FLOW_ROWS >> 32].current_target;
			second = rows[(hash & 0xffffffff) * FLOW_ROWS >> 32].current_target;
		} while (first == second);
		one = &lb->loads[first];
		other = &lb->loads[second];
		*one = (struct load){ .base = loads[i] - one->assigned,
				      .assigned = one->assigned,
				      .weight = 65535 };
		*other = (struct load){ .base = 1 - other->assigned,
					.assigned = other->assigned,
					.weight = 65535 };
		wrong += flow_send(lb, &flow, SYN) != 'A' + (second - flow_target(&flow, 'A'));
	}
	harness_ok(&lb->harness, !wrong, "%s: leastconn compares loads of any size",
		   describe(&flow));
}

/*
 * A flow that is older than the change of a moving row belongs to the previous target, with every
 * scheduler.
 */
static void test_rows(struct lb_maps *lb, struct flow flow, enum poise_scheduler scheduler)
{
	static const char *const names[] = { "maglev", "roundrobin", "leastconn", "random" };
	bool good;

	clear(lb);
	flow_set_scheduler(lb, &flow, scheduler);
	flow_set_rows(&flow, "0*");
	good = !flow_send(lb, &flow, SYN) && !flow_send(lb, &flow, ACK);
	harness_ok(&lb->harness, good && !flow_counted(lb).tracked,
		   "%s: %s has nobody for new flows", describe(&flow), names[scheduler]);
	flow_set_rows(&flow, "BA");
	good = flow_send(lb, &flow, ACK) == 'A';
	next_flow(&flow);
	good &= flow_send(lb, &flow, SYN) == 'B';
	flow_set_rows(&flow, "CA");
	good &= flow_send(lb, &flow, ACK) == 'B' && flow_send(lb, &flow, SYN) == 'B' &&
		flow_send(lb, &flow, FIN) == 'B' && flow_send(lb, &flow, SYN) == 'C';
	harness_ok(&lb->harness, good && flow_counted(lb).tracked == 3,
		   "%s: %s and a row that moves", describe(&flow), names[scheduler]);
}

int main(void)
{
	struct lb_maps lb;
	int status;

	random_state = 0x706f697365;
	if (flow_case_open(&lb, 1 << 20))
		return EXIT_FAILURE;
	for (int i = 0; i < FLOW_SERVICES; i++) {
		struct flow flow = { i & 4 ? 6 : 4, i & 2 ? IPPROTO_UDP : IPPROTO_TCP, i & 1, 1,
				     1024 };

		test_roundrobin(&lb, flow);
		if (flow.by_client)
			continue;
		test_random(&lb, flow);
		test_leastconn(&lb, flow);
		if (flow.proto == IPPROTO_TCP)
			test_leastconn_large(&lb, flow);
		if (flow.proto == IPPROTO_TCP)
			for (int scheduler = 0; scheduler < SCHEDULER_MAX; scheduler++)
				test_rows(&lb, flow, scheduler);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
