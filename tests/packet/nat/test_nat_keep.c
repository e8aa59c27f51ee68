// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat_keep: clients' packets with a new destination, backends' answers with a
 * new source, by the host's own routes. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "nat/nat_net.h"
#include "nat/nat_packet.h"

#define HOST    1   /* of the clients' addresses: the host's own */
#define UNKNOWN 200 /* routed, but no neighbour is known */

static const __u8 neighbour_mac[6] = { 2, 0, 0, 0, 3, 7 }, outside_mac[6] = { 2, 0, 0, 0, 3, 0xff };

static struct nat_flow new_flow(int version, __u8 proto, unsigned int client)
{
	static __u16 port = 40000;

	return (struct nat_flow){ version, proto, BY_KEEP, client, port++, 'A', 0, 0 };
}

/* ---- what comes out */

/* The way that the routes say. */
static void routed_out(struct pkt *p, const void *arg)
{
	nat_packet_out(p, arg);
	memcpy(p->bytes, neighbour_mac, sizeof(neighbour_mac));
	memcpy(p->bytes + 6, outside_mac, sizeof(outside_mac));
}

/* The kernel is to route this: the frame as it came, except for the source address. */
static void passed_out(struct pkt *p, const void *arg)
{
	const struct nat_packet *packet = arg;
	struct nat_ends ends;

	nat_outside_ends(packet->flow, true, &ends);
	nat_eth(p, packet, true, true);
	nat_packet_ip(p, packet, &ends, packet->ttl ? packet->ttl : 64);
	pkt_pad(p, packet->padding);
}

static void run_reply(struct lb_maps *lb, const struct nat_packet *packet, enum xdp_action verdict,
		      enum drop_reason drop, void (*out)(struct pkt *p, const void *arg),
		      const char *what)
{
	const struct nat_flow *flow = packet->flow;
	char name[192];
	struct harness_row row = {
		.name = name,
		.in = nat_packet_in,
		.out = out,
		.arg = packet,
		.ifindex = packet->ifindex ? packet->ifindex : nat_inside,
		.verdict = verdict,
		.drop = drop,
	};

	snprintf(name, sizeof(name), "IPv%d %s: %s", flow->version,
		 flow->proto == IPPROTO_TCP ? "TCP" : "UDP", what);
	if (out) {
		row.counter = nat_target(flow->version, flow->proto, flow->service, flow->backend);
		row.count = (struct harness_counter){ .reply_packets = 1,
						      .reply_bytes = nat_packet_bytes(packet) };
	}
	harness_run(&lb->harness, &row, 1);
}

static void run_forward(struct lb_maps *lb, const struct nat_packet *packet,
			enum xdp_action verdict, enum drop_reason drop, const char *what)
{
	const struct nat_flow *flow = packet->flow;
	char name[192];

	snprintf(name, sizeof(name), "IPv%d %s: %s", flow->version,
		 flow->proto == IPPROTO_TCP ? "TCP" : "UDP", what);
	nat_packet_run(lb, packet, verdict, drop, packet->tcp == SYN, name);
}

static void run_answered(struct lb_maps *lb, const struct nat_packet *packet, enum drop_reason drop,
			 struct answered answer, const char *what)
{
	char name[192];

	snprintf(name, sizeof(name), "IPv%d %s: %s", packet->flow->version,
		 packet->flow->proto == IPPROTO_TCP ? "TCP" : "UDP", what);
	nat_packet_answered(lb, packet, drop, &answer, name);
}

/* The kernel is to fragment this: the frame as it came, except for the backend's address. */
static void fragmented_out(struct pkt *p, const void *arg)
{
	const struct nat_packet *packet = arg;
	struct nat_ends ends;

	nat_inside_ends(packet->flow, false, &ends);
	nat_eth(p, packet, false, true);
	nat_packet_ip(p, packet, &ends, packet->ttl ? packet->ttl : 64);
}

static void run_fragmented(struct lb_maps *lb, const struct nat_packet *packet, const char *what)
{
	const struct nat_flow *flow = packet->flow;
	const struct harness_row row = {
		.name = what,
		.in = nat_packet_in,
		.out = fragmented_out,
		.arg = packet,
		.verdict = XDP_PASS,
		.counter = nat_target(4, flow->proto, flow->service, flow->backend),
		.count = { .packets = 1, .bytes = nat_packet_bytes(packet) },
	};

	harness_run(&lb->harness, &row, 1);
}

/* ---- packets of all kinds */

