// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb packet by packet: what is balanced, what the kernel gets, what is dropped and why. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "lb/lb_case.h"

/* The ports that take every kind of packet. */
static const unsigned int ports[] = { PORT_L2,   PORT_IPIP4,    PORT_IPIP6,   PORT_GUE4,
				      PORT_GUE6, PORT_REDIRECT, PORT_SPREAD4, PORT_SPREAD6 };

static const char *how(unsigned int port)
{
	static const char *const names[] = { "l2",
					     "ipip over IPv4",
					     "ipip over IPv6",
					     "gue over IPv4",
					     "gue over IPv6",
					     "l2, redirected",
					     "ipip from a network, over IPv4",
					     "ipip from a network, over IPv6" };
	size_t i = 0;

	while (ports[i] != port)
		i++;
	return names[i];
}

/* Every mode with every kind of packet that a service gets. */
static void test_forwarded(struct harness *h)
{
	static const struct lb_case kinds[] = {
		{ "TCP SYN", .proto = IPPROTO_TCP, .syn = true },
		{ "TCP SYN with ACK", .proto = IPPROTO_TCP, .syn = true, .ack = true },
		{ "TCP ACK with data", .proto = IPPROTO_TCP, .ack = true, .payload = 333 },
		{ "UDP", .proto = IPPROTO_UDP, .payload = 100 },
		{ "UDP, odd length", .proto = IPPROTO_UDP, .payload = 37 },
		{ "UDP without data", .proto = IPPROTO_UDP },
		{ "UDP without checksum", .proto = IPPROTO_UDP, .payload = 55,
		  .no_udp_checksum = true },
		{ "TCP, DSCP EF and ECT(0)", .proto = IPPROTO_TCP, .ack = true, .tos = 0xba },
		{ "TCP, CE", .proto = IPPROTO_TCP, .ack = true, .tos = 0x03, .payload = 1 },
		{ "TCP with options before it", .proto = IPPROTO_TCP, .ack = true,
		  .extra = EXTRA_OPTIONS, .payload = 20 },
		{ "UDP with options before it", .proto = IPPROTO_UDP, .extra = EXTRA_OPTIONS },
		{ "TCP ACK, padded to 60 bytes", .proto = IPPROTO_TCP, .ack = true, .padding = 6 },
		{ "TCP, garbage behind the packet", .proto = IPPROTO_TCP, .ack = true,
		  .payload = 100, .padding = 77 },
		{ "UDP, short, garbage behind the packet", .proto = IPPROTO_UDP, .padding = 500 },
		{ "SCTP INIT", .proto = IPPROTO_SCTP, .chunk = 1, .payload = 16 },
		{ "SCTP DATA", .proto = IPPROTO_SCTP, .chunk = 0, .payload = 333 },
		{ "SCTP COOKIE ACK", .proto = IPPROTO_SCTP, .chunk = 11 },
		{ "TCP, largest that fits", .proto = IPPROTO_TCP, .ack = true, .payload = 1340 },
	};
	char name[128];

	for (int version = 4; version <= 6; version += 2)
		for (size_t p = 0; p < ARRAY_SIZE(ports); p++)
			for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
				struct lb_case c = kinds[i];

				snprintf(name, sizeof(name), "IPv%d %s by %s", version,
					 kinds[i].name, how(ports[p]));
				c.name = name;
				c.version = version;
				c.port = ports[p];
				lb_case_run(h, &c,
					    ports[p] == PORT_REDIRECT ? XDP_REDIRECT : XDP_TX,
					    DROP_NONE, 0);
			}
}

