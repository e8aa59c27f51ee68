// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat: ports of ours, of which no two flows to one backend have the same. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nat/nat_packet.h"

#define FEW NAT_PORT_TRIES /* all of them are tried for every flow */

/* The i-th of many flows to a service. */
static struct nat_flow flow_at(int version, __u8 proto, unsigned int service, unsigned int i)
{
	return (struct nat_flow){ version, proto, service, 7, 1024 + i, 'A', 0, 0 };
}

static struct nat_packet first_of(struct nat_flow *flow)
{
	return (struct nat_packet){ .flow = flow, .tcp = flow->proto == IPPROTO_TCP ? SYN : 0 };
}

/* Begins flows first .. first + count - 1. How many were forwarded. */
static unsigned int begin(struct lb_maps *lb, int version, __u8 proto, unsigned int service,
			  unsigned int first, unsigned int count)
{
	unsigned int good = 0;

	for (unsigned int i = first; i < first + count; i++) {
		struct nat_flow flow = flow_at(version, proto, service, i);

		good += nat_begin(lb, &flow);
	}
	return good;
}

static void table_ok(struct lb_maps *lb, unsigned int want, const char *what, int version)
{
	unsigned int flows;
	const char *wrong = nat_table_wrong(lb, &flows);

	if (!harness_ok(&lb->harness, !wrong && flows == want,
			"IPv%d: %s: %u flows, no port is there twice", version, what, want))
		printf("#   %u flows: %s\n", flows, wrong ? wrong : "");
}

static void refused(struct lb_maps *lb, int version, __u8 proto, unsigned int service,
		    unsigned int i, const char *what)
{
	struct nat_flow flow = flow_at(version, proto, service, i);
	struct nat_packet packet = first_of(&flow);
	char name[128];

	snprintf(name, sizeof(name), "IPv%d: %s", version, what);
	lb_maps_nat_unscarce(lb);
	nat_packet_run(lb, &packet, XDP_DROP, DROP_NO_PORT, false, name);
}

/* ---- all ports of a range are used, and no other */

static void test_exhausted(struct lb_maps *lb, int version)
{
	unsigned int outside = 0;

	nat_clear(lb);
	nat_counted(lb);
	harness_ok(&lb->harness, begin(lb, version, IPPROTO_TCP, BY_NAT, 0, FEW) == FEW,
		   "IPv%d: %d flows have %d ports", version, FEW, FEW);
	table_ok(lb, FEW, "all ports taken", version);
	for (unsigned int i = 0; i < FEW; i++) {
		struct nat_flow flow = flow_at(version, IPPROTO_TCP, BY_NAT, i);

		outside += !nat_learn(lb, &flow) || flow.nat_port < NAT_PORT_FIRST ||
			   flow.nat_port >= NAT_PORT_FIRST + FEW;
	}
	harness_ok(&lb->harness, !outside, "IPv%d: all of them are ours", version);
	refused(lb, version, IPPROTO_TCP, BY_NAT, FEW, "one flow more has no port");
	table_ok(lb, FEW, "after that", version);
	harness_ok(&lb->harness, begin(lb, version, IPPROTO_UDP, BY_NAT, 0, FEW) == FEW,
		   "IPv%d: the other protocol has ports of its own", version);
	nat_set_rows(BY_NAT, "B0");
	harness_ok(&lb->harness, begin(lb, version, IPPROTO_TCP, BY_NAT, 2 * FEW, FEW) == FEW,
		   "IPv%d: another backend has ports of its own", version);
	nat_set_rows(BY_NAT, "A0");
	table_ok(lb, 3 * FEW, "in the end", version);
	harness_ok(&lb->harness, nat_counted_is(lb, (struct nat_counter){ .made = 3 * FEW }),
		   "IPv%d: so many were made, and nobody made room", version);
}