static const struct packet_case {
	const char *name;
	struct nat_packet packet;
	int version; /* 0: both */
	__u8 proto;  /* 0: both */
} packet_cases[] = {
	{ "the plainest", { .payload = 0 } },
	{ "an odd payload", { .payload = 101 } },
	{ "DSCP and ECN are kept", { .tos = 0xbb, .payload = 1 } },
	{ "options", { .extra = EXTRA_OPTIONS, .payload = 30 } },
	{ "a chain of extension headers", { .extra = EXTRA_CHAIN, .payload = 7 }, 6 },
	{ "no UDP checksum stays none",
	  { .no_udp_checksum = true, .payload = 20 },
	  4,
	  IPPROTO_UDP },
	{ "a short frame's padding is kept", { .padding = 6 }, 4 },
	{ "a longer frame's padding is cut off", { .payload = 60, .padding = 33 } },
	{ "the last TTL but one", { .ttl = 2, .payload = 8 } },
	{ "a wrong checksum stays as wrong", { .spoil = 0x1234, .payload = 20 } },
};

static void test_packets(struct lb_maps *lb, int version, __u8 proto)
{
	for (size_t i = 0; i < ARRAY_SIZE(packet_cases); i++) {
		const struct packet_case *c = &packet_cases[i];
		struct nat_flow flow = new_flow(version, proto, NAT_NET_NEIGHBOUR);
		struct nat_packet packet = c->packet;
		char name[128];

		if ((c->version && c->version != version) || (c->proto && c->proto != proto))
			continue;
		packet.flow = &flow;
		packet.tcp = proto == IPPROTO_TCP ? SYN : 0;
		snprintf(name, sizeof(name), "%s, to the backend", c->name);
		run_forward(lb, &packet, XDP_TX, DROP_NONE, name);
		packet.reply = true;
		packet.tcp = proto == IPPROTO_TCP ? SYN_ACK : 0;
		snprintf(name, sizeof(name), "%s, to the client", c->name);
		run_reply(lb, &packet, XDP_REDIRECT, DROP_NONE, routed_out, name);
		flow.client = UNKNOWN;
		snprintf(name, sizeof(name), "%s, to a client without a neighbour entry", c->name);
		if (!packet.padding)
			run_reply(lb, &packet, XDP_PASS, DROP_NONE, passed_out, name);
	}
}

/* ---- ways, and what is not ours */

static void test_replies(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = new_flow(version, proto, NAT_NET_NEIGHBOUR);
	struct nat_packet reply = { .flow = &flow, .reply = true, .tcp = 0, .payload = 9 };

	reply.tcp = proto == IPPROTO_TCP ? ACK : 0;
	flow.backend = 'C';
	run_reply(lb, &reply, XDP_REDIRECT, DROP_NONE, routed_out, "an answer by another backend");
	reply.ifindex = nat_outside;
	run_reply(lb, &reply, XDP_TX, DROP_NONE, routed_out,
		  "an answer goes out by where it came in");
	reply.ifindex = 0;
	reply.claims = IPPROTO_SCTP;
	run_reply(lb, &reply, XDP_PASS, DROP_NONE, NULL, "an SCTP packet from a backend's port");
	reply.claims = 0;
	reply.ttl = 1;
	run_reply(lb, &reply, XDP_PASS, DROP_NONE, NULL,
		  "an answer whose TTL ends here, as the kernel will say");
	reply.ttl = 0;
	flow.client = HOST;
	run_reply(lb, &reply, XDP_PASS, DROP_NONE, NULL, "an answer to the host itself");
	flow.client = NAT_NET_NEIGHBOUR;
	flow.proto = proto == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
	flow.service = BY_NAT;
	run_reply(lb, &reply, XDP_PASS, DROP_NONE, NULL, "a packet by somebody else's backend");
	flow.service = BY_KEEP;
	flow.proto = proto;
	lb->switches->nat_keep = 0;
	run_reply(lb, &reply, XDP_PASS, DROP_NONE, NULL, "nobody looks for answers");
	lb->switches->nat_keep = 1;
	nat_net_forward(version, 0);
	run_reply(lb, &reply, XDP_PASS, DROP_NONE, NULL, "the host is no router");
	nat_net_forward(version, 1);
	nat_net_ip("-%d route del %s dev outside", version,
		   version == 4 ? "198.51.100.0/24" : "2001:db8:c::/64");
	run_reply(lb, &reply, XDP_PASS, DROP_NONE, NULL, "there is no route");
	nat_net_ip("-%d route add %s dev outside", version,
		   version == 4 ? "198.51.100.0/24" : "2001:db8:c::/64");
	run_reply(lb, &reply, XDP_REDIRECT, DROP_NONE, routed_out, "there is a route again");
}

