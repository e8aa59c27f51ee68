// SPDX-License-Identifier: BSD-2-Clause
/* Mode local: which socket a look-up is given, which sockets are found. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/array.h"
#include "local/local_fixture.h"
#include "poise/flow.h"
#include "kernel/local_impl.h"

#include "gen/local.skel.h" /* needs the types above */

/* Targets. */
enum {
	NOBODY,
	FIRST,     /* 127.0.0.1:8001 */
	SECOND,    /* 127.0.0.1:8002 */
	ONLY6,     /* [::1]:8003, no IPv4 */
	BOTH,      /* [::]:8004 */
	UDP_FIRST, /* 127.0.0.1:9001 */
	UDP_SECOND,
	UDP_ONLY6,
	ABSENT, /* nothing listens */
	GROUP,  /* two sockets */
};

#define TCP IPPROTO_TCP
#define UDP IPPROTO_UDP
#define ROW(target)                                                                                \
	{                                                                                          \
		target, 0                                                                          \
	}
#define TRACKED(target)                                                                            \
	{                                                                                          \
		target, ROW_TRACKED                                                                \
	}

static const struct {
	const char *listen;
	__u8 proto;
	__u16 flags;
	struct row rows[4];
	size_t count;
} services[] = {
	{ "192.0.2.10:80", TCP, 0, { ROW(FIRST) }, 1 },
	{ "0.0.0.0:80", TCP, 0, { ROW(SECOND) }, 1 },
	{ "[::]:81", TCP, 0, { ROW(FIRST), ROW(ONLY6) }, 2 },
	{ "[2001:db8::10]:80", TCP, 0, { ROW(ONLY6) }, 1 },
	{ "0.0.0.0:53", UDP, SERVICE_TRACK, { TRACKED(UDP_FIRST), TRACKED(UDP_SECOND) }, 2 },
	{ "[::]:53", UDP, SERVICE_TRACK, { TRACKED(UDP_ONLY6) }, 1 },
	{ "0.0.0.0:82", TCP, 0, { ROW(ABSENT), ROW(ABSENT), ROW(ABSENT), ROW(SECOND) }, 4 },
	{ "0.0.0.0:83", TCP, 0, { ROW(ABSENT) }, 1 },
	{ "0.0.0.0:84", TCP, 0, { ROW(0) }, 1 },
	{ "[::]:85", TCP, 0, { ROW(BOTH) }, 1 },
	{ "0.0.0.0:86", TCP, 0, { ROW(FIRST), ROW(FIRST), ROW(FIRST), ROW(SECOND) }, 4 },
	{ "[2001:db8::10]:86", TCP, 0, { ROW(BOTH), ROW(BOTH), ROW(BOTH), ROW(ONLY6) }, 4 },
};

#define SERVICES (ARRAY_SIZE(services))

struct lookup_row {
	const char *name;
	const char *remote, *to;
	__u8 proto;
	int target;
	struct harness_counter count; /* of that target */
};

#define NEW_FLOW                                                                                   \
	{                                                                                          \
		.new_flows = 1                                                                     \
	}

