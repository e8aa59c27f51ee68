// SPDX-License-Identifier: BSD-2-Clause
/*
 * poise_lb and fragments of packets by nat and nat_keep, in both directions. What has to come out
 * are the parts of the packet that would come out whole: only the first one has ports and a
 * checksum, which covers all of them.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "harness/fragment.h"
#include "nat/nat_net.h"
#include "nat/nat_packet.h"

#define REST (~(size_t)0) /* up to the datagram's end */

static const __u8 neighbour_mac[6] = { 2, 0, 0, 0, 3, 7 }, outside_mac[6] = { 2, 0, 0, 0, 3, 0xff };

static __u32 last_id;

struct part {
	struct nat_packet whole;
	struct fragment fragment;
	bool kernel; /* by nat_keep, and the kernel is to route or to fragment it */
};

static struct nat_flow new_flow(int version, __u8 proto, unsigned int service)
{
	static __u16 port = 40000;

	return (struct nat_flow){ version, proto, service, NAT_NET_NEIGHBOUR, port++, 'A', 0, 0 };
}

static void cut(const struct pkt *whole, const struct part *part, struct pkt *p)
{
	struct fragment fragment = part->fragment;
	const int version = part->whole.flow->version;

	if (fragment.to == REST) {
		fragment.to = whole->length - ETH_HLEN -
			      (version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
		fragment.last = true;
	}
	fragment_cut(whole, &fragment, p);
}

static void part_in(struct pkt *p, const void *arg)
{
	const struct part *part = arg;
	static struct pkt whole;

	pkt_clear(&whole);
	nat_packet_in(&whole, &part->whole);
	cut(&whole, part, p);
}

static void part_out(struct pkt *p, const void *arg)
{
	const struct part *part = arg;
	const struct nat_packet *packet = &part->whole;
	static struct pkt whole;
	struct nat_ends ends;

	pkt_clear(&whole);
	if (part->kernel) {
		if (packet->reply)
			nat_outside_ends(packet->flow, true, &ends);
		else
			nat_inside_ends(packet->flow, false, &ends);
		nat_eth(&whole, packet, packet->reply, true);
		nat_packet_ip(&whole, packet, &ends, 64);
	} else {
		nat_packet_out(&whole, packet);
	}
	if (packet->reply && nat_keeps(packet->flow->service) && !part->kernel) {
		memcpy(whole.bytes, neighbour_mac, sizeof(neighbour_mac));
		memcpy(whole.bytes + 6, outside_mac, sizeof(outside_mac));
	}
	cut(&whole, part, p);
}

static void run(struct lb_maps *lb, const struct part *part, enum xdp_action verdict,
		enum drop_reason drop, const char *what)
{
	const struct nat_flow *flow = part->whole.flow;
	const bool out = verdict == XDP_TX || verdict == XDP_REDIRECT || part->kernel;
	struct part with = *part;
	static struct pkt in;
	char name[192];
	struct harness_row row = {
		.name = name,
		.in = part_in,
		.out = out ? part_out : NULL,
		.arg = &with,
		.ifindex = part->whole.ifindex,
		.verdict = verdict,
		.drop = drop,
	};

	with.whole.lb = lb;
	snprintf(name, sizeof(name), "IPv%d %s: %s", flow->version,
		 flow->proto == IPPROTO_TCP ? "TCP" : "UDP", what);
	if (out) {
		part_in(&in, &with);
		row.counter = nat_target(flow->version, flow->proto, flow->service, flow->backend);
		row.count.packets = !part->whole.reply;
		row.count.bytes = part->whole.reply ? 0 : in.length - ETH_HLEN;
		row.count.new_flows = !part->whole.reply && !part->fragment.from &&
				      !flow->nat_port && !nat_keeps(flow->service);
		row.count.reply_packets = part->whole.reply;
		row.count.reply_bytes = part->whole.reply ? in.length - ETH_HLEN : 0;
	}
	harness_run(&lb->harness, &row, 1);
}

struct answered_part {
	const struct part *part;
	struct answered answer;
};

static void answered_in(struct pkt *p, const void *arg)
{
	part_in(p, ((const struct answered_part *)arg)->part);
}

static void answered_out(struct pkt *p, const void *arg)
{
	const struct answered_part *answered = arg;
	static struct pkt in;

	pkt_clear(&in);
	answered_in(&in, arg);
	answered_error(p, &in, in.length - ETH_HLEN, &answered->answer);
}

static void run_answered(struct lb_maps *lb, const struct part *part, enum drop_reason drop,
			 struct answered answer, const char *what)
{
	const struct answered_part answered = { part, answer };
	char name[192];
	const struct harness_row row = {
		.name = name,
		.in = answered_in,
		.out = answered_out,
		.arg = &answered,
		.ifindex = part->whole.ifindex,
		.verdict = XDP_TX,
		.drop = drop,
	};

	snprintf(name, sizeof(name), "IPv%d %s: %s", part->whole.flow->version,
		 part->whole.flow->proto == IPPROTO_TCP ? "TCP" : "UDP", what);
	harness_run(&lb->harness, &row, 1);
}

static struct part part_of(struct nat_flow *flow, bool reply, __u8 tcp)
{
	last_id++;
	return (struct part){
		.whole = { .flow = flow,
			   .reply = reply,
			   .tcp = flow->proto == IPPROTO_TCP ? tcp : 0,
			   .payload = 1000,
			   .ifindex = reply && nat_keeps(flow->service) ? nat_inside : 0 },
		.fragment = { .id = last_id, .to = 400 },
	};
}

static void next_part(struct part *part, size_t to)
{
	part->fragment.from = part->fragment.to;
	part->fragment.to = to;
}

/* A datagram of three fragments. */
static void run_datagram(struct lb_maps *lb, struct part part, enum xdp_action verdict,
			 const char *what)
{
	char name[128];

	snprintf(name, sizeof(name), "%s, the first fragment", what);
	run(lb, &part, verdict, DROP_NONE, name);
	next_part(&part, 808);
	snprintf(name, sizeof(name), "%s, the second fragment", what);
	run(lb, &part, verdict, DROP_NONE, name);
	next_part(&part, REST);
	snprintf(name, sizeof(name), "%s, the last fragment", what);
	run(lb, &part, verdict, DROP_NONE, name);
}

static void test_nat(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = new_flow(version, proto, BY_NAT);
	struct nat_flow far = new_flow(version, proto, BY_NAT_FAR);
	struct part part;

	nat_clear(lb);
	run_datagram(lb, part_of(&flow, false, SYN), XDP_TX, "a client's first packet");
	run_datagram(lb, part_of(&flow, true, SYN_ACK), XDP_TX, "the backend's answer");
	if (proto == IPPROTO_TCP)
		run_datagram(lb, part_of(&flow, false, ACK), XDP_TX, "the client's next packet");
	part = part_of(&flow, true, ACK);
	part.whole.no_udp_checksum = proto == IPPROTO_UDP && version == 4;
	part.whole.spoil = proto == IPPROTO_TCP ? 0x1234 : 0;
	run_datagram(lb, part, XDP_TX, "a checksum that is wrong or missing");
	part = part_of(&flow, true, ACK);
	part.whole.ifindex = nat_inside;
	run_datagram(lb, part, XDP_REDIRECT, "an answer that comes by another interface");
	run_datagram(lb, part_of(&far, false, SYN), XDP_REDIRECT,
		     "to a backend by another interface");
}

static void test_nat_dropped(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = new_flow(version, proto, BY_NAT);
	struct nat_flow nobody = new_flow(version, proto, BY_NAT_NOBODY);
	struct nat_flow small = new_flow(version, proto, BY_NAT_SMALL);
	struct part part = part_of(&flow, false, SYN), reply;

	nat_begin(lb, &flow);
	part.whole.tcp = proto == IPPROTO_TCP ? ACK : 0;
	next_part(&part, 808);
	run(lb, &part, XDP_DROP, DROP_FRAGMENT_EARLY, "a second fragment before the first one");
	reply = part_of(&flow, true, ACK);
	next_part(&reply, 808);
	run(lb, &reply, XDP_PASS, DROP_NONE,
	    "a second fragment to our address, which may be the host's");
	reply = part_of(&flow, true, ACK);
	reply.fragment.to = 8;
	run(lb, &reply, proto == IPPROTO_TCP ? XDP_PASS : XDP_TX, DROP_NONE,
	    "an answer's first fragment of eight bytes");
	part = part_of(&flow, false, ACK);
	nat_send(lb, &part.whole);
	part.whole.ttl = 1;
	run_answered(lb, &part, DROP_TTL, answered_time_exceeded(version),
		     "a first fragment whose TTL ends here");
	next_part(&part, 808);
	run(lb, &part, XDP_DROP, DROP_TTL, "a second one, too");
	nat_clear(lb);
	part.whole.ttl = 0;
	next_part(&part, 816);
	run(lb, &part, XDP_DROP, DROP_FRAGMENT_EARLY, "a fragment whose flow has gone");
	part = part_of(&nobody, false, SYN);
	run(lb, &part, XDP_DROP, DROP_NO_BACKEND, "nobody serves");
	nat_begin(lb, &small);
	part = part_of(&small, false, ACK);
	part.fragment.to = 104;
	run(lb, &part, XDP_TX, DROP_NONE, "a short first fragment on a narrow way");
	next_part(&part, 800);
	run(lb, &part, XDP_DROP, DROP_TOO_BIG, "a second one that is too long for it");
}

static void test_keep(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = new_flow(version, proto, BY_KEEP);
	struct nat_flow unknown = new_flow(version, proto, BY_KEEP);
	struct nat_flow small = new_flow(version, proto, BY_KEEP_SMALL);
	struct part part;

	run_datagram(lb, part_of(&flow, false, ACK), XDP_TX, "source: keep, a client's packet");
	run_datagram(lb, part_of(&flow, true, ACK), XDP_REDIRECT, "source: keep, an answer");
	unknown.client = 200; /* routed, but no neighbour is known */
	part = part_of(&unknown, true, ACK);
	part.kernel = true;
	run_datagram(lb, part, XDP_PASS, "source: keep, an answer that the kernel is to route");
	part = part_of(&flow, true, ACK);
	next_part(&part, 808);
	run(lb, &part, XDP_PASS, DROP_NONE, "source: keep, a second fragment without a first one");
	part = part_of(&flow, false, ACK);
	run(lb, &part, XDP_TX, DROP_NONE, "source: keep, a first fragment");
	next_part(&part, 808);
	part.whole.ttl = 1;
	run(lb, &part, XDP_DROP, DROP_TTL, "source: keep, a second one whose TTL ends here");
	part = part_of(&small, false, ACK);
	if (version == 6) {
		run_answered(lb, &part, DROP_TOO_BIG, answered_too_big(6, NAT_SMALL_MTU),
			     "source: keep, a first fragment too long for the way");
		next_part(&part, 808);
		run(lb, &part, XDP_DROP, DROP_TOO_BIG, "source: keep, a second one, too");
		return;
	}
	part.kernel = true;
	run(lb, &part, XDP_PASS, DROP_NONE, "source: keep, the kernel cuts a first fragment again");
	next_part(&part, 808);
	run(lb, &part, XDP_PASS, DROP_NONE, "source: keep, and a second one");
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ 0 }) ||
	    lb_maps_tx_port(&lb, HARNESS_LOOPBACK, HARNESS_LOOPBACK) ||
	    lb_maps_tx_port(&lb, nat_outside, nat_outside))
		return EXIT_FAILURE;
	lb.switches->nat_keep = 1;
	for (int i = 0; i < 4; i++) {
		int version = i / 2 ? 6 : 4;
		__u8 proto = i % 2 ? IPPROTO_UDP : IPPROTO_TCP;

		lb_maps_forget_datagrams(&lb);
		test_nat(&lb, version, proto);
		test_nat_dropped(&lb, version, proto);
		test_keep(&lb, version, proto);
	}
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
