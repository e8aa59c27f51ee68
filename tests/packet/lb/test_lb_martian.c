// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, packets from addresses that no client has, in the modes that keep the client's packet.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "lb/lb_case.h"
#include "maps/service_table.h"

#define OWN4       "203.0.113.5" /* addresses of this host */
#define OWN6       "2001:db8:5::5"
#define LOCAL_PORT 7000 /* a service in mode local at the VIPs; the next one is at any address */

static const struct {
	const char *address;
	int version;
	bool good;
} sources[] = {
	{ "0.0.0.0", 4 },
	{ "0.255.255.255", 4 },
	{ "127.0.0.1", 4 },
	{ "127.255.255.255", 4 },
	{ "224.0.0.1", 4 },
	{ "240.0.0.1", 4 },
	{ "255.255.255.255", 4 },
	{ VIP4, 4 },
	{ OWN4, 4 },
	{ "1.0.0.0", 4, true },
	{ "126.255.255.255", 4, true },
	{ "128.0.0.1", 4, true },
	{ "223.255.255.255", 4, true },
	{ "192.0.2.11", 4, true },
	{ "203.0.113.6", 4, true },
	{ "169.254.1.1", 4, true },
	{ "::", 6 },
	{ "::1", 6 },
	{ "::ffff:198.51.100.7", 6 },
	{ "ff02::1", 6 },
	{ "ffff::1", 6 },
	{ VIP6, 6 },
	{ OWN6, 6 },
	{ "::2", 6, true },
	{ "::1:0:1", 6, true },
	{ "::fffe:198.51.100.7", 6, true },
	{ "64:ff9b::198.51.100.7", 6, true },
	{ "2001:db8::11", 6, true },
	{ "fe00::1", 6, true },
	{ "fec0::1", 6, true },
};

static const struct {
	const char *name;
	unsigned int port;
	bool on_link; /* an IPv6 client's link-local address means something at the backend */
} ways[] = {
	{ "l2", PORT_L2, true },
	{ "l2, redirected", PORT_REDIRECT },
	{ "ipip over IPv4", PORT_IPIP4 },
	{ "ipip over IPv6", PORT_IPIP6 },
	{ "gue over IPv4", PORT_GUE4 },
	{ "gue over IPv6", PORT_GUE6 },
	{ "l2, rows that move", PORT_MOVES, true },
};

static void run(struct harness *h, const char *from, int version, size_t way, __u8 proto, bool good)
{
	char name[128];
	struct lb_case c = { name,
			     version,
			     proto,
			     .port = ways[way].port,
			     .ack = proto == IPPROTO_TCP,
			     .payload = 20,
			     .client = from };
	enum xdp_action sent = ways[way].port == PORT_REDIRECT ? XDP_REDIRECT : XDP_TX;

	snprintf(name, sizeof(name), "%s from %s by %s", proto == IPPROTO_TCP ? "TCP" : "UDP", from,
		 ways[way].name);
	lb_case_run(h, &c, good ? sent : XDP_DROP, good ? DROP_NONE : DROP_MARTIAN, 0);
}

static void test_sources(struct harness *h)
{
	for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
		for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
			run(h, sources[i].address, sources[i].version, way,
			    i % 2 ? IPPROTO_UDP : IPPROTO_TCP, sources[i].good);
		run(h, "fe80::7", 6, way, IPPROTO_UDP, ways[way].on_link);
		run(h, "febf::7", 6, way, IPPROTO_TCP, ways[way].on_link);
	}
}

/* Clients whose hash is that of an address of ours are none the worse for it. */
static void test_all_suspect(struct lb_maps *lb)
{
	static __u8 before[GUARD_SUSPECTS];

	memcpy(before, lb->guard->suspects, sizeof(before));
	memset(lb->guard->suspects, 1, sizeof(before));
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		run(&lb->harness, sources[i].address, sources[i].version, i % ARRAY_SIZE(ways),
		    IPPROTO_UDP, sources[i].good);
	memcpy(lb->guard->suspects, before, sizeof(before));
}

/* A martian makes no entry in the flow table. */
static void test_no_entry(struct lb_maps *lb)
{
	struct flow_counter before, after = { 0 };
	int err = lb_maps_flow_counters(lb, &before);

	lb_fixture_row(PORT_MOVES, 0, FIXTURE_TRACKED);
	run(&lb->harness, "127.9.9.9", 4, ARRAY_SIZE(ways) - 1, IPPROTO_UDP, false);
	run(&lb->harness, VIP6, 6, ARRAY_SIZE(ways) - 1, IPPROTO_TCP, false);
	if (!err)
		err = lb_maps_flow_counters(lb, &after);
	harness_ok(&lb->harness, !err && after.tracked == before.tracked,
		   "martians make no entries in the flow table");
	lb_fixture_row(PORT_MOVES, 0, FIXTURE_NOBODY);
}

