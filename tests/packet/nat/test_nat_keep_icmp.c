// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat_keep: ICMP errors, translated both ways. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nat_error.h"
#include "nat/nat_net.h"

#define HOST    1   /* of the clients' addresses: the host's own */
#define UNKNOWN 200 /* routed, but no neighbour is known */

static const __u8 neighbour_mac[6] = { 2, 0, 0, 0, 3, 7 }, outside_mac[6] = { 2, 0, 0, 0, 3, 0xff };

/* To the client goes what the routes say. */
static void error_out(struct pkt *p, const void *arg)
{
	const struct nat_error *error = arg;

	nat_error_out(p, arg);
	if (error->about.reply)
		return;
	memcpy(p->bytes, neighbour_mac, sizeof(neighbour_mac));
	memcpy(p->bytes + 6, outside_mac, sizeof(outside_mac));
}

static void run(struct lb_maps *lb, const struct nat_error *error, enum xdp_action verdict,
		enum drop_reason drop, const char *what)
{
	const struct nat_flow *flow = error->about.flow;
	const bool to_backend = error->about.reply;
	char name[192];
	struct harness_row row = {
		.name = name,
		.in = nat_error_in,
		.out = verdict == XDP_PASS || verdict == XDP_DROP ? NULL : error_out,
		.arg = error,
		.ifindex = to_backend ? 0 : nat_inside,
		.verdict = verdict,
		.drop = drop,
	};

	snprintf(name, sizeof(name), "IPv%d %s: to the %s: %s", flow->version,
		 flow->proto == IPPROTO_TCP ? "TCP" : "UDP", to_backend ? "backend" : "client",
		 what);
	if (row.out) {
		__u64 bytes = nat_error_bytes(error);

		row.counter = nat_target(flow->version, flow->proto, flow->service, flow->backend);
		row.count = to_backend ? (struct harness_counter){ 1, bytes, 0 }
				       : (struct harness_counter){ .reply_packets = 1,
								   .reply_bytes = bytes };
		row.count.icmp_errors = 1;
	}
	harness_run(&lb->harness, &row, 1);
}

static struct nat_flow new_flow(int version, __u8 proto)
{
	static __u16 port = 40000;

	return (struct nat_flow){ version, proto, BY_KEEP, NAT_NET_NEIGHBOUR, port++, 'A', 0, 0 };
}

static struct nat_error an_error(struct nat_flow *flow, bool to_backend)
{
	return (struct nat_error){
		.about = { .flow = flow,
			   .reply = to_backend,
			   .tcp = flow->proto == IPPROTO_TCP ? ACK : 0,
			   .payload = 21 },
		.type = flow->version == 4 ? 3 : 2,
		.code = flow->version == 4 ? 4 : 0,
		.rest = 1400,
	};
}

/* The frame that is dropped may have been changed. */
static void test_last_hop(struct lb_maps *lb, const struct nat_error *error)
{
	__u64 was[DROP_MAX] = { 0 }, is[DROP_MAX] = { 0 };
	enum xdp_action verdict = XDP_ABORTED;
	static struct pkt in, out;

	pkt_clear(&in);
	nat_error_in(&in, error);
	lb->harness.read_drops(lb->harness.ctx, was, DROP_MAX);
	harness_frame(lb->harness.program_fd, error->about.reply ? HARNESS_LOOPBACK : nat_inside,
		      &in, &out, &verdict);
	lb->harness.read_drops(lb->harness.ctx, is, DROP_MAX);
	harness_ok(&lb->harness, verdict == XDP_DROP && is[DROP_TTL] == was[DROP_TTL] + 1,
		   "IPv%d: to the %s: an error whose TTL ends here is dropped and counted",
		   error->about.flow->version, error->about.reply ? "backend" : "client");
}

