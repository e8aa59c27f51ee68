// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat: packets of both directions, byte by byte, and who gets none. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "nat/nat_packet.h"

#define CLIENT      7
#define CLIENT_PORT 40000

static struct nat_flow new_flow(int version, __u8 proto, unsigned int service)
{
	static __u16 port = CLIENT_PORT;

	return (struct nat_flow){ version, proto, service, CLIENT, port++, 'A', 0, 0 };
}

static const char *proto_name(const struct nat_flow *flow)
{
	return flow->proto == IPPROTO_TCP ? "TCP" : "UDP";
}

static void run(struct lb_maps *lb, const struct nat_packet *packet, enum xdp_action verdict,
		enum drop_reason drop, bool begun, const char *what)
{
	char name[192];

	snprintf(name, sizeof(name), "IPv%d %s: %s", packet->flow->version,
		 proto_name(packet->flow), what);
	nat_packet_run(lb, packet, verdict, drop, begun, name);
}

static void run_answered(struct lb_maps *lb, const struct nat_packet *packet, enum drop_reason drop,
			 struct answered answer, const char *what)
{
	char name[192];

	snprintf(name, sizeof(name), "IPv%d %s: %s", packet->flow->version,
		 proto_name(packet->flow), what);
	nat_packet_answered(lb, packet, drop, &answer, name);
}

static void entries_ok(struct lb_maps *lb, const struct nat_flow *flow, __u32 flags, __u32 ticks,
		       __u32 since, const char *what)
{
	const char *wrong = nat_entries_wrong(lb, flow, flags, ticks, since);

	if (!harness_ok(&lb->harness, !wrong, "IPv%d %s: %s: both entries", flow->version,
			proto_name(flow), what))
		printf("#   %s\n", wrong);
}

/* ---- flows whose packets are all alike */

static const struct packet_case {
	const char *name;
	struct nat_packet packet;
	int version; /* 0: both */
	__u8 proto;  /* 0: both */
} packet_cases[] = {
	{ "the plainest", { .payload = 0 } },
	{ "a payload", { .payload = 100 } },
	{ "an odd payload", { .payload = 101 } },
	{ "as long as the way out takes, IPv4", { .payload = NAT_MTU - 40 }, 4, IPPROTO_TCP },
	{ "as long as the way out takes, IPv6", { .payload = NAT_MTU - 60 }, 6, IPPROTO_TCP },
	{ "as long as the way out takes, IPv4", { .payload = NAT_MTU - 28 }, 4, IPPROTO_UDP },
	{ "as long as the way out takes, IPv6", { .payload = NAT_MTU - 48 }, 6, IPPROTO_UDP },
	{ "DSCP and ECN are kept", { .tos = 0xbb, .payload = 1 } },
	{ "options", { .extra = EXTRA_OPTIONS, .payload = 30 } },
	{ "a chain of extension headers", { .extra = EXTRA_CHAIN, .payload = 7 }, 6 },
	{ "a fragment header of a whole packet", { .extra = EXTRA_ATOMIC, .payload = 7 }, 6 },
	{ "as many extension headers as are walked", { .extra = EXTRA_LONGEST, .payload = 7 }, 6 },
	{ "no UDP checksum stays none",
	  { .no_udp_checksum = true, .payload = 20 },
	  4,
	  IPPROTO_UDP },
	{ "a short frame's padding is kept", { .padding = 6 }, 4 },
	{ "a longer frame's padding is cut off", { .payload = 60, .padding = 33 } },
	{ "the last TTL but one", { .ttl = 2, .payload = 8 } },
	{ "the largest TTL", { .ttl = 255 } },
	{ "a wrong checksum stays as wrong", { .spoil = 0x1234, .payload = 20 } },
	{ "a wrong checksum stays as wrong, once more", { .spoil = 0xfffe, .payload = 21 } },
};