static void test_extension_headers(struct harness *h)
{
	static const struct lb_case forwarded[] = {
		{ "IPv6 extension headers one after another", 6, IPPROTO_TCP, 0, PORT_IPIP6, 10,
		  EXTRA_CHAIN, .ack = true },
		{ "IPv6 extension headers in gue over IPv6", 6, IPPROTO_TCP, 0, PORT_GUE6, 11,
		  EXTRA_CHAIN, .ack = true },
		{ "IPv6 eight extension headers before UDP", 6, IPPROTO_UDP, 0, PORT_IPIP4, 10,
		  EXTRA_LONGEST },
		{ "IPv6 eight extension headers in gue over IPv6", 6, IPPROTO_UDP, 0, PORT_GUE6, 12,
		  EXTRA_LONGEST },
		{ "IPv6 fragment header of a whole packet by l2", 6, IPPROTO_TCP, 0, PORT_L2, 10,
		  EXTRA_ATOMIC, .syn = true },
		{ "IPv6 fragment header of a whole packet in ipip", 6, IPPROTO_UDP, 0, PORT_IPIP6,
		  10, EXTRA_ATOMIC },
		{ "IPv6 fragment header of a whole packet in gue", 6, IPPROTO_UDP, 0, PORT_GUE6, 13,
		  EXTRA_ATOMIC },
		{ "IPv6 extension headers before SCTP", 6, IPPROTO_SCTP, 0, PORT_GUE6, 10,
		  EXTRA_CHAIN },
		{ "IPv6 authentication header by l2", 6, IPPROTO_UDP, 0, PORT_L2, 10, EXTRA_AUTH },
		{ "IPv6 authentication header in gue", 6, IPPROTO_TCP, 0, PORT_GUE6, 10, EXTRA_AUTH,
		  .ack = true },
	};
	static const struct lb_case passed[] = {
		{ "IPv6 nine extension headers are left to the kernel", 6, IPPROTO_TCP, 0, PORT_L2,
		  0, EXTRA_TOO_MANY },
		{ "IPv6 1,024 bytes of extension headers are left to the kernel", 6, IPPROTO_TCP, 0,
		  PORT_L2, 0, EXTRA_TOO_LONG },
		{ "IPv6 with a segment left in a routing header is left to the kernel", 6,
		  IPPROTO_TCP, 0, PORT_L2, 0, EXTRA_ON_ITS_WAY },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		lb_case_run(h, &forwarded[i], XDP_TX, DROP_NONE, 0);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		lb_case_run(h, &passed[i], XDP_PASS, DROP_NONE, 0);
}

static void test_source_routes(struct harness *h)
{
	static const struct lb_case forwarded[] = {
		{ "IPv4 with a source route that is used up, by l2", 4, IPPROTO_TCP, 0, PORT_L2, 10,
		  EXTRA_ARRIVED, .ack = true },
		{ "IPv4 with a source route that is used up, by ipip", 4, IPPROTO_UDP, 0,
		  PORT_IPIP4, 10, EXTRA_ARRIVED },
		{ "IPv4 with an option of no length is the backend's to judge", 4, IPPROTO_UDP, 0,
		  PORT_L2, 10, EXTRA_BAD_OPTION },
	};
	static const struct lb_case passed[] = {
		{ "IPv4 with a loose source route is left to the kernel", 4, IPPROTO_TCP, 0,
		  PORT_L2, 0, EXTRA_ON_ITS_WAY },
		{ "IPv4 with a strict one behind other options is left to the kernel", 4,
		  IPPROTO_UDP, 0, PORT_GUE4, 0, EXTRA_STRICT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		lb_case_run(h, &forwarded[i], XDP_TX, DROP_NONE, 0);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		lb_case_run(h, &passed[i], XDP_PASS, DROP_NONE, 0);
}

static void to_multicast(struct pkt *p)
{
	((struct ethhdr *)p->bytes)->h_dest[0] = 1;
}

static void to_other_address(struct pkt *p)
{
	struct ethhdr *eth = (void *)p->bytes;

	if (eth->h_proto == htons(ETH_P_IP))
		((struct iphdr *)pkt_find(p, PKT_IP4, 0))->daddr ^= htonl(1);
	else
		((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->daddr.s6_addr[15] ^= 1;
}

static void other_protocol(struct pkt *p)
{
	struct ethhdr *eth = (void *)p->bytes;

	if (eth->h_proto == htons(ETH_P_IP))
		((struct iphdr *)pkt_find(p, PKT_IP4, 0))->protocol = IPPROTO_ESP;
	else
		((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->nexthdr = IPPROTO_ESP;
}

static void arp(struct pkt *p)
{
	((struct ethhdr *)p->bytes)->h_proto = htons(ETH_P_ARP);
}

static void other_address_bad_length(struct pkt *p)
{
	to_other_address(p);
	if (((struct ethhdr *)p->bytes)->h_proto == htons(ETH_P_IP))
		((struct iphdr *)pkt_find(p, PKT_IP4, 0))->tot_len = htons(2000);
	else
		((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->payload_len = htons(2000);
}

/* None of our business, or not yet: the kernel gets it as it came. */
static void test_passed(struct harness *h)
{
	static const struct lb_case cases[] = {
		{ "TCP to a port that is no service", .proto = IPPROTO_TCP, .port = PORT_UNKNOWN },
		{ "UDP to a port that is no service", .proto = IPPROTO_UDP, .port = PORT_UNKNOWN },
		{ "another address", .proto = IPPROTO_TCP, .port = PORT_L2,
		  .spoil = to_other_address },
		{ "lying length to another address", .proto = IPPROTO_TCP, .port = PORT_L2,
		  .spoil = other_address_bad_length },
		{ "a multicast frame", .proto = IPPROTO_TCP, .port = PORT_L2,
		  .spoil = to_multicast },
		{ "another protocol", .proto = IPPROTO_TCP, .port = PORT_L2,
		  .spoil = other_protocol },
		{ "another Ethernet type", .proto = IPPROTO_TCP, .port = PORT_L2, .spoil = arp },
	};
	char name[128];
	struct lb_case c;

	for (int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			snprintf(name, sizeof(name), "IPv%d %s is left to the kernel", version,
				 cases[i].name);
			c = cases[i];
			c.name = name;
			c.version = version;
			lb_case_run(h, &c, XDP_PASS, DROP_NONE, 0);
		}
}

static void vlan_in(struct pkt *p, __attribute__((unused)) const void *arg)
{
	pkt_eth(p);
	pkt_vlan(p, ETH_P_8021Q, 100);
	pkt_ip4(p, CLIENT4, VIP4);
	pkt_tcp(p, 40000, PORT_L2);
	pkt_finish(p);
}

static void neighbour_solicitation_in(struct pkt *p, __attribute__((unused)) const void *arg)
{
	pkt_eth(p);
	pkt_ip6(p, CLIENT6, VIP6)->hop_limit = 255;
	pkt_icmp6(p, 135, 0);
	pkt_payload(p, 20);
	pkt_finish(p);
}

static void ping_in(struct pkt *p, __attribute__((unused)) const void *arg)
{
	pkt_eth(p);
	pkt_ip4(p, CLIENT4, VIP4);
	pkt_icmp(p, ICMP_ECHO, 0);
	pkt_payload(p, 56);
	pkt_finish(p);
}

static void runt_in(struct pkt *p, __attribute__((unused)) const void *arg)
{
	pkt_eth(p);
	pkt_payload(p, 4);
	pkt_finish(p);
}

static void test_other_frames(struct harness *h)
{
	static const struct harness_row rows[] = {
		{ "a VLAN tag is left to the kernel", vlan_in, .verdict = XDP_PASS },
		{ "an IPv6 neighbour solicitation is left to the kernel", neighbour_solicitation_in,
		  .verdict = XDP_PASS },
		{ "a ping to a service's address is left to the kernel", ping_in,
		  .verdict = XDP_PASS },
		{ "a frame of an unknown type is left to the kernel", runt_in,
		  .verdict = XDP_PASS },
	};

	harness_run(h, rows, ARRAY_SIZE(rows));
}

/* Well-formed, for a service, and nowhere to go. */
static void test_dropped(struct harness *h)
{
	static const struct {
		const char *name;
		unsigned int port;
		enum drop_reason reason;
	} cases[] = {
		{ "no backend in the row", PORT_EMPTY, DROP_NO_BACKEND },
		{ "a target not in use", PORT_NO_TARGET, DROP_NO_TARGET },
		{ "a way out that is none of ours", PORT_NO_WAY, DROP_NO_TARGET },
	};
	char name[128];

	for (int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct lb_case c = { name, version, IPPROTO_TCP, .port = cases[i].port,
					     .ack = true };

			snprintf(name, sizeof(name), "IPv%d %s", version, cases[i].name);
			lb_case_run(h, &c, XDP_DROP, cases[i].reason, 0);
		}
}

/* A packet as long as the MTU of its way out is forwarded. */
static void test_largest(struct harness *h)
{
	static const struct {
		const char *name;
		unsigned int port, payload[2]; /* by IP version: most that fits */
	} cases[] = {
		{ "l2", PORT_SMALL_L2, { 160, 140 } },
		{ "ipip over IPv4", PORT_SMALL_IPIP4, { 140, 120 } },
		{ "ipip over IPv6", PORT_SMALL_IPIP6, { 120, 100 } },
		{ "gue over IPv4", PORT_SMALL_GUE4, { 128, 108 } },
		{ "gue over IPv6", PORT_SMALL_GUE6, { 108, 88 } },
	};
	static struct pkt in, out;

	for (int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct lb_case c = { NULL,
					     version,
					     IPPROTO_TCP,
					     .port = cases[i].port,
					     .payload = cases[i].payload[version == 6],
					     .ack = true };
			enum xdp_action verdict = XDP_ABORTED;
			int err;

			pkt_clear(&in);
			lb_case_in(&in, &c);
			err = harness_frame(h->program_fd, HARNESS_LOOPBACK, &in, &out, &verdict);
			harness_ok(h, !err && verdict == XDP_TX,
				   "IPv%d by %s, as long as the MTU, is forwarded", version,
				   cases[i].name);
		}
}

/* UDP may say less than there is: its checksum then says nothing of the rest. */
static void test_short_udp(struct harness *h)
{
	for (int version = 4; version <= 6; version += 2) {
		struct lb_case c = { version == 4 ? "IPv4 UDP with bytes behind it, gue over IPv6"
						  : "IPv6 UDP with bytes behind it, gue over IPv6",
				     version,
				     IPPROTO_UDP,
				     .port = PORT_GUE6,
				     .payload = 24,
				     .behind_udp = 5 };

		lb_case_run(h, &c, XDP_TX, DROP_NONE, 0);
	}
}

/* Without headroom there is no encapsulation, and l2 does not care. */
static void test_headroom(struct harness *h)
{
	struct lb_case c = { "IPv4 by gue over IPv6 without headroom is dropped and counted", 4,
			     IPPROTO_TCP, .port = PORT_GUE6, .ack = true };

	lb_case_run(h, &c, XDP_DROP, DROP_NO_ROOM, 216);
	c.name = "IPv4 by l2 without headroom";
	c.port = PORT_L2;
	lb_case_run(h, &c, XDP_TX, DROP_NONE, 216);
}

static bool outer_sum_is_zero(const struct lb_case *c)
{
	static struct pkt p;

	pkt_clear(&p);
	lb_case_out(&p, c);
	return ((struct udphdr *)pkt_find(&p, PKT_UDP, 0))->check == 0xffff;
}

/* UDP over IPv6 must not say that there is no checksum: a sum of 0 is written as 0xffff. The source
 * port, which is in the outer headers by its hash, is tried until one has this sum. */
static void test_gue_zero_checksum(struct harness *h, int version)
{
	char name[128];
	struct lb_case c = { name,         version,
			     IPPROTO_UDP,  .port = PORT_GUE6,
			     .payload = 4, .no_udp_checksum = true };

	while (!outer_sum_is_zero(&c) && c.payload < 64) {
		if (++c.source < 20000)
			continue;
		c.source = 0;
		c.payload++;
	}
	snprintf(name, sizeof(name),
		 "IPv%d UDP without a checksum by gue over IPv6 whose checksum becomes 0: found",
		 version);
	harness_ok(h, outer_sum_is_zero(&c), "%s", name);
	lb_case_run(h, &c, XDP_TX, DROP_NONE, 0);
}

/* Returns how many of the ports have a service that a SYN to them reaches. */
static unsigned int reached(struct lb_maps *lb, unsigned int first, unsigned int count)
{
	static struct pkt in, out;
	enum xdp_action verdict;
	unsigned int found = 0;

	for (unsigned int port = first; port < first + count; port++) {
		struct lb_case c = {
			.version = 4, .proto = IPPROTO_TCP, .syn = true, .port = port
		};

		pkt_clear(&in);
		lb_case_in(&in, &c);
		found += !harness_frame(lb->harness.program_fd, HARNESS_LOOPBACK, &in, &out,
					&verdict) &&
			 verdict == XDP_TX;
	}
	return found;
}

/* So many services that keys are in both buckets that they may be in, and in each slot of these. */
static void test_many_services(struct lb_maps *lb)
{
	const struct service service = { .number = fixture_target(PORT_L2, 4, IPPROTO_TCP),
					 .row_count = FIXTURE_ROWS };
	unsigned int first = 20000, count = 0;

	while (count < 24000 && !lb_maps_service(lb, 4, first + count, IPPROTO_TCP, &service))
		count++;
	harness_ok(&lb->harness, count > 2 * POISE_MAX_SERVICES,
		   "there is room for more than %u services", 2 * POISE_MAX_SERVICES);
	harness_ok(&lb->harness, reached(lb, first, count) == count, "and each of them is found");
}

int main(void)
{
	struct lb_maps fixture;
	int status;

	if (lb_fixture_open(&fixture))
		return EXIT_FAILURE;
	test_forwarded(&fixture.harness);
	test_extension_headers(&fixture.harness);
	test_source_routes(&fixture.harness);
	test_passed(&fixture.harness);
	test_other_frames(&fixture.harness);
	test_dropped(&fixture.harness);
	test_largest(&fixture.harness);
	test_short_udp(&fixture.harness);
	test_headroom(&fixture.harness);
	test_gue_zero_checksum(&fixture.harness, 4);
	test_gue_zero_checksum(&fixture.harness, 6);
	test_many_services(&fixture);
	status = harness_end(&fixture.harness);
	lb_maps_close(&fixture);
	return status;
}
