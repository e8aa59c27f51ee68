// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat: who makes room in the NAT table, and that no flow is half gone. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "nat/nat_packet.h"

#define FLOWS        POISE_MIN_NAT_FLOWS
#define KNOWN        200 /* established before the flood */
#define FLOOD        20000
#define STRANGER_TAG 0x5eed0000

#define ESTABLISHED (NAT_REPLIED | NAT_ASSURED)
#define BOTH_FIN    (NAT_FIN_CLIENT | NAT_FIN_BACKEND)

static struct nat_flow flow_at(int version, __u8 proto, unsigned int client, unsigned int i)
{
	return (struct nat_flow){ version, proto, BY_NAT, client, 1024 + i, 'A', 0, 0 };
}

static bool table_ok(struct lb_maps *lb, unsigned int *flows)
{
	const char *wrong = nat_table_wrong(lb, flows);

	if (wrong)
		printf("#   %u flows: %s\n", *flows, wrong);
	return !wrong;
}

/* ---- a flood of first packets */

static void test_flood(struct lb_maps *lb, int version, __u8 proto)
{
	const char *name = proto == IPPROTO_TCP ? "SYNs" : "datagrams";
	unsigned int begun = 0, kept = 0, flows;
	struct nat_counter rose;
	bool good = true;

	nat_clear(lb);
	nat_counted(lb);
	for (unsigned int i = 0; i < KNOWN; i++) {
		struct nat_flow flow = flow_at(version, proto, 1, i);

		good &= nat_establish(lb, &flow);
	}
	harness_ok(&lb->harness, good, "IPv%d: %d established flows", version, KNOWN);
	for (unsigned int i = 0; i < FLOOD; i++) {
		struct nat_flow flow = flow_at(version, proto, 2, i);

		begun += nat_begin(lb, &flow);
	}
	rose = nat_counted(lb);
	if (!harness_ok(&lb->harness,
			begun == FLOOD && table_ok(lb, &flows) &&
				rose.made - rose.evicted == flows && !rose.broken,
			"IPv%d: %d %s push each other out, whole flows", version, FLOOD, name))
		printf("#   forwarded %u, made %llu, evicted %llu, broken %llu, there %u\n", begun,
		       (unsigned long long)rose.made, (unsigned long long)rose.evicted,
		       (unsigned long long)rose.broken, flows);
	for (unsigned int i = 0; i < KNOWN; i++) {
		struct nat_flow flow = flow_at(version, proto, 1, i);
		struct nat_packet reply = { .flow = &flow, .reply = true, .tcp = ACK };
		struct nat_packet next = { .flow = &flow, .tcp = ACK };

		kept += nat_learn(lb, &flow) && nat_send(lb, &reply) == XDP_TX &&
			nat_send(lb, &next) == XDP_TX;
	}
	rose = nat_counted(lb);
	harness_ok(&lb->harness, kept == KNOWN && !rose.made, "IPv%d: the established flows go on",
		   version);
}

/* All flows are established: some have to make room, and it is said. */
static void test_all_established(struct lb_maps *lb, int version)
{
	unsigned int good = 0, flows = 0;
	struct nat_counter rose;
	bool whole = true;

	nat_clear(lb);
	nat_counted(lb);
	for (unsigned int i = 0; i < 3 * FLOWS; i++) {
		struct nat_flow flow = flow_at(version, IPPROTO_TCP, 3, i);

		good += nat_establish(lb, &flow);
		if (i % 256 == 0)
			whole &= table_ok(lb, &flows);
	}
	whole &= table_ok(lb, &flows);
	rose = nat_counted(lb);
	if (!harness_ok(&lb->harness,
			good == 3 * FLOWS && whole && rose.made - rose.evicted == flows &&
				rose.broken && rose.broken <= rose.evicted,
			"IPv%d: new flows have room though all others are established", version))
		printf("#   established %u, made %llu, evicted %llu, broken %llu, there %u\n", good,
		       (unsigned long long)rose.made, (unsigned long long)rose.evicted,
		       (unsigned long long)rose.broken, flows);
	printf("# IPv%d: %u of %u entries in use\n", version, 2 * flows, 2 * FLOWS);
}

/* ---- two full sets: which of their entries makes room */

struct found {
	__u32 flags;
	int left;
};

/* The first set's entries, then the second set's other entries, none of which is worth least. */
static const struct room_case {
	const char *name;
	struct found first[NAT_PER_SET];
	struct found second; /* all of them */
	int gives;           /* of the first set; -1: any of the second */
	bool evicted, broken;
} room_cases[] = {
#define N(left)                                                                                    \
	{                                                                                          \
		0, left                                                                            \
	}
#define E(left)                                                                                    \
	{                                                                                          \
		ESTABLISHED, left                                                                  \
	}
#define C(left)                                                                                    \
	{                                                                                          \
		ESTABLISHED | BOTH_FIN, left                                                       \
	}
#define R(left)                                                                                    \
	{                                                                                          \
		ESTABLISHED | NAT_RESET, left                                                      \
	}
#define BUSY                                                                                       \
	{                                                                                          \
		NAT_BUSY, 100                                                                      \
	}
	{ "an established one that has expired",
	  { N(3), E(9), E(-1), N(1), E(9), C(1), N(2), N(3) },
	  N(9),
	  2,
	  false,
	  false },
	{ "the one not answered that expires first",
	  { N(3), E(1), N(2), N(3), E(9), C(9), N(4), N(3) },
	  N(9),
	  2,
	  true,
	  false },
	{ "the closed one that expires first",
	  { N(5), E(1), C(2), N(3), E(9), C(9), N(4), N(3) },
	  N(9),
	  2,
	  true,
	  false },
	{ "the one that was reset",
	  { N(5), E(1), R(0), N(3), E(9), C(9), N(4), N(3) },
	  E(1),
	  2,
	  true,
	  false },
	{ "any that is not established before those that are",
	  { E(1), E(1), E(1), E(1), N(20), E(1), E(1), E(1) },
	  E(1),
	  4,
	  true,
	  false },
	{ "the established one that expires first",
	  { E(30), E(29), E(28), E(7), E(8), E(20), E(30), E(30) },
	  E(50),
	  3,
	  true,
	  true },
	{ "none that is being written",
	  { BUSY, E(29), BUSY, E(7), E(8), BUSY, E(30), E(30) },
	  BUSY,
	  3,
	  true,
	  true },
	{ "one of the other set",
	  { E(30), E(29), E(28), E(7), E(8), E(20), E(30), E(30) },
	  N(9),
	  -1,
	  true,
	  false },
};