/* IPv4's service is not to be had by IPv6 with its address mapped. */
static void to_mapped(struct pkt *p)
{
	struct ipv6hdr *ip = pkt_find(p, PKT_IP6, 0);

	inet_pton(AF_INET6, "::ffff:" VIP4, &ip->daddr);
}

static void test_mapped_destination(struct harness *h)
{
	struct lb_case c = { "IPv6 to a service's IPv4 address, mapped",
			     6,
			     IPPROTO_TCP,
			     .port = PORT_L2,
			     .ack = true,
			     .spoil = to_mapped };

	lb_case_run(h, &c, XDP_DROP, DROP_MARTIAN, 0);
	c.name = "IPv6 to a mapped address and no service is left to the kernel";
	c.port = PORT_UNKNOWN;
	lb_case_run(h, &c, XDP_PASS, DROP_NONE, 0);
}

static void to_own(struct pkt *p)
{
	if (((struct ethhdr *)p->bytes)->h_proto == htons(ETH_P_IP))
		inet_pton(AF_INET, OWN4, &((struct iphdr *)pkt_find(p, PKT_IP4, 0))->daddr);
	else
		inet_pton(AF_INET6, OWN6, &((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->daddr);
}

static int local_service(struct lb_maps *lb, const char *addr, unsigned int port)
{
	const struct service service = { .number = 1, .row_count = FIXTURE_ROWS };
	struct service_key key = { .port = htons(port), .proto = IPPROTO_UDP, .kind = KEY_LOCAL };

	inet_pton(AF_INET6, addr, key.addr);
	return service_table_set(lb->services, &key, &service);
}

/* Packets to services in mode local are the kernel's, martians are not. */
static void test_local(struct lb_maps *lb)
{
	struct harness *h = &lb->harness;

	if (!harness_ok(h,
			!local_service(lb, "::ffff:" VIP4, LOCAL_PORT) &&
				!local_service(lb, VIP6, LOCAL_PORT) &&
				!local_service(lb, "::", LOCAL_PORT + 1),
			"services in mode local"))
		return;
	for (int on = 0; on < 2; on++) {
		lb->switches->local = on;
		for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
			bool drop = on && !sources[i].good;
			char name[128];
			struct lb_case c = { name, sources[i].version, IPPROTO_UDP,
					     .port = LOCAL_PORT, .client = sources[i].address };

			snprintf(name, sizeof(name), "from %s to a service in mode local%s",
				 c.client, on ? "" : ", as if there were none");
			lb_case_run(h, &c, drop ? XDP_DROP : XDP_PASS,
				    drop ? DROP_MARTIAN : DROP_NONE, 0);
			snprintf(name, sizeof(name), "from %s to one at any address%s", c.client,
				 on ? "" : ", as if there were none");
			c.port = LOCAL_PORT + 1;
			c.spoil = to_own;
			lb_case_run(h, &c, drop ? XDP_DROP : XDP_PASS,
				    drop ? DROP_MARTIAN : DROP_NONE, 0);
		}
	}
	run(h, "198.51.100.8", 4, 0, IPPROTO_UDP, true);
	lb_case_run(h,
		    &(struct lb_case){ "from this host to another's port that a service has here",
				       4, IPPROTO_UDP, .port = LOCAL_PORT + 1, .client = OWN4 },
		    XDP_PASS, DROP_NONE, 0);
	lb_case_run(h,
		    &(struct lb_case){ "from this host to no service", 4, IPPROTO_UDP,
				       .port = PORT_UNKNOWN, .client = OWN4 },
		    XDP_PASS, DROP_NONE, 0);
	lb->switches->local = 0;
}

int main(void)
{
	struct lb_maps fixture;
	int status;

	if (lb_fixture_open(&fixture) || lb_maps_own(&fixture, OWN4) || lb_maps_own(&fixture, OWN6))
		return EXIT_FAILURE;
	test_sources(&fixture.harness);
	test_all_suspect(&fixture);
	test_no_entry(&fixture);
	test_mapped_destination(&fixture.harness);
	test_local(&fixture);
	status = harness_end(&fixture.harness);
	lb_maps_close(&fixture);
	return status;
}