static const struct lookup_row lookups[] = {
	{ "the service at the address itself is found", "10.0.0.1:5000", "192.0.2.10:80", TCP,
	  FIRST, NEW_FLOW },
	{ "another address is the wildcard's", "10.0.0.1:5000", "192.0.2.11:80", TCP, SECOND,
	  NEW_FLOW },
	{ "an address of the loopback interface is, too", "127.0.0.1:5000", "127.0.0.1:80", TCP,
	  SECOND, NEW_FLOW },
	{ "another port is not ours", "10.0.0.1:5000", "192.0.2.10:88", TCP, NOBODY },
	{ "another protocol is not ours", "10.0.0.1:5000", "192.0.2.10:80", UDP, NOBODY },
	{ "a backend's own address is not ours", "10.0.0.1:5000", "127.0.0.1:8001", TCP, NOBODY },
	{ "0.0.0.0 is not for IPv6", "[2001:db8::1]:5000", "[2001:db8::11]:80", TCP, NOBODY },
	{ "a service over IPv6 is found", "[2001:db8::1]:5000", "[2001:db8::10]:80", TCP, ONLY6,
	  NEW_FLOW },
	{ "[::] serves IPv4, by a socket that takes it", "10.0.0.1:5000", "192.0.2.10:81", TCP,
	  FIRST, NEW_FLOW },
	{ "... from any port", "10.0.0.1:5001", "192.0.2.10:81", TCP, FIRST, NEW_FLOW },
	{ "... and another", "10.0.0.1:5002", "192.0.2.10:81", TCP, FIRST, NEW_FLOW },
	{ "[::] serves IPv6, by a socket that takes it", "[2001:db8::1]:5000", "[2001:db8::10]:81",
	  TCP, ONLY6, NEW_FLOW },
	{ "... from any port", "[2001:db8::1]:5001", "[2001:db8::10]:81", TCP, ONLY6, NEW_FLOW },
	{ "... and another", "[2001:db8::1]:5002", "[2001:db8::10]:81", TCP, ONLY6, NEW_FLOW },
	{ "a socket of both families takes IPv4", "10.0.0.1:5000", "192.0.2.10:85", TCP, BOTH,
	  NEW_FLOW },
	{ "... and IPv6", "[2001:db8::1]:5000", "[2001:db8::10]:85", TCP, BOTH, NEW_FLOW },
	{ "a target without a socket is passed over", "10.0.0.1:5000", "192.0.2.10:82", TCP, SECOND,
	  NEW_FLOW },
	{ "... whatever the row", "10.0.0.1:5001", "192.0.2.10:82", TCP, SECOND, NEW_FLOW },
	{ "where no target has a socket the kernel looks on", "10.0.0.1:5000", "192.0.2.10:83", TCP,
	  NOBODY },
	{ "where no row has a target it does, too", "10.0.0.1:5000", "192.0.2.10:84", TCP, NOBODY },
	{ "a datagram over IPv6",
	  "[2001:db8::1]:5000",
	  "[2001:db8::10]:53",
	  UDP,
	  UDP_ONLY6,
	  { .packets = 1, .new_flows = 1 } },
	{ "... another one is counted, and no new flow",
	  "[2001:db8::1]:5000",
	  "[2001:db8::10]:53",
	  UDP,
	  UDP_ONLY6,
	  { .packets = 1 } },
};

static void test_lookups(struct local_fixture *fix)
{
	for (size_t i = 0; i < ARRAY_SIZE(lookups); i++) {
		const struct lookup_row *row = &lookups[i];
		struct harness_counter before = local_counted(fix, row->target), after;
		int target = local_lookup(fix, row->remote, row->to, row->proto);

		after = local_counted(fix, row->target);
		after.packets -= before.packets;
		after.new_flows -= before.new_flows;
		if (!harness_ok(&fix->harness,
				target == row->target && !after.bytes &&
					after.packets == row->count.packets &&
					after.new_flows == row->count.new_flows,
				"%s", row->name))
			printf("# target %d, %llu packets, %llu new flows\n", target,
			       (unsigned long long)after.packets,
			       (unsigned long long)after.new_flows);
	}
}

/* The row is that of the same hash as in the packet path. */
static int owner_by_hash(const struct local_fixture *fix, __u16 service, __u16 port, bool v6)
{
	__u64 hash;

	if (v6) {
		__be32 from[4], to[4];

		inet_pton(AF_INET6, "2001:db8::1", from);
		inet_pton(AF_INET6, "2001:db8::10", to);
		hash = flow_hash6(fix->hash_key, from, to, htons(port), htons(86), TCP);
	} else {
		hash = flow_hash4(fix->hash_key, inet_addr("10.0.0.1"), inet_addr("192.0.2.10"),
				  htons(port), htons(86), TCP);
	}
	return lb_rows_get(fix->rows[service])[flow_row(flow_tag(hash), LOCAL_ROWS)].current_target;
}

