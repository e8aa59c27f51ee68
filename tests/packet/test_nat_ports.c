// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat: ports of ours, of which no two flows to one backend have the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat_packet.h"

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

static void test_sources(struct lb_maps *lb, int version)
{
	unsigned int sources[NAT_SOURCES] = { 0 };

	nat_clear(lb);
	harness_ok(&lb->harness,
		   begin(lb, version, IPPROTO_TCP, BY_NAT_SOURCES, 0, NAT_SOURCES * FEW) ==
			   NAT_SOURCES * FEW,
		   "IPv%d: two sources have twice the ports", version);
	table_ok(lb, NAT_SOURCES * FEW, "two sources", version);
	for (unsigned int i = 0; i < NAT_SOURCES * FEW; i++) {
		struct nat_flow flow = flow_at(version, IPPROTO_TCP, BY_NAT_SOURCES, i);

		if (nat_learn(lb, &flow) && flow.source < NAT_SOURCES)
			sources[flow.source]++;
	}
	harness_ok(&lb->harness, sources[0] == FEW && sources[1] == FEW,
		   "IPv%d: each is used to the end", version);
	refused(lb, version, IPPROTO_TCP, BY_NAT_SOURCES, NAT_SOURCES * FEW,
		"one flow more has none of either");
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

static struct nat_flow end_flow(struct lb_maps *lb, int version, unsigned int i, __u32 flags,
				int left)
{
	struct nat_flow flow = flow_at(version, IPPROTO_TCP, BY_NAT, i);

	nat_learn(lb, &flow);
	nat_set_words(lb, &flow, left, flags);
	return flow;
}

/* A new flow gets the port of `old`, which is gone. */
static void takes_port(struct lb_maps *lb, const struct nat_flow *old, unsigned int i, __u64 reused,
		       const char *what)
{
	struct nat_flow flow = flow_at(old->version, IPPROTO_TCP, BY_NAT, i);
	bool good = nat_begin(lb, &flow);

	good = nat_counted_is(lb, (struct nat_counter){ .made = 1, .reused = reused }) && good;
	if (!harness_ok(&lb->harness,
			good && flow.nat_port == old->nat_port && !nat_find(lb, old).word,
			"IPv%d: %s gives its port", old->version, what))
		printf("#   port %u, expected %u\n", flow.nat_port, old->nat_port);
	table_ok(lb, FEW, "a port taken over", old->version);
}

static void test_ended(struct lb_maps *lb, int version)
{
	const __u32 established = NAT_REPLIED | NAT_ASSURED;
	const __u32 ended = established | NAT_FIN_CLIENT | NAT_FIN_BACKEND;
	struct nat_flow old, older;
	unsigned int i = 1000;

	nat_clear(lb);
	begin(lb, version, IPPROTO_TCP, BY_NAT, 0, FEW);
	for (unsigned int k = 0; k < FEW; k++)
		end_flow(lb, version, k, established, 500);
	refused(lb, version, IPPROTO_TCP, BY_NAT, i++, "established flows keep their ports");
	end_flow(lb, version, 1, established | NAT_FIN_CLIENT, 1);
	refused(lb, version, IPPROTO_TCP, BY_NAT, i++, "a flow that is half closed keeps its port");
	end_flow(lb, version, 1, established, 500);
	nat_counted(lb);
	old = end_flow(lb, version, 3, established, -1);
	takes_port(lb, &old, i++, 0, "a flow that has expired");
	old = end_flow(lb, version, 5, ended, NAT_CLOSING_TICKS - NAT_AGED_TICKS);
	takes_port(lb, &old, i++, 1, "one that ended a minute ago");
	old = end_flow(lb, version, 7, ended, NAT_CLOSING_TICKS - 1);
	older = end_flow(lb, version, 9, ended, NAT_CLOSING_TICKS - NAT_AGED_TICKS - 1);
	takes_port(lb, &older, i++, 1, "the older one of two that have ended");
	takes_port(lb, &old, i++, 1, "the other one, should there be none else,");
	old = end_flow(lb, version, 11, established | NAT_RESET, NAT_RESET_TICKS);
	takes_port(lb, &old, i++, 1, "one that was reset");
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
		test_shared_backend(&lb, version);
		test_ended(&lb, version);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