static __u64 stranger(int i, const struct found *found, __u32 now)
{
	return nat_word(STRANGER_TAG + i, now + found->left, found->flags);
}

/* Strangers all over the flow's two sets. They are halves: nobody's other one. */
static void fill(struct lb_maps *lb, const struct nat_flow *flow, const struct room_case *c,
		 struct nat_set *sets[2])
{
	__u32 now = lb_maps_nat_now(lb);

	nat_clear(lb);
	for (int choice = 0; choice < 2; choice++) {
		sets[choice] =
			&lb->nat[nat_set_index(nat_hash(lb, flow), choice, lb->nat_sets - 1)];
		for (int i = 0; i < NAT_PER_SET; i++) {
			sets[choice]->words[i] = stranger(choice * NAT_PER_SET + i,
							  choice ? &c->second : &c->first[i], now);
			sets[choice]->entries[i].other_tag = 1;
		}
	}
}

static int replaced(struct nat_set *sets[2])
{
	int found = -2;

	for (int i = 0; i < 2 * NAT_PER_SET; i++) {
		if (nat_word_tag(sets[i / NAT_PER_SET]->words[i % NAT_PER_SET]) ==
		    STRANGER_TAG + (__u32)i)
			continue;
		if (found != -2)
			return -3; /* more than one */
		found = i < NAT_PER_SET ? i : -1;
	}
	return found;
}

/* A flow both of whose entries may be in none but the sets that are filled would tell nothing. */
static struct nat_flow apart(struct lb_maps *lb, int version)
{
	struct nat_flow flow = flow_at(version, IPPROTO_TCP, 4, 0);

	for (; flow.client_port < 60000; flow.client_port++) {
		__u32 one, other, set;
		bool good = true;

		nat_clear(lb);
		if (!nat_begin(lb, &flow))
			continue;
		one = nat_set_index(nat_hash(lb, &flow), 0, lb->nat_sets - 1);
		other = nat_set_index(nat_hash(lb, &flow), 1, lb->nat_sets - 1);
		for (int choice = 0; choice < 2; choice++) {
			set = nat_set_index(nat_reply_hash(lb, &flow), choice, lb->nat_sets - 1);
			good &= set != one && set != other;
		}
		if (good && one != other)
			break;
	}
	return flow;
}

static void test_who_makes_room(struct lb_maps *lb, int version)
{
	for (size_t i = 0; i < ARRAY_SIZE(room_cases); i++) {
		const struct room_case *c = &room_cases[i];
		struct nat_flow flow = apart(lb, version);
		struct nat_set *sets[2];
		bool good;
		int at;

		fill(lb, &flow, c, sets);
		nat_counted(lb);
		good = nat_begin(lb, &flow);
		at = replaced(sets);
		good &= nat_counted_is(lb, (struct nat_counter){ .made = 1,
								 .evicted = c->evicted,
								 .broken = c->broken });
		if (!harness_ok(&lb->harness, good && at == c->gives, "IPv%d: room is made by %s",
				version, c->name))
			printf("#   by %d, expected %d\n", at, c->gives);
	}
}

/* All that could make room is being written: there is none. */
static void test_no_room(struct lb_maps *lb, int version)
{
	static const struct room_case busy = {
		.first = { BUSY, BUSY, BUSY, BUSY, BUSY, BUSY, BUSY, BUSY }, .second = BUSY
	};
	struct nat_flow flow = apart(lb, version);
	struct nat_packet packet = { .flow = &flow, .tcp = SYN };
	struct nat_set *sets[2];
	char name[64];

	fill(lb, &flow, &busy, sets);
	nat_counted(lb);
	snprintf(name, sizeof(name), "IPv%d: nobody can make room", version);
	nat_packet_run(lb, &packet, XDP_DROP, DROP_NAT_FULL, false, name);
	harness_ok(&lb->harness,
		   nat_counted_is(lb, (struct nat_counter){ 0 }) &&
			   nat_occupied(lb) == 2 * NAT_PER_SET,
		   "IPv%d: no half of the flow is left behind", version);
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ .nat_flows = FLOWS }))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		test_flood(&lb, version, IPPROTO_TCP);
		test_flood(&lb, version, IPPROTO_UDP);
		test_all_established(&lb, version);
		test_who_makes_room(&lb, version);
		test_no_room(&lb, version);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