/* Every other port is tried of each source: not all are found, but more than one has. */
static void test_sources(struct lb_maps *lb, int version)
{
	unsigned int sources[NAT_SOURCES] = { 0 }, count;

	nat_clear(lb);
	count = begin(lb, version, IPPROTO_TCP, BY_NAT_SOURCES, 0, 2 * NAT_SOURCES * FEW);
	harness_ok(&lb->harness, count > NAT_SOURCES * FEW * 9 / 10 && count <= NAT_SOURCES * FEW,
		   "IPv%d: two sources have twice the ports: %u", version, count);
	table_ok(lb, count, "two sources", version);
	for (unsigned int i = 0; i < 2 * NAT_SOURCES * FEW; i++) {
		struct nat_flow flow = flow_at(version, IPPROTO_TCP, BY_NAT_SOURCES, i);

		if (nat_learn(lb, &flow) && flow.source < NAT_SOURCES)
			sources[flow.source]++;
	}
	harness_ok(&lb->harness, sources[0] > FEW * 9 / 10 && sources[1] > FEW * 9 / 10,
		   "IPv%d: each is used nearly to the end", version);
}

/* All ports of one source are taken and none of the other: new flows go out by that one. */
static void test_other_source(struct lb_maps *lb, int version)
{
	unsigned int count = 0, other = 0, i = 0;

	nat_clear(lb);
	begin(lb, version, IPPROTO_TCP, BY_NAT_SOURCES, 0, 2 * NAT_SOURCES * FEW);
	for (; i < 2 * NAT_SOURCES * FEW; i++) {
		struct nat_flow flow = flow_at(version, IPPROTO_TCP, BY_NAT_SOURCES, i);

		if (nat_learn(lb, &flow) && flow.source == 1)
			nat_set_words(lb, &flow, -1, ~0U);
	}
	for (; i < 2 * NAT_SOURCES * FEW + FEW / 2; i++) {
		struct nat_flow flow = flow_at(version, IPPROTO_TCP, BY_NAT_SOURCES, i);

		lb_maps_nat_unscarce(lb);
		count += nat_begin(lb, &flow);
		other += flow.source == 1;
	}
	harness_ok(&lb->harness, count == FEW / 2 && other > count * 8 / 10,
		   "IPv%d: when one source has no ports new flows go out by the other: %u of %u",
		   version, other, FEW / 2);
}

/* Two services have the same server: what it sees must differ all the same. */
static void test_shared_backend(struct lb_maps *lb, int version)
{
	struct target *one = &lb->targets[nat_target(version, IPPROTO_TCP, BY_NAT, 'A')];
	struct target *other = &lb->targets[nat_target(version, IPPROTO_TCP, BY_NAT_CLIENT, 'A')];
	__u8 was[16];

	nat_clear(lb);
	memcpy(was, other->dst, sizeof(was));
	memcpy(other->dst, one->dst, sizeof(was));
	begin(lb, version, IPPROTO_TCP, BY_NAT, 0, FEW / 2);
	harness_ok(&lb->harness,
		   begin(lb, version, IPPROTO_TCP, BY_NAT_CLIENT, 0, FEW - FEW / 2) ==
			   FEW - FEW / 2,
		   "IPv%d: two services with one server share its ports", version);
	table_ok(lb, FEW, "two services", version);
	refused(lb, version, IPPROTO_TCP, BY_NAT_CLIENT, FEW, "for the server there are no more");
	memcpy(other->dst, was, sizeof(was));
}

/* ---- ports of flows that have ended */

/* The next flow from the i-th that tries this port as the n-th one. */
static struct nat_flow tries(const struct lb_maps *lb, int version, __u16 port, unsigned int n)
{
	static unsigned int i = 1000;
	struct nat_flow flow;

	do
		flow = flow_at(version, IPPROTO_TCP, BY_NAT, i++);
	while (nat_port(nat_hash(lb, &flow), n, NAT_PORT_FIRST, FEW) != port);
	return flow;
}

/* The flow gets the port of `old`, which is gone. */
static void takes_port(struct lb_maps *lb, struct nat_flow flow, const struct nat_flow *old,
		       __u64 reused, const char *what)
{
	bool good = nat_begin(lb, &flow);

	good = nat_counted_is(lb, (struct nat_counter){ .made = 1, .reused = reused }) && good;
	if (!harness_ok(&lb->harness,
			good && flow.nat_port == old->nat_port && !nat_find(lb, old).word,
			"IPv%d: %s gives its port", old->version, what))
		printf("#   port %u, expected %u\n", flow.nat_port, old->nat_port);
	table_ok(lb, FEW, "a port taken over", old->version);
}