static void test_weights(struct local_fixture *fix, bool v6)
{
	unsigned int wrong = 0, light = 0;
	char remote[32];

	for (unsigned int port = 10000; port < 12000; port++) {
		int target;

		snprintf(remote, sizeof(remote), v6 ? "[2001:db8::1]:%u" : "10.0.0.1:%u", port);
		target = local_lookup(fix, remote, v6 ? "[2001:db8::10]:86" : "192.0.2.10:86", TCP);
		wrong += target != owner_by_hash(fix, v6 ? 11 : 10, port, v6);
		light += target == (v6 ? ONLY6 : SECOND);
	}
	harness_ok(&fix->harness, !wrong && light > 400 && light < 600,
		   "%s: 2000 connections go where their hash says, a quarter to a quarter's weight "
		   "(%u, %u wrong)",
		   v6 ? "IPv6" : "IPv4", light, wrong);
}

/* How many of the looked up went to FIRST (or UDP_FIRST). */
static unsigned int spread(struct local_fixture *fix, const char *to, __u8 proto, unsigned int from,
			   unsigned int count, int first)
{
	unsigned int got = 0;
	char remote[32];

	for (unsigned int port = from; port < from + count; port++) {
		snprintf(remote, sizeof(remote), "10.0.0.1:%u", port);
		got += local_lookup(fix, remote, to, proto) == first;
	}
	return got;
}

static void test_tracking(struct local_fixture *fix)
{
	const struct row clients[] = { TRACKED(FIRST), TRACKED(SECOND) };
	const struct row moved[] = { { UDP_SECOND, UDP_FIRST } };
	const struct row datagrams[] = { { UDP_FIRST, UDP_FIRST } };
	unsigned int first;
	int target;

	/* A datagram's entry is followed when its row is another's. */
	local_service(fix, 12, "0.0.0.0:90", UDP, SERVICE_TRACK, datagrams, 1);
	target = local_lookup(fix, "10.0.0.1:5000", "192.0.2.10:90", UDP);
	local_service(fix, 12, "0.0.0.0:90", UDP, SERVICE_TRACK, moved, 1);
	harness_ok(&fix->harness,
		   target == UDP_FIRST &&
			   local_lookup(fix, "10.0.0.1:5000", "192.0.2.10:90", UDP) == UDP_FIRST,
		   "a datagram follows its flow's entry");
	/* hash: source */
	local_service(fix, 13, "0.0.0.0:91", TCP, SERVICE_HASH_SOURCE, clients, 2);
	first = spread(fix, "192.0.2.10:91", TCP, 5000, 100, FIRST);
	harness_ok(&fix->harness, first == 0 || first == 100,
		   "hash: source: a client's connections have one backend (%u of 100)", first);
}

static void test_schedulers(struct local_fixture *fix)
{
	const struct row rows[] = { ROW(FIRST), ROW(SECOND) };
	struct load *loads = lb_loads(fix->lb);
	unsigned int first;

	local_service(fix, 14, "0.0.0.0:92", TCP, SCHEDULER_ROUNDROBIN << SERVICE_SCHEDULER_SHIFT,
		      rows, 2);
	first = spread(fix, "192.0.2.10:92", TCP, 5000, 100, FIRST);
	harness_ok(&fix->harness, first == 50, "roundrobin: 100 connections, %u to the first",
		   first);
	local_service(fix, 14, "0.0.0.0:92", TCP, SCHEDULER_RANDOM << SERVICE_SCHEDULER_SHIFT, rows,
		      2);
	first = spread(fix, "192.0.2.10:92", TCP, 5000, 1, FIRST) * 50;
	for (int i = 0; i < 100; i++)
		first += spread(fix, "192.0.2.10:92", TCP, 5000, 1, FIRST);
	harness_ok(&fix->harness, first > 20 && first < 130, "random: the same client is spread");
	local_service(fix, 14, "0.0.0.0:92", TCP, SCHEDULER_LEASTCONN << SERVICE_SCHEDULER_SHIFT,
		      rows, 2);
	loads[FIRST] = (struct load){ .base = 1000, .weight = 1 };
	loads[SECOND] = (struct load){ .weight = 1 };
	first = spread(fix, "192.0.2.10:92", TCP, 5000, 100, FIRST);
	/* Two rows of one backend leave no choice: one flow in four. */
	harness_ok(&fix->harness, first > 10 && first < 45 && loads[SECOND].assigned == 100 - first,
		   "leastconn: 100 connections, %u to who has many", first);
}

