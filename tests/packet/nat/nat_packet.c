// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "nat/nat_packet.h"

#define FRAME_MIN 60

static void swap(struct nat_ends *ends)
{
	struct nat_ends was = *ends;

	memcpy(ends->from, was.to, sizeof(ends->from));
	memcpy(ends->to, was.from, sizeof(ends->to));
	ends->source_port = was.dest_port;
	ends->dest_port = was.source_port;
}

void nat_outside_ends(const struct nat_flow *flow, bool reply, struct nat_ends *out)
{
	nat_flow_client_text(flow, out->from);
	snprintf(out->to, sizeof(out->to), "%s", nat_vip(flow->version, flow->service));
	out->source_port = flow->client_port;
	out->dest_port = flow->service;
	if (reply)
		swap(out);
}

void nat_inside_ends(const struct nat_flow *flow, bool reply, struct nat_ends *out)
{
	__u16 target = nat_target(flow->version, flow->proto, flow->service, flow->backend);

	if (nat_keeps(flow->service)) {
		nat_flow_client_text(flow, out->from);
		out->source_port = flow->client_port;
	} else {
		nat_source_text(flow->version, flow->source, out->from);
		out->source_port = flow->nat_port;
	}
	nat_backend_text(flow->version, target, out->to);
	out->dest_port = NAT_BACKEND_PORT;
	if (reply)
		swap(out);
}

void nat_eth(struct pkt *p, const struct nat_packet *packet, bool inside, bool to_host)
{
	const struct nat_flow *flow = packet->flow;
	struct ethhdr *eth = pkt_eth(p);
	__u8 host[6], other[6];

	/* The builder's own addresses are those of the client's next hop and of the host. */
	memcpy(host, inside ? nat_own_mac : eth->h_dest, sizeof(host));
	memcpy(other, inside ? nat_next_hop_mac : eth->h_source, sizeof(other));
	if (inside)
		other[5] = nat_target(flow->version, flow->proto, flow->service, flow->backend);
	else
		other[5] += to_host ? packet->hop : packet->way;
	memcpy(eth->h_dest, to_host ? host : other, sizeof(host));
	memcpy(eth->h_source, to_host ? other : host, sizeof(host));
}

static void set_ip(struct pkt *p, const struct nat_packet *packet, const struct nat_ends *ends,
		   __u8 ttl)
{
	if (packet->flow->version == 4) {
		struct iphdr *ip = pkt_ip4(p, ends->from, ends->to);

		ip->tos = packet->tos;
		ip->ttl = ttl;
		ip->id = htons(0xabcd);
		ip->frag_off = htons(packet->df ? PKT_IP4_DF : 0);
	} else {
		struct ipv6hdr *ip = pkt_ip6(p, ends->from, ends->to);

		ip->priority = packet->tos >> 4;
		ip->flow_lbl[0] = packet->tos << 4 | 0xa;
		ip->flow_lbl[1] = 0xbc;
		ip->hop_limit = ttl;
	}
	extra_add(p, packet->flow->version, packet->extra);
}

static void set_transport(struct pkt *p, const struct nat_packet *packet,
			  const struct nat_ends *ends)
{
	if (packet->flow->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = pkt_tcp(p, ends->source_port, ends->dest_port);

		((__u8 *)tcp)[13] = packet->tcp;
		tcp->seq = htonl(0x12345678);
		tcp->window = htons(0xfedc);
	} else {
		pkt_udp(p, ends->source_port, ends->dest_port);
	}
	if (packet->payload) {
		size_t at = p->length;
		__u16 word;

		pkt_payload(p, packet->payload);
		if (packet->payload < 2)
			return;
		memcpy(&word, p->bytes + at, sizeof(word));
		word += packet->payload_word;
		memcpy(p->bytes + at, &word, sizeof(word));
	}
}

static __u16 add_ones(__u16 a, __u16 b)
{
	__u32 sum = (__u32)a + b;

	return (sum & 0xffff) + (sum >> 16);
}

