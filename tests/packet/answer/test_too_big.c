// SPDX-License-Identifier: BSD-2-Clause
/*
 * Packets that outgrow the way to their target are dropped and counted, and their senders are told
 * which size fits, in the modes l2, ipip and gue. (nat: test_nat.c, test_nat_keep.c,
 * test_nat_mtu.c.)
 */
#include <stdio.h>
#include <stdlib.h>

#include "answer/answer_case.h"
#include "base/array.h"

static const struct way {
	const char *name;
	unsigned int port;
	unsigned int outer; /* bytes of the outer headers */
} ways[] = {
	{ "l2", PORT_SMALL_L2, 0 },
	{ "ipip over IPv4", PORT_SMALL_IPIP4, 20 },
	{ "ipip over IPv6", PORT_SMALL_IPIP6, 40 },
	{ "gue over IPv4", PORT_SMALL_GUE4, 32 },
	{ "gue over IPv6", PORT_SMALL_GUE6, 52 },
};

static unsigned int expected; /* answers */

static void source_multicast_frame(struct pkt *p)
{
	((struct ethhdr *)p->bytes)->h_source[0] |= 1;
}

static void set_df(struct pkt *p)
{
	struct ethhdr *eth = (void *)p->bytes;

	if (eth->h_proto == htons(ETH_P_IP)) {
		struct iphdr *ip = pkt_find(p, PKT_IP4, 0);

		ip->frag_off |= htons(PKT_IP4_DF);
		pkt_ip4_checksum(ip);
	}
}

/* A payload with which the packet is `more` bytes longer than what fits. */
static unsigned int payload_for(struct lb_case c, unsigned int room, unsigned int more)
{
	c.payload = 0;
	return room + more - lb_case_ip_bytes(&c);
}

static void test_answered(struct harness *h, const struct way *way, int version)
{
	static const struct {
		struct lb_case packet;
		unsigned int more;
	} cases[] = {
		{ { "a segment a byte too long", .proto = IPPROTO_TCP, .ack = true }, 1 },
		{ { "a segment a byte too long, with DF", .proto = IPPROTO_TCP, .ack = true,
		    .spoil = set_df },
		  1 },
		{ { "a SYN with data", .proto = IPPROTO_TCP, .syn = true }, 8 },
		{ { "a full segment", .proto = IPPROTO_TCP, .ack = true, .spoil = set_df }, 1260 },
		{ { "a datagram", .proto = IPPROTO_UDP }, 300 },
		{ { "a datagram with garbage behind it", .proto = IPPROTO_UDP, .padding = 33 }, 2 },
		{ { "a datagram behind options", .proto = IPPROTO_UDP, .extra = EXTRA_OPTIONS },
		  9 },
		{ { "data by SCTP", .proto = IPPROTO_SCTP }, 100 },
	};
	const unsigned int room = FIXTURE_SMALL_MTU - way->outer;
	struct answer_case c = { .drop = DROP_TOO_BIG };
	char name[192];

	c.want.error = answered_too_big(version, room);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		c.packet = cases[i].packet;
		c.packet.name = name;
		c.packet.version = version;
		c.packet.port = way->port;
		c.packet.payload = payload_for(c.packet, room, cases[i].more);
		snprintf(name, sizeof(name), "IPv%d by %s: %s is answered with %u", version,
			 way->name, cases[i].packet.name, room);
		answer_case_run(h, &c);
		expected++;
	}
}

static void test_silent(struct harness *h, const struct way *way, int version)
{
	struct lb_case c = { "a frame from a group of stations gets no answer",
			     version,
			     IPPROTO_TCP,
			     .port = way->port,
			     .ack = true,
			     .payload = 500,
			     .spoil = source_multicast_frame };

	lb_case_run(h, &c, XDP_DROP, DROP_TOO_BIG, 0);
}

/* Where the outer headers alone are too long, no size fits. */
static void test_no_room(struct lb_maps *lb, int version)
{
	struct target *target = &lb->targets[fixture_target(PORT_SMALL_GUE6, version, IPPROTO_TCP)];
	struct answer_case c = {
		.packet = { "a way that takes nothing at all", version, IPPROTO_TCP,
			    .port = PORT_SMALL_GUE6, .ack = true },
		.want.error = answered_too_big(version, 0),
		.drop = DROP_TOO_BIG,
	};

	target->mtu = 52;
	answer_case_run(&lb->harness, &c);
	target->mtu = FIXTURE_SMALL_MTU;
	expected++;
}

static void test_counted(struct lb_maps *lb)
{
	struct answer_counter counter = { 0 };
	int err = lb_maps_answers(lb, ANSWER_TOO_BIG, &counter);

	harness_ok(&lb->harness, !err && counter.sent == expected && !counter.limited,
		   "each answer is counted: %llu", counter.sent);
}

static void test_limit(struct lb_maps *lb, int version)
{
	const struct lb_case c = {
		.version = version, .proto = IPPROTO_UDP, .port = PORT_SMALL_L2, .payload = 500
	};
	static struct pkt in, out;
	int sent = 0;

	pkt_clear(&in);
	lb_case_in(&in, &c);
	for (int i = 0; i < 150; i++) {
		enum xdp_action verdict = XDP_ABORTED;

		harness_frame(lb->harness.program_fd, HARNESS_LOOPBACK, &in, &out, &verdict);
		sent += verdict == XDP_TX;
	}
	harness_ok(&lb->harness, sent == 100, "IPv%d: one source gets 100 answers at once: %d",
		   version, sent);
}

int main(void)
{
	struct harness sum;
	struct lb_maps lb;

	if (lb_fixture_open(&lb))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
			test_answered(&lb.harness, &ways[i], version);
			test_silent(&lb.harness, &ways[i], version);
		}
		test_no_room(&lb, version);
	}
	test_counted(&lb);
	sum = lb.harness;
	lb_maps_close(&lb);
	if (lb_fixture_open_limited(&lb, 1000ULL * 1000000000))
		return EXIT_FAILURE;
	lb.harness.passed = sum.passed;
	lb.harness.failed = sum.failed;
	test_limit(&lb, 4);
	test_limit(&lb, 6);
	sum = lb.harness;
	lb_maps_close(&lb);
	return harness_end(&sum);
}