static void test_find(struct local_fixture *fix)
{
	int other = local_listen("127.0.0.1:8009", LISTEN_GROUP), found, mptcp;
	struct local_mark mark;
	int marks = bpf_map__fd(fix->local->skel->maps.local_marks);
	bool all = false;

	harness_ok(&fix->harness, local_find_text(fix, ABSENT, "127.0.0.1:8008", TCP) == LOCAL_NONE,
		   "where nothing listens nothing is found");
	harness_ok(&fix->harness, local_find_text(fix, ABSENT, "127.0.0.1:9001", TCP) == LOCAL_NONE,
		   "a socket of another protocol is none");
	for (int i = 0; i < 20 && !all; i++) {
		local_find_text(fix, GROUP, "127.0.0.1:8009", TCP);
		all = !bpf_map_lookup_elem(marks, &other, &mark) &&
		      !bpf_map_lookup_elem(marks, &fix->sockets[GROUP], &mark);
	}
	harness_ok(&fix->harness, all && mark.port == htons(8009),
		   "every member of a SO_REUSEPORT group is marked");
	close(other);
	close(fix->sockets[SECOND]);
	fix->sockets[SECOND] = -1;
	harness_ok(&fix->harness,
		   local_lookup(fix, "10.0.0.1:5000", "192.0.2.11:80", TCP) == NOBODY,
		   "a socket that is closed is given nobody");
	found = local_backend(fix, SECOND, "127.0.0.1:8002", LISTEN_TCP);
	harness_ok(&fix->harness,
		   !found && local_lookup(fix, "10.0.0.1:5000", "192.0.2.11:80", TCP) == SECOND,
		   "the server is back: its new socket is found");
	mptcp = local_listen("127.0.0.1:8011", LISTEN_MPTCP);
	if (mptcp < 0) {
		harness_skip(&fix->harness, "Multipath TCP", "this kernel has none");
		return;
	}
	found = local_find_text(fix, ABSENT, "127.0.0.1:8011", TCP);
	harness_ok(&fix->harness, found == LOCAL_REFUSED || found == LOCAL_FOUND,
		   "a server with Multipath TCP is found (%d)", found);
	close(mptcp);
}

int main(void)
{
	struct local_fixture fix;
	int err = local_fixture_open(&fix);

	if (!err)
		err = local_backend(&fix, FIRST, "127.0.0.1:8001", LISTEN_TCP);
	if (!err)
		err = local_backend(&fix, SECOND, "127.0.0.1:8002", LISTEN_TCP);
	if (!err)
		err = local_backend(&fix, ONLY6, "[::1]:8003", LISTEN_IPV6_ONLY);
	if (!err)
		err = local_backend(&fix, BOTH, "[::]:8004", LISTEN_TCP);
	if (!err)
		err = local_backend(&fix, UDP_FIRST, "127.0.0.1:9001", LISTEN_UDP);
	if (!err)
		err = local_backend(&fix, UDP_SECOND, "127.0.0.1:9002", LISTEN_UDP);
	if (!err)
		err = local_backend(&fix, UDP_ONLY6, "[::1]:9003", LISTEN_UDP);
	if (!err)
		err = local_backend(&fix, GROUP, "127.0.0.1:8009", LISTEN_GROUP);
	for (__u16 i = 0; i < SERVICES && !err; i++)
		err = local_service(&fix, i, services[i].listen, services[i].proto,
				    services[i].flags, services[i].rows, services[i].count);
	if (harness_ok(&fix.harness, !err, "programs, sockets and services are there (%d)", err)) {
		test_lookups(&fix);
		test_weights(&fix, false);
		test_weights(&fix, true);
		test_tracking(&fix);
		test_schedulers(&fix);
		test_find(&fix);
	}
	local_fixture_close(&fix);
	return harness_end(&fix.harness);
}
