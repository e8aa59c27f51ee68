// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "nat/nat_error.h"

#define FRAME_MIN 60

/* Builds the quoted packet as it was where the error came about: inside or outside. */
static void tell(struct pkt *p, const struct nat_error *error, bool inside)
{
	static const __u8 after[64] = { 0x20, 0, 0xde, 0xad, 0, 60, 1, 1 };
	const struct nat_packet *about = &error->about;
	static struct pkt told;
	struct nat_ends ends;
	size_t bytes;

	if (inside)
		nat_inside_ends(about->flow, about->reply, &ends);
	else
		nat_outside_ends(about->flow, about->reply, &ends);
	pkt_clear(&told);
	nat_packet_ip(&told, about, &ends, about->ttl ? about->ttl : 1);
	bytes = error->told && error->told < told.length ? error->told : told.length;
	pkt_bytes(p, told.bytes, bytes);
	if (error->after)
		pkt_bytes(p, after, error->after < sizeof(after) ? error->after : sizeof(after));
}

static void build(struct pkt *p, const struct nat_error *error, const char *from, const char *to,
		  bool inside, __u8 ttl)
{
	struct icmphdr *icmp;

	if (error->about.flow->version == 4) {
		struct iphdr *ip = pkt_ip4(p, from, to);

		ip->ttl = ttl;
		ip->tos = 0xc0;
	} else {
		struct ipv6hdr *ip = pkt_ip6(p, from, to);

		ip->hop_limit = ttl;
		ip->flow_lbl[2] = 0x77;
	}
	extra_add(p, error->about.flow->version, error->extra);
	if (error->about.flow->version == 4)
		icmp = pkt_icmp(p, error->type, error->code);
	else
		icmp = pkt_icmp6(p, error->type, error->code);
	icmp->un.gateway = htonl(error->rest);
	tell(p, error, inside);
	pkt_finish(p);
}

static const char *router(const struct nat_error *error)
{
	if (error->from)
		return error->from;
	return error->about.flow->version == 4 ? ERROR_FROM4 : ERROR_FROM6;
}

/*
 * Finds out who sent the packet that the error is about, as seen from where the error comes from.
 */
static void sender(const struct nat_error *error, bool inside, struct nat_ends *out)
{
	if (inside)
		nat_inside_ends(error->about.flow, error->about.reply, out);
	else
		nat_outside_ends(error->about.flow, error->about.reply, out);
}

void nat_error_in(struct pkt *p, const void *arg)
{
	const struct nat_error *error = arg;
	const bool inside = !error->about.reply;
	struct nat_ends ends;

	sender(error, inside, &ends);
	nat_eth(p, &error->about, inside, true);
	build(p, error, router(error), ends.from, inside, error->ttl ? error->ttl : 64);
	if (error->spoil)
		error->spoil(p, pkt_find(p, PKT_BYTES, 0));
	pkt_pad(p, error->padding);
}

void nat_error_out(struct pkt *p, const void *arg)
{
	const struct nat_error *error = arg;
	const bool inside = error->about.reply;
	struct nat_ends ends;

	/* From whom the packet was for, as its sender knows him. */
	sender(error, inside, &ends);
	nat_eth(p, &error->about, inside, false);
	build(p, error, nat_keeps(error->about.flow->service) && inside ? router(error) : ends.to,
	      ends.from, inside, (error->ttl ? error->ttl : 64) - 1);
	if (error->padding && p->length < FRAME_MIN)
		pkt_pad(p, error->padding < FRAME_MIN - p->length ? error->padding
								  : FRAME_MIN - p->length);
}

unsigned int nat_error_bytes(const struct nat_error *error)
{
	struct nat_error bare = *error;
	static struct pkt p;

	bare.padding = 0;
	pkt_clear(&p);
	nat_error_in(&p, &bare);
	return p.length - ETH_HLEN;
}

void nat_error_run(struct lb_maps *lb, const struct nat_error *error, enum xdp_action verdict,
		   enum drop_reason drop, const char *name)
{
	const struct nat_flow *flow = error->about.flow;
	struct harness_row row = {
		.in = nat_error_in,
		.out = verdict == XDP_TX || verdict == XDP_REDIRECT ? nat_error_out : NULL,
		.arg = error,
		.ifindex = error->about.ifindex,
		.verdict = verdict,
		.drop = drop,
	};
	char text[192];

	if (row.out) {
		row.counter = nat_target(flow->version, flow->proto, flow->service, flow->backend);
		row.count =
			error->about.reply
				? (struct harness_counter){ 1, nat_error_bytes(error), 0 }
				: (struct harness_counter){ .reply_packets = 1,
							    .reply_bytes = nat_error_bytes(error) };
		row.count.icmp_errors = 1;
	}
	snprintf(text, sizeof(text), "IPv%d %s: %s", flow->version,
		 flow->proto == IPPROTO_TCP ? "TCP" : "UDP", name);
	row.name = text;
	harness_run(&lb->harness, &row, 1);
}