static void run_flow(struct lb_maps *lb, const struct packet_case *c, int version, __u8 proto)
{
	struct nat_flow flow = new_flow(version, proto, BY_NAT);
	const bool tcp = proto == IPPROTO_TCP;
	struct nat_packet packet = c->packet;
	__u32 since = lb_maps_nat_now(lb);
	char name[128];

	packet.flow = &flow;
	packet.tcp = tcp ? SYN : 0;
	snprintf(name, sizeof(name), "%s, a client's first packet", c->name);
	run(lb, &packet, XDP_TX, DROP_NONE, true, name);
	entries_ok(lb, &flow, 0, NAT_NEW_TICKS, since, name);
	packet.reply = true;
	packet.tcp = tcp ? SYN_ACK : 0;
	snprintf(name, sizeof(name), "%s, the backend's answer", c->name);
	run(lb, &packet, XDP_TX, DROP_NONE, false, name);
	entries_ok(lb, &flow, NAT_REPLIED, NAT_REPLIED_TICKS, since, name);
	packet.reply = false;
	packet.tcp = tcp ? ACK : 0;
	snprintf(name, sizeof(name), "%s, the client's next packet", c->name);
	run(lb, &packet, XDP_TX, DROP_NONE, false, name);
	entries_ok(lb, &flow, NAT_REPLIED | NAT_ASSURED, NAT_IDLE_TICKS, since, name);
	harness_ok(&lb->harness,
		   nat_counted_is(lb, (struct nat_counter){ .made = 1 }) && nat_occupied(lb) == 2,
		   "IPv%d %s: %s: one flow was made", version, proto_name(&flow), c->name);
}

static void test_packets(struct lb_maps *lb)
{
	for (size_t i = 0; i < ARRAY_SIZE(packet_cases); i++)
		for (int variant = 0; variant < 4; variant++) {
			const struct packet_case *c = &packet_cases[i];
			int version = variant / 2 ? 6 : 4;
			__u8 proto = variant % 2 ? IPPROTO_UDP : IPPROTO_TCP;

			if ((c->version && c->version != version) ||
			    (c->proto && c->proto != proto))
				continue;
			nat_clear(lb);
			run_flow(lb, c, version, proto);
		}
}

/* ---- checksums at the edge of one's complement */

static __u16 transport_check(const struct nat_packet *packet,
			     void (*build)(struct pkt *p, const void *arg))
{
	static struct pkt p;

	pkt_clear(&p);
	build(&p, packet);
	return packet->flow->proto == IPPROTO_TCP
		       ? ((struct tcphdr *)pkt_find(&p, PKT_TCP, 0))->check
		       : ((struct udphdr *)pkt_find(&p, PKT_UDP, 0))->check;
}

/* A payload that makes the checksum 0, of the packet that comes in or of the one that goes out;
 * UDP has to say 0xffff then. */
static void test_zero_checksum(struct lb_maps *lb, int version, __u8 proto, bool reply,
			       bool goes_in)
{
	void (*build)(struct pkt * p, const void *arg) = goes_in ? nat_packet_in : nat_packet_out;
	struct nat_flow flow = new_flow(version, proto, BY_NAT);
	struct nat_packet packet = { .lb = lb,
				     .flow = &flow,
				     .reply = reply,
				     .tcp = proto == IPPROTO_TCP ? ACK : 0,
				     .payload = 2 };
	char name[128];
	__u16 check;

	nat_clear(lb);
	nat_establish(lb, &flow);
	/* The payload is 00 01: added to the checksum there is as a word in memory. */
	packet.payload_word = -(1 << 8);
	packet.payload_word += transport_check(&packet, build);
	check = transport_check(&packet, build);
	snprintf(name, sizeof(name), "a checksum that %s 0, of a packet to the %s",
		 goes_in ? "was" : "becomes", reply ? "client" : "backend");
	harness_ok(&lb->harness, check == (proto == IPPROTO_TCP ? 0 : 0xffff),
		   "IPv%d %s: %s: found", version, proto_name(&flow), name);
	run(lb, &packet, XDP_TX, DROP_NONE, false, name);
}

/* ---- ways out */