static void test_translated(struct lb_maps *lb, int version, __u8 proto, bool to_backend)
{
	const enum xdp_action gone = to_backend ? XDP_TX : XDP_REDIRECT;
	struct nat_flow flow = new_flow(version, proto);
	struct nat_error error = an_error(&flow, to_backend);
	char text[NAT_TEXT];

	run(lb, &error, gone, DROP_NONE, "an error that tells of a whole packet");
	error.told = (version == 4 ? 20 : 40) + 8;
	run(lb, &error, gone, DROP_NONE, "an error that tells of eight bytes");
	error.told = 0;
	error.after = 12;
	run(lb, &error, gone, DROP_NONE, "an error with extensions");
	error.after = 0;
	error.padding = 17;
	run(lb, &error, gone, DROP_NONE, "an error in a padded frame");
	error.padding = 0;
	error.ttl = 1;
	test_last_hop(lb, &error);
	error.ttl = 2;
	run(lb, &error, gone, DROP_NONE, "an error with the last TTL but one");
	error.ttl = 0;
	error.about.no_udp_checksum = proto == IPPROTO_UDP && version == 4;
	run(lb, &error, gone, DROP_NONE, "an error about a packet without a checksum");
	error.about.no_udp_checksum = false;
	if (to_backend)
		return;
	nat_backend_text(version, nat_target(version, proto, BY_KEEP, 'A'), text);
	error.from = text;
	run(lb, &error, gone, DROP_NONE, "an error by the backend itself, which is not named");
	flow.backend = 'C';
	run(lb, &error, gone, DROP_NONE, "an error about a packet to another backend");
}

static void other_peer(struct pkt *p, __u8 *told)
{
	(void)p;
	told[told[0] >> 4 == 4 ? 19 : 39] ^= 0x40;
}

static void other_sender(struct pkt *p, __u8 *told)
{
	(void)p;
	told[told[0] >> 4 == 4 ? 15 : 23] ^= 0x40;
}

static void test_not_ours(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = new_flow(version, proto);
	struct nat_error error = an_error(&flow, false);

	error.spoil = other_peer;
	run(lb, &error, XDP_PASS, DROP_NONE, "an error about nobody's packet passes");
	error.spoil = other_sender;
	run(lb, &error, XDP_PASS, DROP_NONE,
	    "an error that tells of another sender is for the kernel to judge");
	error.spoil = NULL;
	lb->switches->nat_keep = 0;
	run(lb, &error, XDP_PASS, DROP_NONE, "nobody looks for errors");
	lb->switches->nat_keep = 1;
	flow.client = UNKNOWN;
	run(lb, &error, XDP_PASS, DROP_NONE, "no neighbour is known");
	flow.client = HOST;
	run(lb, &error, XDP_PASS, DROP_NONE, "an error about the host's own connection passes");
	error.ttl = 1;
	run(lb, &error, XDP_PASS, DROP_NONE, "so does one whose TTL is 1: it has arrived");
}

/* Which backend sent the packet that an error is about, the flow table knows. */
static void test_flows(struct lb_maps *lb, int version)
{
	struct nat_flow old = new_flow(version, IPPROTO_TCP), flow = new_flow(version, IPPROTO_TCP);
	struct nat_packet syn = { .flow = &flow, .tcp = SYN };
	struct nat_error error = an_error(&flow, true);
	struct flow_counter was, is;

	nat_set_rows(BY_KEEP, "BA");
	nat_send(lb, &syn);
	lb_maps_flow_counters(lb, &was);
	flow.backend = 'B';
	run(lb, &error, XDP_TX, DROP_NONE, "an error about a flow of the new backend");
	error.about.flow = &old;
	run(lb, &error, XDP_TX, DROP_NONE, "an error about a flow of the old backend");
	nat_set_rows(BY_KEEP, "C*");
	error.about.flow = &flow;
	run(lb, &error, XDP_TX, DROP_NONE, "an error about a flow that is known");
	lb_maps_flow_counters(lb, &is);
	harness_ok(&lb->harness, !memcmp(&was, &is, sizeof(was)),
		   "IPv%d: errors make no entries in the flow table", version);
	nat_set_rows(BY_KEEP, "A0");
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

		test_translated(&lb, version, proto, false);
		test_translated(&lb, version, proto, true);
		test_not_ours(&lb, version, proto);
	}
	test_flows(&lb, 4);
	test_flows(&lb, 6);
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
