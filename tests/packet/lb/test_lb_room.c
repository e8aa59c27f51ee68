// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb and the room in the flow table: what is written at all, who makes room, who stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "lb/flow_case.h"

#define FLOOD     1000
#define OTHER_TAG 0xfeed0000
#define NOTHING   (-9999) /* as ticks left: no entry */

static void clear(struct lb_maps *lb)
{
	memset(lb->flows, 0, lb->flow_sets * sizeof(*lb->flows));
}

static unsigned int occupied(const struct lb_maps *lb)
{
	unsigned int count = 0;

	for (__u32 i = 0; i < lb->flow_sets; i++)
		for (int k = 0; k < FLOWS_PER_SET; k++)
			count += !!lb->flows[i].entries[k];
	return count;
}

static bool counted_is(struct lb_maps *lb, __u64 tracked, __u64 evicted)
{
	struct flow_counter rose = flow_counted(lb);

	if (rose.tracked == tracked && rose.evicted == evicted && !rose.lost)
		return true;
	printf("#   expected %llu entries made and %llu evicted, found %llu, %llu and %llu lost\n",
	       (unsigned long long)tracked, (unsigned long long)evicted,
	       (unsigned long long)rose.tracked, (unsigned long long)rose.evicted,
	       (unsigned long long)rose.lost);
	return false;
}

/* The next flow after `flow` whose set is the one that `like` has. */
static struct flow next_in_set(const struct lb_maps *lb, struct flow flow, const struct flow *like)
{
	do {
		if (!++flow.source_port)
			flow.client++;
	} while (flow_set(lb, &flow) != flow_set(lb, like));
	return flow;
}

static void test_stable(struct lb_maps *lb, const struct flow *first)
{
	struct flow flow = *first;
	unsigned int wrong = 0;

	clear(lb);
	flow_set_rows(&flow, "B0");
	for (unsigned int i = 0; i < 100000; i++) {
		flow.source_port = i;
		flow.client = 1 + (i >> 16);
		wrong += flow_send(lb, &flow, SYN) != 'B';
	}
	harness_ok(&lb->harness, !wrong && !occupied(lb) && counted_is(lb, 0, 0),
		   "IPv%d: 100,000 SYNs to stable rows leave the flow table empty", flow.version);
}

/* A set as it is found: state and ticks left of each entry; FREE: none. */
struct found {
	enum flow_state state;
	int left;
};

static const struct room_case {
	const char *name;
	struct found entries[FLOWS_PER_SET];
	int gives; /* the entry that makes room */
	bool evicted;
} room_cases[] = {
#define N(left)                                                                                    \
	{                                                                                          \
		FLOW_NEW, left                                                                     \
	}
#define E(left)                                                                                    \
	{                                                                                          \
		FLOW_ESTABLISHED, left                                                             \
	}
#define C(left)                                                                                    \
	{                                                                                          \
		FLOW_CLOSING, left                                                                 \
	}
#define FREE                                                                                       \
	{                                                                                          \
		FLOW_NEW, -9999                                                                    \
	}
	{ "the one that is free", { N(3), E(9), C(2), N(1), E(9), FREE, N(2), N(3) }, 5, false },
	{ "the established one that has expired, not the new one",
	  { N(3), E(9), E(-1), N(1), E(9), C(1), N(2), N(3) },
	  2,
	  false },
	{ "one that expired long ago",
	  { N(3), E(9), E(8), N(1), E(9), C(1), N(2), C(-8000) },
	  7,
	  false },
	{ "the new one that expires first of all not established",
	  { N(9), E(1), E(9), N(3), C(5), C(8), N(4), N(5) },
	  3,
	  true },
	{ "the one that closes, as it expires before new ones",
	  { N(9), E(1), E(9), N(3), C(2), C(5), N(4), N(5) },
	  4,
	  true },
	{ "the new one that expires right now",
	  { N(9), E(0), E(9), N(3), C(2), C(1), N(4), N(0) },
	  7,
	  true },
	{ "the only new one, although it has longest",
	  { E(1), E(0), E(3), E(4), N(8000), E(1), E(2), E(8) },
	  4,
	  true },
	{ "the only one that closes, although it has longest",
	  { E(1), E(0), E(3), E(4), E(1), E(2), C(8000), E(8) },
	  6,
	  true },
	{ "the one that expires first of all established",
	  { E(9), E(8), E(2), E(5), E(3), E(8191), E(3), E(220) },
	  2,
	  true },
	{ "the one that closes and expires first",
	  { E(9), E(8), E(7), C(5), E(8), E(8191), C(6), E(220) },
	  3,
	  true },
	{ "the one that closes, not the established one that expires before it",
	  { E(9), E(8), E(7), C(9), E(8), E(8191), C(6), E(4) },
	  6,
	  true },
#undef N
#undef E
#undef C
#undef FREE
};