static void test_ways(struct lb_maps *lb, int version, __u8 proto)
{
	const __u8 first = proto == IPPROTO_TCP ? SYN : 0, next = proto == IPPROTO_TCP ? ACK : 0;
	struct nat_flow far = new_flow(version, proto, BY_NAT_FAR);
	struct nat_flow no_way = new_flow(version, proto, BY_NAT_NO_WAY);
	struct nat_flow moves = new_flow(version, proto, BY_NAT);

	run(lb, &(struct nat_packet){ .flow = &far, .tcp = first }, XDP_REDIRECT, DROP_NONE, true,
	    "to a backend by another interface");
	run(lb, &(struct nat_packet){ .flow = &far, .tcp = next, .reply = true }, XDP_TX, DROP_NONE,
	    false, "the answer goes back by the interface that the client came by");
	run(lb,
	    &(struct nat_packet){ .flow = &far, .tcp = next, .reply = true, .ifindex = nat_inside },
	    XDP_REDIRECT, DROP_NONE, false, "the answer comes by another interface");
	run(lb, &(struct nat_packet){ .flow = &no_way, .tcp = first }, XDP_DROP, DROP_NO_TARGET,
	    false, "to a backend by no interface of ours");
	run(lb, &(struct nat_packet){ .flow = &moves, .tcp = first }, XDP_TX, DROP_NONE, true,
	    "a client's first packet from one router");
	run(lb, &(struct nat_packet){ .flow = &moves, .tcp = next, .hop = 9 }, XDP_TX, DROP_NONE,
	    false, "its next one from another router");
	run(lb, &(struct nat_packet){ .flow = &moves, .tcp = next, .reply = true, .way = 9 },
	    XDP_TX, DROP_NONE, false, "the answer goes to that router");
	run(lb, &(struct nat_packet){ .flow = &moves, .tcp = next, .ifindex = nat_outside },
	    XDP_REDIRECT, DROP_NONE, false, "its next one by another interface");
	run(lb, &(struct nat_packet){ .flow = &moves, .tcp = next, .reply = true }, XDP_REDIRECT,
	    DROP_NONE, false, "the answer goes by that interface");
}

/* ---- what is dropped, and what is not ours */

static void test_dropped(struct lb_maps *lb, int version, __u8 proto)
{
	const __u8 first = proto == IPPROTO_TCP ? SYN : 0, next = proto == IPPROTO_TCP ? ACK : 0;
	const unsigned int headers = (version == 4 ? 20 : 40) + (proto == IPPROTO_TCP ? 20 : 8);
	struct nat_flow flow = new_flow(version, proto, BY_NAT);
	struct nat_flow small = new_flow(version, proto, BY_NAT_SMALL);
	struct nat_flow nobody = new_flow(version, proto, BY_NAT_NOBODY);

	run(lb, &(struct nat_packet){ .flow = &nobody, .tcp = first }, XDP_DROP, DROP_NO_BACKEND,
	    false, "nobody serves");
	run_answered(lb, &(struct nat_packet){ .flow = &flow, .tcp = first, .ttl = 1 }, DROP_TTL,
		     answered_time_exceeded(version),
		     "a client's first packet whose TTL ends here");
	nat_begin(lb, &flow);
	run_answered(lb, &(struct nat_packet){ .flow = &flow, .tcp = next, .ttl = 1 }, DROP_TTL,
		     answered_time_exceeded(version), "a client's packet whose TTL ends here");
	run_answered(lb,
		     &(struct nat_packet){
			     .flow = &flow, .tcp = next, .ttl = 1, .payload = 1400, .reply = true },
		     DROP_TTL, answered_time_exceeded(version), "a reply whose TTL ends here");
	run(lb,
	    &(struct nat_packet){
		    .flow = &small, .tcp = first, .payload = NAT_SMALL_MTU - headers },
	    XDP_TX, DROP_NONE, true, "as long as the way to the backend takes");
	for (int df = 0; df < 2; df++)
		run_answered(lb,
			     &(struct nat_packet){ .flow = &small,
						   .tcp = next,
						   .df = df,
						   .payload = NAT_SMALL_MTU - headers + 1 },
			     DROP_TOO_BIG, answered_too_big(version, NAT_SMALL_MTU),
			     df ? "too long for the way to the backend, with DF"
				: "too long for the way to the backend");
}

#define OWN4 "203.0.113.5"
#define OWN6 "2001:db8:5::5"

