// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "answer/answer_case.h"

#define FRAME_MIN 60

static void case_in(struct pkt *p, const void *arg)
{
	const struct answer_case *c = arg;

	lb_case_in(p, &c->packet);
}

static void turn_ethernet(struct pkt *p, const struct pkt *in)
{
	const struct ethhdr *from = (const void *)in->bytes;
	struct ethhdr *eth = pkt_eth(p);

	memcpy(eth->h_dest, from->h_source, sizeof(eth->h_dest));
	memcpy(eth->h_source, from->h_dest, sizeof(eth->h_source));
}

static void turn_ip(struct pkt *p, const struct answer_case *c, __u8 tos)
{
	if (c->packet.version == 4) {
		struct iphdr *ip = pkt_ip4(p, VIP4, CLIENT4);

		ip->tos = tos;
		ip->frag_off = htons(PKT_IP4_DF);
	} else {
		struct ipv6hdr *ip = pkt_ip6(p, VIP6, CLIENT6);

		ip->priority = tos >> 4;
		ip->flow_lbl[0] = tos << 4;
	}
}

static void reset(struct pkt *p, const struct answer_case *c, struct pkt *in)
{
	const struct tcphdr *about = pkt_find(in, PKT_TCP, 0);
	struct tcphdr *tcp;

	turn_ip(p, c, c->packet.tos & 0xfc);
	tcp = pkt_tcp(p, ntohs(about->dest), ntohs(about->source));
	tcp->rst = 1;
	tcp->ack = c->want.ack != 0;
	tcp->seq = htonl(c->want.seq);
	tcp->ack_seq = htonl(c->want.ack);
	pkt_finish(p);
	if (p->length < FRAME_MIN && in->length >= FRAME_MIN) {
		memset(p->bytes + p->length, 0, FRAME_MIN - p->length);
		p->length = FRAME_MIN;
	}
}

static void case_out(struct pkt *p, const void *arg)
{
	const struct answer_case *c = arg;
	static struct pkt in;

	pkt_clear(&in);
	lb_case_in(&in, &c->packet);
	if (c->want.reset) {
		turn_ethernet(p, &in);
		reset(p, c, &in);
	} else {
		answered_error(p, &in, lb_case_ip_bytes(&c->packet), &c->want.error);
	}
}

void answer_case_run(struct harness *h, const struct answer_case *c)
{
	const struct harness_row row = {
		.name = c->packet.name,
		.in = case_in,
		.out = case_out,
		.arg = c,
		.verdict = XDP_TX,
		.drop = c->drop,
	};

	harness_run(h, &row, 1);
}
