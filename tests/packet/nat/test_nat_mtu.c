// SPDX-License-Identifier: BSD-2-Clause
/*
 * Replies by nat that outgrow the way to the client: the backend is told, or the kernel fragments
 * them. The client's way is an interface with a smaller MTU than the backend's.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "nat/nat_net.h"
#include "nat/nat_packet.h"

#define NARROW 1300

static struct nat_flow begun(struct lb_maps *lb, int version, __u8 proto)
{
	static __u16 port = 40000;
	struct nat_flow flow = { version, proto, BY_NAT, NAT_NET_NEIGHBOUR, port++, 'A', 0, 0 };
	struct nat_packet first = { .flow = &flow,
				    .tcp = proto == IPPROTO_TCP ? SYN : 0,
				    .ifindex = nat_outside };

	harness_ok(&lb->harness, nat_send(lb, &first) == XDP_REDIRECT && nat_learn(lb, &flow),
		   "IPv%d %s: a flow begins", version, proto == IPPROTO_TCP ? "TCP" : "UDP");
	return flow;
}

/* A reply of so many bytes of IP. */
static struct nat_packet reply_of(struct nat_flow *flow, unsigned int bytes)
{
	struct nat_packet reply = { .flow = flow,
				    .reply = true,
				    .tcp = flow->proto == IPPROTO_TCP ? ACK : 0 };

	reply.payload = bytes - nat_packet_bytes(&reply);
	return reply;
}

static void run(struct lb_maps *lb, const struct nat_packet *reply, enum xdp_action verdict,
		const char *what)
{
	char name[192];

	snprintf(name, sizeof(name), "IPv%d %s: %s", reply->flow->version,
		 reply->flow->proto == IPPROTO_TCP ? "TCP" : "UDP", what);
	nat_packet_run(lb, reply, verdict, DROP_NONE, false, name);
}

static void run_told(struct lb_maps *lb, const struct nat_packet *reply, const char *what)
{
	const struct answered answer = answered_too_big(reply->flow->version, NARROW);
	char name[192];

	snprintf(name, sizeof(name), "IPv%d %s: %s", reply->flow->version,
		 reply->flow->proto == IPPROTO_TCP ? "TCP" : "UDP", what);
	nat_packet_answered(lb, reply, DROP_TOO_BIG, &answer, name);
}

/* The frame as it came, except for addresses and ports: the kernel takes one off the TTL. */
static void fragmented_out(struct pkt *p, const void *arg)
{
	const struct nat_packet *reply = arg;
	struct nat_ends ends;

	nat_outside_ends(reply->flow, true, &ends);
	nat_eth(p, reply, true, true);
	nat_packet_ip(p, reply, &ends, reply->ttl ? reply->ttl : 64);
}

static void run_fragmented(struct lb_maps *lb, const struct nat_packet *reply, const char *what)
{
	const struct nat_flow *flow = reply->flow;
	char name[192];
	const struct harness_row row = {
		.name = name,
		.in = nat_packet_in,
		.out = fragmented_out,
		.arg = reply,
		.verdict = XDP_PASS,
		.counter = nat_target(flow->version, flow->proto, flow->service, flow->backend),
		.count = { .reply_packets = 1, .reply_bytes = nat_packet_bytes(reply) },
	};

	snprintf(name, sizeof(name), "IPv%d %s: %s", flow->version,
		 flow->proto == IPPROTO_TCP ? "TCP" : "UDP", what);
	harness_run(&lb->harness, &row, 1);
}

static void test_replies(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = begun(lb, version, proto);
	struct nat_packet reply = reply_of(&flow, NARROW);

	run(lb, &reply, XDP_REDIRECT, "a reply as long as the client's way takes");
	reply = reply_of(&flow, NARROW + 1);
	reply.df = true;
	run_told(lb, &reply, "the backend is told of a longer one");
	reply = reply_of(&flow, 1500);
	reply.df = true;
	reply.spoil = 0x1234;
	run_told(lb, &reply, "the backend is told of a wrong checksum's packet as it was");
}

/* IPv4 without DF. */
static void test_fragmented(struct lb_maps *lb, __u8 proto)
{
	struct nat_flow flow = begun(lb, 4, proto);
	struct nat_packet reply = reply_of(&flow, NARROW + 1);

	run_fragmented(lb, &reply, "without DF the kernel fragments it");
	reply.ttl = 2;
	run_fragmented(lb, &reply, "with the last TTL but one, too");
	nat_net_forward(4, 0);
	run_told(lb, &reply, "the backend is told where the kernel does not forward");
	nat_net_forward(4, 1);
	nat_net_ip("route del 198.51.100.0/24");
	run_told(lb, &reply, "the backend is told where the kernel has no route");
	nat_net_ip("route add 198.51.100.0/24 dev outside");
}

/* The kernel believes nobody outside who says to be the host, unless accept_local is set. */
static void test_own_address(struct lb_maps *lb, __u8 proto)
{
	struct nat_flow flow = begun(lb, 4, proto);
	struct nat_packet reply = reply_of(&flow, NARROW + 1);

	run_told(lb, &reply, "the backend is told where the host has the service's address");
	lb->switches->accept_local = 1;
	run_fragmented(lb, &reply, "with accept_local the kernel fragments it");
	lb->switches->accept_local = 0;
}

/* Requests go out from an address of the host's own. */
static void test_requests(struct lb_maps *lb, __u8 proto)
{
	static __u16 port = 41000;
	struct nat_flow flow = { 4, proto, BY_NAT_SMALL, NAT_NET_NEIGHBOUR, port++, 'A', 0, 0 };
	struct nat_packet packet = { .flow = &flow,
				     .tcp = proto == IPPROTO_TCP ? ACK : 0,
				     .payload = NAT_SMALL_MTU };
	const struct answered answer = answered_too_big(4, NAT_SMALL_MTU);

	nat_begin(lb, &flow);
	nat_packet_answered(lb, &packet, DROP_TOO_BIG, &answer,
			    "a request without DF is answered, too");
	lb->switches->accept_local = 1;
	harness_ok(&lb->harness, nat_send(lb, &packet) == XDP_PASS,
		   "with accept_local the kernel fragments it");
	lb->switches->accept_local = 0;
}

int main(void)
{
	static const __u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ 0 }) ||
	    lb_maps_tx_port(&lb, HARNESS_LOOPBACK, HARNESS_LOOPBACK) ||
	    lb_maps_tx_port(&lb, nat_outside, nat_outside) ||
	    nat_net_ip("link set outside mtu %d", NARROW))
		return EXIT_FAILURE;
	for (int i = 0; i < 2; i++) {
		test_replies(&lb, 4, protos[i]);
		test_replies(&lb, 6, protos[i]);
		test_fragmented(&lb, protos[i]);
		test_requests(&lb, protos[i]);
	}
	lb_maps_own(&lb, nat_vip(4, BY_NAT));
	for (int i = 0; i < 2; i++)
		test_own_address(&lb, protos[i]);
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