/* No client has these addresses, so flows from there are not begun. */
static void test_martians(struct lb_maps *lb, int version, __u8 proto)
{
	static const struct {
		const char *address;
		int version;
		bool good;
	} cases[] = {
		{ "0.0.0.1", 4 },
		{ "127.0.0.1", 4 },
		{ "224.0.0.1", 4 },
		{ "255.255.255.255", 4 },
		{ "192.0.2.10", 4 }, /* the service itself, and another one's address */
		{ L2_VIP4, 4 },
		{ "10.0.0.1", 4 }, /* a source of nat, and an address of the host */
		{ OWN4, 4 },
		{ "1.0.0.0", 4, true },
		{ "126.255.255.255", 4, true },
		{ "128.0.0.1", 4, true },
		{ "223.255.255.255", 4, true },
		{ "192.0.2.11", 4, true },
		{ "::", 6 },
		{ "::1", 6 },
		{ "ff02::1", 6 },
		{ "2001:db8::10", 6 },
		{ L2_VIP6, 6 },
		{ "fd00::1", 6 },
		{ OWN6, 6 },
		{ "::ffff:198.51.100.7", 6 },
		{ "fe80::7", 6, true }, /* answers leave by its link */
		{ "::2", 6, true },
		{ "0:0:0:1::1", 6, true },
		{ "::1:0:0", 6, true },
		{ "fe00::1", 6, true },
		{ "2001:db8::11", 6, true },
	};
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nat_flow flow = new_flow(version, proto, BY_NAT);
		const struct nat_packet first = { .flow = &flow,
						  .tcp = proto == IPPROTO_TCP ? SYN : 0 };

		if (cases[i].version != version)
			continue;
		flow.client_text = cases[i].address;
		snprintf(name, sizeof(name), "a client at %s", cases[i].address);
		run(lb, &first, cases[i].good ? XDP_TX : XDP_DROP,
		    cases[i].good ? DROP_NONE : DROP_MARTIAN, cases[i].good, name);
	}
}

static void test_not_ours(struct lb_maps *lb, int version, __u8 proto)
{
	const __u8 next = proto == IPPROTO_TCP ? ACK : 0;
	struct nat_flow flow = new_flow(version, proto, BY_NAT), other = flow;
	struct nat_packet reply = { .flow = &flow, .tcp = next, .reply = true };
	struct nat_packet not_its = { .flow = &other, .tcp = next, .reply = true };

	nat_clear(lb);
	flow.nat_port = NAT_PORT_FIRST;
	run(lb, &reply, XDP_PASS, DROP_NONE, false, "an answer to nothing");
	nat_begin(lb, &flow);
	other = flow;
	other.nat_port = flow.nat_port == NAT_PORT_FIRST ? NAT_PORT_FIRST + 1 : NAT_PORT_FIRST;
	run(lb, &not_its, XDP_PASS, DROP_NONE, false, "an answer to another port");
	other = flow;
	other.backend = 'B';
	run(lb, &not_its, XDP_PASS, DROP_NONE, false, "an answer by another backend");
	other = flow;
	other.source = 1;
	run(lb, &not_its, XDP_PASS, DROP_NONE, false, "an answer to another source");
	other = flow;
	other.proto = proto == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
	run(lb, &not_its, XDP_PASS, DROP_NONE, false, "an answer by the other protocol");
	other = flow;
	not_its.claims = IPPROTO_SCTP;
	run(lb, &not_its, XDP_PASS, DROP_NONE, false, "an SCTP packet from and to a flow's ports");
	not_its.claims = 0;
	nat_counted(lb);
	other = flow;
	other.nat_port = NAT_PORT_FIRST - 1;
	run(lb, &not_its, XDP_PASS, DROP_NONE, false, "a packet to the port below ours");
	other.nat_port = NAT_PORT_FIRST + NAT_PORT_COUNT;
	run(lb, &not_its, XDP_PASS, DROP_NONE, false, "a packet to the port above ours");
	nat_set_words(lb, &flow, -1, ~0U);
	run(lb, &reply, XDP_PASS, DROP_NONE, false, "an answer to a flow that has expired");
	harness_ok(&lb->harness, nat_counted_is(lb, (struct nat_counter){ 0 }),
		   "IPv%d %s: answers make no flows", version, proto_name(&flow));
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ 0 }) ||
	    lb_maps_tx_port(&lb, HARNESS_LOOPBACK, HARNESS_LOOPBACK) ||
	    lb_maps_tx_port(&lb, nat_outside, nat_outside) || lb_maps_own(&lb, OWN4) ||
	    lb_maps_own(&lb, OWN6))
		return EXIT_FAILURE;
	test_packets(&lb);
	for (int variant = 0; variant < 4; variant++) {
		int version = variant / 2 ? 6 : 4;
		__u8 proto = variant % 2 ? IPPROTO_UDP : IPPROTO_TCP;

		for (int i = 0; i < 4; i++)
			test_zero_checksum(&lb, version, proto, i & 1, i & 2);
		test_ways(&lb, version, proto);
		test_dropped(&lb, version, proto);
		test_martians(&lb, version, proto);
		test_not_ours(&lb, version, proto);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