/* Ports that follow each other are tried one after the other. Returns a flow whose port is not the
 * last one, and the flow that has the next port. */
static struct nat_flow neighbours(struct lb_maps *lb, int version, struct nat_flow *next)
{
	struct nat_flow flow, one = { 0 };

	for (unsigned int i = 0; i < FEW; i++) {
		flow = flow_at(version, IPPROTO_TCP, BY_NAT, i);
		if (nat_learn(lb, &flow) && flow.nat_port == NAT_PORT_FIRST + 64)
			one = flow;
		if (flow.nat_port == NAT_PORT_FIRST + 65)
			*next = flow;
	}
	return one;
}

#define OPEN  (NAT_REPLIED | NAT_ASSURED)
#define ENDED (OPEN | NAT_FIN_CLIENT | NAT_FIN_BACKEND)
#define OLD   (NAT_CLOSING_TICKS - NAT_AGED_TICKS) /* ticks left of one that ended a minute ago */

static void fill(struct lb_maps *lb, int version)
{
	nat_clear(lb);
	lb_maps_nat_unscarce(lb);
	begin(lb, version, IPPROTO_TCP, BY_NAT, 0, FEW);
	for (unsigned int k = 0; k < FEW; k++) {
		struct nat_flow flow = flow_at(version, IPPROTO_TCP, BY_NAT, k);

		nat_set_words(lb, &flow, 500, OPEN);
	}
	nat_counted(lb);
}

static void test_kept(struct lb_maps *lb, int version)
{
	struct nat_flow young, old;
	unsigned int i = 900;

	fill(lb, version);
	young = neighbours(lb, version, &old);
	refused(lb, version, IPPROTO_TCP, BY_NAT, i++, "established flows keep their ports");
	nat_set_words(lb, &young, 1, OPEN | NAT_FIN_CLIENT);
	nat_set_words(lb, &old, 1, OPEN | NAT_FIN_BACKEND);
	refused(lb, version, IPPROTO_TCP, BY_NAT, i++,
		"flows that are half closed keep their ports");
	nat_set_words(lb, &young, NAT_CLOSING_TICKS, OPEN | NAT_RESET);
	nat_set_words(lb, &old, NAT_CLOSING_TICKS - NAT_DOUBT_TICKS + 1, OPEN | NAT_RESET);
	refused(lb, version, IPPROTO_TCP, BY_NAT, i++,
		"flows that may have been reset by a stranger keep their ports");
	nat_set_words(lb, &young, 0, 0);
	refused(lb, version, IPPROTO_TCP, BY_NAT, i++,
		"a flow that is about to expire keeps its port");
}

static void test_ended(struct lb_maps *lb, int version)
{
	const unsigned int aged = NAT_FREE_TRIES, any = NAT_AGED_TRIES;
	struct nat_flow young, old;

	fill(lb, version);
	young = neighbours(lb, version, &old);
	nat_set_words(lb, &old, -1, ~0U);
	takes_port(lb, tries(lb, version, old.nat_port, 0), &old, 0, "a flow that has expired");
	fill(lb, version);
	nat_set_words(lb, &old, OLD, ENDED);
	takes_port(lb, tries(lb, version, old.nat_port, aged), &old, 1,
		   "one that ended a minute ago");
	fill(lb, version);
	nat_set_words(lb, &young, OLD + 1, ENDED);
	nat_set_words(lb, &old, OLD, ENDED);
	takes_port(lb, tries(lb, version, young.nat_port, aged), &old, 1,
		   "the older of two that have ended");
	fill(lb, version);
	nat_set_words(lb, &young, OLD, ENDED);
	nat_set_words(lb, &old, OLD, ENDED);
	takes_port(lb, tries(lb, version, young.nat_port, NAT_FREE_TRIES - 1), &old, 1,
		   "one that ended, should it not be among the first ports,");
	fill(lb, version);
	nat_set_words(lb, &young, NAT_CLOSING_TICKS, ENDED);
	takes_port(lb, tries(lb, version, young.nat_port, any), &young, 1,
		   "one that has ended just now, should there be none else,");
	fill(lb, version);
	nat_set_words(lb, &young, NAT_CLOSING_TICKS - NAT_DOUBT_TICKS, OPEN | NAT_RESET);
	takes_port(lb, tries(lb, version, young.nat_port, any), &young, 1,
		   "one that was reset a moment ago");
	fill(lb, version);
	nat_set_words(lb, &young, NAT_RESET_TICKS, NAT_REPLIED | NAT_RESET);
	takes_port(lb, tries(lb, version, young.nat_port, any), &young, 1, "one that was refused");
}