/* A SYN to a full set: one entry is the SYN's afterwards, the others are as they were. */
static bool makes_room(struct lb_maps *lb, const struct flow *flow, const struct room_case *c,
		       __u32 now)
{
	struct flow_set *set = flow_set(lb, flow), before;
	bool good;

	clear(lb);
	for (int i = 0; i < FLOWS_PER_SET; i++)
		if (c->entries[i].left != NOTHING)
			set->entries[i] = flow_entry(OTHER_TAG + i, flow_target(flow, 'A'),
						     now + c->entries[i].left, c->entries[i].state);
	before = *set;
	good = flow_send(lb, flow, SYN) == 'B';
	for (int i = 0; i < FLOWS_PER_SET; i++) {
		if (i == c->gives)
			good &= &set->entries[i] == flow_find(lb, flow);
		else
			good &= set->entries[i] == before.entries[i];
	}
	return counted_is(lb, 1, c->evicted) && good;
}

static void test_who_makes_room(struct lb_maps *lb, const struct flow *flow)
{
	flow_set_rows(flow, "BA");
	for (size_t i = 0; i < ARRAY_SIZE(room_cases); i++) {
		__u32 now;
		bool good;

		/* Once more should a tick end meanwhile. */
		do {
			now = lb_maps_now(lb);
			good = makes_room(lb, flow, &room_cases[i], now);
		} while (lb_maps_now(lb) != now);
		harness_ok(&lb->harness, good, "IPv%d: room is made by %s", flow->version,
			   room_cases[i].name);
	}
}

/* Eight flows that have begun fill a set, and SYNs pour into it. */
static void test_flood(struct lb_maps *lb, const struct flow *first)
{
	struct flow flows[FLOWS_PER_SET], flow = *first;
	unsigned int wrong = 0, alive = 0, followed = 0;

	clear(lb);
	flow_set_rows(first, "BA");
	for (int i = 0; i < FLOWS_PER_SET; i++) {
		flows[i] = flow;
		wrong += flow_send(lb, &flow, SYN) != 'B';
		wrong += flow_send(lb, &flow, ACK) != 'B';
		flow = next_in_set(lb, flow, first);
	}
	harness_ok(&lb->harness, !wrong && occupied(lb) == FLOWS_PER_SET && counted_is(lb, 8, 0),
		   "IPv%d: eight flows have room in one set", first->version);
	flow_set_rows(first, "CA");
	for (int i = 0; i < FLOOD; i++) {
		wrong += flow_send(lb, &flow, SYN) != 'C';
		flow = next_in_set(lb, flow, first);
	}
	for (int i = 0; i < FLOWS_PER_SET; i++)
		alive += !!flow_find(lb, &flows[i]);
	harness_ok(&lb->harness,
		   !wrong && alive == FLOWS_PER_SET - 1 && counted_is(lb, FLOOD, FLOOD),
		   "IPv%d: %d SYNs to their set push out one of eight flows that got further",
		   first->version, FLOOD);
	for (int i = 0; i < FLOWS_PER_SET; i++)
		if (flow_find(lb, &flows[i]))
			followed += flow_send(lb, &flows[i], ACK) == 'B';
	harness_ok(&lb->harness, followed == FLOWS_PER_SET - 1,
		   "IPv%d: the others go where they went", first->version);
}

/* Eight flows that were heard in two ticks, and pairs of packets that pour into their set. */
static void test_pairs(struct lb_maps *lb, const struct flow *first)
{
	struct flow flows[FLOWS_PER_SET], flow = *first;
	unsigned int wrong = 0, alive = 0;

	clear(lb);
	flow_set_rows(first, "B*");
	for (int i = 0; i < FLOWS_PER_SET; i++) {
		flows[i] = flow;
		wrong += flow_send(lb, &flow, SYN) != 'B';
		/* A tick goes by: the expiry is one tick nearer. */
		*flow_find(lb, &flow) -= 1U << 2;
		wrong += flow_send(lb, &flow, ACK) != 'B';
		flow = next_in_set(lb, flow, first);
	}
	flow_set_rows(first, "C*");
	for (int i = 0; i < FLOOD; i++) {
		wrong += flow_send(lb, &flow, i % 2 ? SYN : ACK) != 'C';
		wrong += flow_send(lb, &flow, ACK) != 'C';
		flow = next_in_set(lb, flow, first);
	}
	for (int i = 0; i < FLOWS_PER_SET; i++)
		alive += flow_find(lb, &flows[i]) && flow_send(lb, &flows[i], ACK) == 'B';
	harness_ok(&lb->harness,
		   !wrong && alive == FLOWS_PER_SET - 1 && counted_is(lb, 8 + FLOOD, FLOOD),
		   "IPv%d: %d pairs of packets push out one of eight established flows",
		   first->version, FLOOD);
}