static void test_dropped(struct lb_maps *lb, int version, __u8 proto)
{
	const unsigned int headers = (version == 4 ? 20 : 40) + (proto == IPPROTO_TCP ? 20 : 8);
	struct nat_flow flow = new_flow(version, proto, NAT_NET_NEIGHBOUR);
	struct nat_packet packet = { .flow = &flow, .tcp = proto == IPPROTO_TCP ? ACK : 0 };

	packet.ttl = 1;
	run_answered(lb, &packet, DROP_TTL, answered_time_exceeded(version),
		     "a client's packet whose TTL ends here");
	packet.ttl = 0;
	flow.service = BY_KEEP_SMALL;
	packet.payload = NAT_SMALL_MTU - headers;
	run_forward(lb, &packet, XDP_TX, DROP_NONE, "as long as the way to the backend takes");
	packet.payload++;
	packet.df = true;
	run_answered(lb, &packet, DROP_TOO_BIG, answered_too_big(version, NAT_SMALL_MTU),
		     "too long for the way to the backend");
	packet.df = false;
	if (version == 6)
		return;
	for (packet.ttl = 2; packet.ttl; packet.ttl = packet.ttl == 2 ? 255 : 0)
		run_fragmented(lb, &packet, "IPv4: too long, without DF: the kernel fragments it");
	nat_net_forward(4, 0);
	run_answered(lb, &packet, DROP_TOO_BIG, answered_too_big(4, NAT_SMALL_MTU),
		     "too long, without DF, and the kernel does not forward");
	nat_net_forward(4, 1);
}

/* A backend would answer these to nobody, to us, or on its own link. */
static void test_martians(struct lb_maps *lb, int version, __u8 proto)
{
	static const struct {
		const char *address;
		int version;
	} martians[] = {
		{ "0.0.0.1", 4 },      { "127.0.0.1", 4 }, { "240.0.0.1", 4 }, { "192.0.2.10", 4 },
		{ L2_VIP4, 4 },        { "10.0.0.1", 4 },  { "::", 6 },        { "ff02::1", 6 },
		{ "2001:db8::10", 6 }, { L2_VIP6, 6 },     { "fd00::1", 6 },   { "fe80::7", 6 },
	};
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(martians); i++) {
		struct nat_flow flow = new_flow(version, proto, NAT_NET_NEIGHBOUR);
		const struct nat_packet packet = { .flow = &flow,
						   .tcp = proto == IPPROTO_TCP ? ACK : 0 };

		if (martians[i].version != version)
			continue;
		flow.client_text = martians[i].address;
		snprintf(name, sizeof(name), "a client at %s", martians[i].address);
		run_forward(lb, &packet, XDP_DROP, DROP_MARTIAN, name);
	}
}

/* Backends are chosen, and flows remembered, as in the other modes; the NAT table has no part. */
static void test_flows(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow old = new_flow(version, proto, NAT_NET_NEIGHBOUR);
	struct nat_flow flow = new_flow(version, proto, NAT_NET_NEIGHBOUR);
	struct nat_packet packet = { .flow = &flow, .tcp = proto == IPPROTO_TCP ? SYN : 0 };

	if (proto != IPPROTO_TCP)
		return;
	memset(lb->flows, 0, lb->flow_sets * sizeof(*lb->flows));
	nat_set_rows(BY_KEEP, "BA");
	flow.backend = 'B';
	run_forward(lb, &packet, XDP_TX, DROP_NONE,
		    "a SYN at a moving row goes to the new backend");
	packet.tcp = ACK;
	run_forward(lb, &packet, XDP_TX, DROP_NONE, "so does its ACK");
	packet.flow = &old;
	run_forward(lb, &packet, XDP_TX, DROP_NONE, "an ACK without a SYN goes to the old one");
	nat_set_rows(BY_KEEP, "A0");
	harness_ok(&lb->harness, !nat_occupied(lb), "IPv%d: the NAT table stays empty", version);
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ 0 }) ||
	    lb_maps_tx_port(&lb, nat_outside, nat_outside))
		return EXIT_FAILURE;
	lb.switches->nat_keep = 1;
	for (int i = 0; i < 4; i++) {
		int version = i / 2 ? 6 : 4;
		__u8 proto = i % 2 ? IPPROTO_UDP : IPPROTO_TCP;

		test_packets(&lb, version, proto);
		test_replies(&lb, version, proto);
		test_dropped(&lb, version, proto);
		test_martians(&lb, version, proto);
		test_flows(&lb, version, proto);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