/* Sets fields that pkt_finish() would fill in otherwise. */
static void adjust(struct pkt *p, const struct nat_packet *packet)
{
	struct tcphdr *tcp;
	struct udphdr *udp;

	if (packet->claims && packet->flow->version == 4) {
		struct iphdr *ip = pkt_find(p, PKT_IP4, 0);

		ip->protocol = packet->claims;
		pkt_ip4_checksum(ip);
	} else if (packet->claims) {
		((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->nexthdr = packet->claims;
	}
	if (packet->flow->proto == IPPROTO_TCP) {
		tcp = pkt_find(p, PKT_TCP, 0);
		tcp->check = packet->spoil ? add_ones(tcp->check, packet->spoil) : tcp->check;
		return;
	}
	udp = pkt_find(p, PKT_UDP, 0);
	if (packet->spoil)
		udp->check = add_ones(udp->check, packet->spoil);
	if (packet->no_udp_checksum)
		udp->check = 0;
}

void nat_packet_ip(struct pkt *p, const struct nat_packet *packet, const struct nat_ends *ends,
		   __u8 ttl)
{
	set_ip(p, packet, ends, ttl);
	set_transport(p, packet, ends);
	pkt_finish(p);
	adjust(p, packet);
}

static __u8 ttl_of(const struct nat_packet *packet)
{
	return packet->ttl ? packet->ttl : 64;
}

void nat_packet_in(struct pkt *p, const void *arg)
{
	const struct nat_packet *packet = arg;
	struct nat_ends ends;

	if (packet->reply)
		nat_inside_ends(packet->flow, true, &ends);
	else
		nat_outside_ends(packet->flow, false, &ends);
	nat_eth(p, packet, packet->reply, true);
	nat_packet_ip(p, packet, &ends, ttl_of(packet));
	pkt_pad(p, packet->padding);
}

void nat_packet_out(struct pkt *p, const void *arg)
{
	const struct nat_packet *packet = arg;
	struct nat_ends ends;

	if (!nat_keeps(packet->flow->service) && !packet->reply &&
	    !nat_learn(packet->lb, packet->flow))
		printf("#   the flow is not in the table\n");
	if (packet->reply)
		nat_outside_ends(packet->flow, true, &ends);
	else
		nat_inside_ends(packet->flow, false, &ends);
	nat_eth(p, packet, !packet->reply, false);
	nat_packet_ip(p, packet, &ends, ttl_of(packet) - 1);
	/* A short frame keeps its padding, a longer one loses what is behind the IP packet. */
	if (p->length < FRAME_MIN)
		pkt_pad(p, packet->padding < FRAME_MIN - p->length ? packet->padding
								   : FRAME_MIN - p->length);
}

unsigned int nat_packet_bytes(const struct nat_packet *packet)
{
	struct nat_packet bare = *packet;
	static struct pkt p;

	bare.padding = 0;
	pkt_clear(&p);
	nat_packet_in(&p, &bare);
	return p.length - ETH_HLEN;
}

void nat_packet_run(struct lb_maps *lb, const struct nat_packet *packet, enum xdp_action verdict,
		    enum drop_reason drop, bool begun, const char *name)
{
	const bool forwarded = verdict == XDP_TX || verdict == XDP_REDIRECT;
	const struct nat_flow *flow = packet->flow;
	struct nat_packet with = *packet;
	struct harness_row row = {
		.name = name,
		.in = nat_packet_in,
		.out = forwarded ? nat_packet_out : NULL,
		.arg = &with,
		.ifindex = packet->ifindex,
		.verdict = verdict,
		.drop = drop,
	};

	with.lb = lb;
	if (forwarded) {
		__u64 bytes = nat_packet_bytes(packet);

		row.counter = nat_target(flow->version, flow->proto, flow->service,
					 flow->backend ? flow->backend : 'A');
		if (packet->reply)
			row.count = (struct harness_counter){ .reply_packets = 1,
							      .reply_bytes = bytes };
		else
			row.count = (struct harness_counter){ 1, bytes, begun };
	}
	harness_run(&lb->harness, &row, 1);
}

struct answered_packet {
	const struct nat_packet *packet;
	const struct answered *answer;
};

static void answered_in(struct pkt *p, const void *arg)
{
	const struct answered_packet *answered = arg;

	nat_packet_in(p, answered->packet);
}

static void answered_out(struct pkt *p, const void *arg)
{
	const struct answered_packet *answered = arg;
	static struct pkt in;

	pkt_clear(&in);
	nat_packet_in(&in, answered->packet);
	answered_error(p, &in, nat_packet_bytes(answered->packet), answered->answer);
}

void nat_packet_answered(struct lb_maps *lb, const struct nat_packet *packet, enum drop_reason drop,
			 const struct answered *answer, const char *name)
{
	const struct answered_packet answered = { packet, answer };
	const struct harness_row row = {
		.name = name,
		.in = answered_in,
		.out = answered_out,
		.arg = &answered,
		.ifindex = packet->ifindex,
		.verdict = XDP_TX,
		.drop = drop,
	};

	harness_run(&lb->harness, &row, 1);
}

enum xdp_action nat_send(struct lb_maps *lb, const struct nat_packet *packet)
{
	enum xdp_action verdict = XDP_ABORTED;
	static struct pkt in, out;

	pkt_clear(&in);
	nat_packet_in(&in, packet);
	harness_frame(lb->harness.program_fd, packet->ifindex ? packet->ifindex : HARNESS_LOOPBACK,
		      &in, &out, &verdict);
	return verdict;
}

bool nat_begin(struct lb_maps *lb, struct nat_flow *flow)
{
	struct nat_packet packet = { .flow = flow, .tcp = flow->proto == IPPROTO_TCP ? SYN : 0 };

	return nat_send(lb, &packet) == XDP_TX && nat_learn(lb, flow);
}

bool nat_establish(struct lb_maps *lb, struct nat_flow *flow)
{
	const bool tcp = flow->proto == IPPROTO_TCP;
	struct nat_packet reply = { .flow = flow, .reply = true, .tcp = tcp ? SYN_ACK : 0 };
	struct nat_packet ack = { .flow = flow, .tcp = tcp ? ACK : 0 };

	return nat_begin(lb, flow) && nat_send(lb, &reply) == XDP_TX &&
	       nat_send(lb, &ack) == XDP_TX;
}