/* A flow is known by its tag in its set: its own set's other entries are not its, and one of the
 * same tag is. */
static void test_tags(struct lb_maps *lb, const struct flow *flow)
{
	struct flow_set *set = flow_set(lb, flow);
	__u32 tag = flow_tag(flow_hash(lb, flow)), now = lb_maps_now(lb);
	struct flow other = next_in_set(lb, *flow, flow);
	bool good;

	flow_set_rows(flow, "B*");
	for (int bit = 0; bit < 32; bit++) {
		clear(lb);
		set->entries[1] = flow_entry(tag ^ 1U << bit, flow_target(flow, 'C'), now + 9,
					     FLOW_ESTABLISHED);
		good = flow_send(lb, flow, ACK) == 'B' && counted_is(lb, 1, 0);
		if (!good)
			break;
	}
	harness_ok(&lb->harness, good, "IPv%d: an entry whose tag differs in one bit is not it",
		   flow->version);
	clear(lb);
	set->entries[7] = flow_entry(tag, flow_target(flow, 'C'), now + 9, FLOW_ESTABLISHED);
	good = flow_send(lb, flow, ACK) == 'C' && flow_send(lb, &other, SYN) == 'B';
	flow_set_rows(flow, "A*");
	good &= flow_send(lb, flow, ACK) == 'C' && flow_send(lb, &other, ACK) == 'B';
	harness_ok(&lb->harness, good && occupied(lb) == 2 && counted_is(lb, 1, 0),
		   "IPv%d: two flows of one set each follow their entry", flow->version);
	for (__u32 target = FLOW_TARGETS; target <= 0xffff; target += 0xffff - FLOW_TARGETS) {
		set->entries[7] = flow_entry(tag, target, now + 9, FLOW_ESTABLISHED);
		good = flow_send(lb, flow, ACK) == 'A' && counted_is(lb, 1, 0) &&
		       flow_entry_target(set->entries[7]) == flow_target(flow, 'A');
		harness_ok(&lb->harness, good,
			   "IPv%d: an entry of target %u, which is none, is replaced",
			   flow->version, target);
	}
}

static enum xdp_action send_spoilt(struct lb_maps *lb, const struct flow *flow,
				   void (*spoil)(struct pkt *p))
{
	static struct pkt in, out;
	enum xdp_action verdict = XDP_ABORTED;

	pkt_clear(&in);
	flow_packet_in(&in, flow, SYN);
	spoil(&in);
	harness_frame(lb->harness.program_fd, HARNESS_LOOPBACK, &in, &out, &verdict);
	return verdict;
}

static void bad_doff(struct pkt *p)
{
	((struct tcphdr *)pkt_find(p, PKT_TCP, 0))->doff = 4;
}

static void cut_short(struct pkt *p)
{
	pkt_cut(p, pkt_offset(p, PKT_TCP, 0) + 12);
}

/*
 * A packet that is dropped before a backend is chosen leaves no trace. A flow whose packets are
 * dropped on the way to its backend is a flow all the same.
 */
static void test_dropped(struct lb_maps *lb, const struct flow *flow)
{
	struct target *target = &lb->targets[flow_target(flow, 'B')];
	__u16 mtu = target->mtu;
	bool good;

	clear(lb);
	flow_set_rows(flow, "BA");
	good = send_spoilt(lb, flow, bad_doff) == XDP_DROP &&
	       send_spoilt(lb, flow, cut_short) == XDP_DROP;
	harness_ok(&lb->harness, good && !occupied(lb) && counted_is(lb, 0, 0),
		   "IPv%d: malformed packets make no entry", flow->version);
	target->mtu = 20;
	good = flow_send(lb, flow, SYN) != 'B';
	target->mtu = mtu;
	flow_set_rows(flow, "CA");
	good &= flow_send(lb, flow, SYN) == 'B';
	harness_ok(&lb->harness, good && occupied(lb) == 1 && counted_is(lb, 1, 0),
		   "IPv%d: a packet too big for the way out has made its flow's entry",
		   flow->version);
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (flow_case_open(&lb, POISE_MIN_FLOWS))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		struct flow flow = { version, IPPROTO_TCP, false, 1, 1024 };

		test_stable(&lb, &flow);
		test_who_makes_room(&lb, &flow);
		test_flood(&lb, &flow);
		test_pairs(&lb, &flow);
		test_tags(&lb, &flow);
		test_dropped(&lb, &flow);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