/* ---- when there are none */

/*
 * After a packet has looked at all ports in vain, most of the packets that follow look at a few
 * only, every time at others. A port that has become free is found by a packet that has it among
 * these, or by the NAT_SEARCHES-th.
 */
static void test_scarce(struct lb_maps *lb, int version)
{
	struct nat_flow one = { 0 }, far = tries(lb, version, NAT_PORT_FIRST, 0), near;
	struct nat_packet first = first_of(&far);
	unsigned int packets;
	cpu_set_t cpus;
	__u32 now;

	/* Each CPU has to find out by itself. */
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	do {
		fill(lb, version);
		one = neighbours(lb, version, &one);
		far = tries(lb, version, one.nat_port, NAT_PORT_TRIES - 1);
		near = tries(lb, version, one.nat_port, NAT_AGED_TRIES + NAT_SCARCE_TRIES);
		now = lb_maps_nat_now(lb);
		nat_send(lb, &first);
		nat_set_words(lb, &one, -1, ~0U);
		for (packets = 1; packets <= 2 * NAT_SEARCHES && nat_send(lb, &first) != XDP_TX;)
			packets++;
	} while (now != lb_maps_nat_now(lb));
	harness_ok(&lb->harness, packets == NAT_SEARCHES,
		   "IPv%d: without ports the %dth packet looks for them everywhere: %u", version,
		   NAT_SEARCHES, packets);
	do {
		fill(lb, version);
		now = lb_maps_nat_now(lb);
		nat_send(lb, &first);
		nat_set_words(lb, &one, -1, ~0U);
		nat_begin(lb, &near);
	} while (now != lb_maps_nat_now(lb));
	harness_ok(&lb->harness, nat_learn(lb, &near) && near.nat_port == one.nat_port,
		   "IPv%d: the others find what is near", version);
	nat_set_words(lb, &near, -1, ~0U);
	harness_ok(&lb->harness, nat_send(lb, &first) == XDP_TX,
		   "IPv%d: once one was found all are looked at again", version);
}

/* A search in vain counts for its tick alone: in the next one all ports are looked at again. */
static void test_next_tick(struct lb_maps *lb, int version)
{
	struct nat_flow one = { 0 }, far = flow_at(version, IPPROTO_TCP, BY_NAT, 0);
	struct nat_packet first = first_of(&far);
	bool in_vain;
	__u32 now;

	fill(lb, version);
	one = neighbours(lb, version, &one);
	far = tries(lb, version, one.nat_port, NAT_PORT_TRIES - 1);
	in_vain = nat_send(lb, &first) == XDP_DROP;
	now = lb_maps_nat_now(lb);
	nat_set_words(lb, &one, -1, ~0U);
	while (now == lb_maps_nat_now(lb))
		usleep(10000);
	harness_ok(&lb->harness, in_vain && nat_send(lb, &first) == XDP_TX,
		   "IPv%d: in the next tick the last port of a search is found", version);
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ .nat_port_first = NAT_PORT_FIRST,
							  .nat_port_count = FEW }))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		test_exhausted(&lb, version);
		test_sources(&lb, version);
		test_other_source(&lb, version);
		test_shared_backend(&lb, version);
		test_kept(&lb, version);
		test_ended(&lb, version);
		test_scarce(&lb, version);
		test_next_tick(&lb, version);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
