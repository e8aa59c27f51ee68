// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "lb/lb_case.h"
#include "poise/hash.h"

#define SOURCE_PORT 40000
#define FRAME_MIN   60
#define ROUTER4     "203.0.113.9"
#define ROUTER6     "2001:db8:f::9"

static const char *client_of(const struct lb_case *c)
{
	if (c->client)
		return c->client;
	return c->version == 4 ? CLIENT4 : CLIENT6;
}

static const char *sender_of(const struct lb_case *c)
{
	if (c->error)
		return c->version == 4 ? ROUTER4 : ROUTER6;
	return client_of(c);
}

/* Writes what the backend sent. */
static void quoted(struct pkt *p, const struct lb_case *c)
{
	static const __u8 options[8] = { 148, 4, 0, 0, 1, 1, 1, 0 };
	static const __u8 more[] = { 0, 0, 0, 1, 0, 0, 0, 9 };

	pkt_clear(p);
	if (c->version == 4) {
		pkt_ip4(p, VIP4, client_of(c))->frag_off = htons(c->error->offset / 8);
		if (c->error->quoted_extra)
			pkt_ip4_options(p, options, sizeof(options));
	} else {
		pkt_ip6(p, VIP6, client_of(c));
		if (c->error->quoted_extra)
			*(__be16 *)(pkt_ext(p, IPPROTO_FRAGMENT, more, sizeof(more)) + 2) =
				htons(c->error->offset | 1);
	}
	if (c->proto == IPPROTO_TCP)
		pkt_tcp(p, c->port, SOURCE_PORT + c->source)->ack = 1;
	else if (c->proto == IPPROTO_SCTP)
		pkt_sctp(p, c->port, SOURCE_PORT + c->source, 0);
	else
		pkt_udp(p, c->port, SOURCE_PORT + c->source);
	if (c->payload)
		pkt_payload(p, c->payload);
	pkt_finish(p);
}

static void icmp_error(struct pkt *p, const struct lb_case *c)
{
	const struct lb_error *error = c->error;
	static struct pkt told;
	struct icmphdr *icmp = c->version == 4 ? pkt_icmp(p, error->type, error->code)
					       : pkt_icmp6(p, error->type, error->code);

	icmp->un.gateway = htonl(error->rest);
	quoted(&told, c);
	pkt_bytes(p, told.bytes, error->quoted ? error->quoted : told.length);
}

/* The client's packet, or a router's error, from its IP header on. */
static void inner(struct pkt *p, const struct lb_case *c)
{
	if (c->version == 4) {
		struct iphdr *ip = pkt_ip4(p, sender_of(c), VIP4);

		ip->tos = c->tos;
		ip->ttl = 57;
	} else {
		struct ipv6hdr *ip = pkt_ip6(p, sender_of(c), VIP6);

		ip->priority = c->tos >> 4;
		ip->flow_lbl[0] = c->tos << 4 | 0xa;
		ip->flow_lbl[1] = 0xbc;
		ip->hop_limit = 57;
	}
	extra_add(p, c->version, c->extra);
	if (c->error) {
		icmp_error(p, c);
		return;
	}
	if (c->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = pkt_tcp(p, SOURCE_PORT + c->source, c->port);

		tcp->syn = c->syn;
		tcp->ack = c->ack;
		tcp->fin = c->fin;
		tcp->rst = c->rst;
		tcp->seq = htonl(0x12345678);
	} else if (c->proto == IPPROTO_SCTP) {
		pkt_sctp(p, SOURCE_PORT + c->source, c->port, c->chunk);
	} else {
		pkt_udp(p, SOURCE_PORT + c->source, c->port);
	}
	if (c->payload)
		pkt_payload(p, c->payload);
}

/* Sets fields after everything is computed, as the builder would fill them in. */
static void adjust(struct pkt *p, const struct lb_case *c, bool inside_udp)
{
	struct udphdr *udp;

	if (c->proto != IPPROTO_UDP || c->error)
		return;
	udp = pkt_find(p, PKT_UDP, inside_udp);
	udp->len = htons(ntohs(udp->len) - c->behind_udp);
	if (c->no_udp_checksum)
		udp->check = 0;
}

void lb_case_in(struct pkt *p, const void *arg)
{
	const struct lb_case *c = arg;

	pkt_eth(p);
	inner(p, c);
	pkt_finish(p);
	adjust(p, c, false);
	pkt_pad(p, c->padding);
	if (c->spoil)
		c->spoil(p);
	if (c->cut)
		pkt_cut(p, c->cut);
}

unsigned int lb_case_ip_bytes(const struct lb_case *c)
{
	static struct pkt p;

	pkt_clear(&p);
	pkt_eth(&p);
	inner(&p, c);
	return p.length - sizeof(struct ethhdr);
}

static __u64 case_hash(const struct lb_case *c)
{
	struct flow_hash_key key;
	__be32 source[4], dest[4];

	flow_hash_key_expand(fixture_seed, &key);
	if (c->version == 4) {
		inet_pton(AF_INET, client_of(c), source);
		inet_pton(AF_INET, VIP4, dest);
		return flow_hash4(&key, source[0], dest[0], htons(SOURCE_PORT + c->source),
				  htons(c->port), c->proto);
	}
	inet_pton(AF_INET6, client_of(c), source);
	inet_pton(AF_INET6, VIP6, dest);
	return flow_hash6(&key, source, dest, htons(SOURCE_PORT + c->source), htons(c->port),
			  c->proto);
}

static void outer_ip6(struct pkt *p, const struct lb_case *c)
{
	bool spread = c->port == PORT_SPREAD6;
	struct ipv6hdr *ip = pkt_ip6(p, spread ? SPREAD_SOURCE6 : OUTER_SOURCE6, OUTER_DEST6);

	if (spread)
		ip->saddr.s6_addr32[3] = htonl(case_hash(c));
	*(__be32 *)ip = htonl(6U << 28 | (__u32)c->tos << 20 | (case_hash(c) & 0xfffff));
}

static void outer_ip4(struct pkt *p, const struct lb_case *c)
{
	bool spread = c->port == PORT_SPREAD4;
	struct iphdr *ip = pkt_ip4(p, spread ? SPREAD_SOURCE4 : OUTER_SOURCE4, OUTER_DEST4);

	if (spread)
		ip->saddr |= htonl(case_hash(c) & ((1 << SPREAD_BITS4) - 1));
	ip->tos = c->tos;
	ip->frag_off = htons(PKT_IP4_DF);
}

/* Slow and plain: RFC 768's sum over a UDP packet and its IPv6 pseudo-header, byte by byte. */
static void udp6_checksum(struct pkt *p)
{
	struct ipv6hdr *ip = pkt_find(p, PKT_IP6, 0);
	struct udphdr *udp = pkt_find(p, PKT_UDP, 0);
	__u32 bytes = ntohs(udp->len), sum = bytes + IPPROTO_UDP;
	const __u8 *addresses = (void *)&ip->saddr, *data = (void *)udp;

	udp->check = 0;
	for (__u32 i = 0; i < 32; i++)
		sum += i % 2 ? addresses[i] : addresses[i] << 8;
	for (__u32 i = 0; i < bytes; i++)
		sum += i % 2 ? data[i] : data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	udp->check = sum == 0xffff ? 0xffff : htons(~sum);
}

/* 0: the mode has no outer header. */
static int outer_version(unsigned int port)
{
	if (port == PORT_IPIP4 || port == PORT_GUE4 || port == PORT_SPREAD4)
		return 4;
	return port == PORT_IPIP6 || port == PORT_GUE6 || port == PORT_SPREAD6 ? 6 : 0;
}

void lb_case_out(struct pkt *p, const void *arg)
{
	const struct lb_case *c = arg;
	struct ethhdr *eth = pkt_eth(p);
	bool gue = c->port == PORT_GUE4 || c->port == PORT_GUE6;

	memcpy(eth->h_dest, fixture_next_hop_mac, sizeof(eth->h_dest));
	memcpy(eth->h_source, fixture_own_mac, sizeof(eth->h_source));
	if (outer_version(c->port) == 4)
		outer_ip4(p, c);
	if (outer_version(c->port) == 6)
		outer_ip6(p, c);
	if (gue) {
		pkt_udp(p, 0xc000 | (case_hash(c) >> 18 & 0x3fff), POISE_GUE_PORT);
		pkt_gue(p);
	}
	inner(p, c);
	pkt_finish(p);
	adjust(p, c, gue);
	if (c->port == PORT_GUE4)
		((struct udphdr *)pkt_find(p, PKT_UDP, 0))->check = 0;
	if (c->port == PORT_GUE6)
		udp6_checksum(p);
	/* A short frame keeps its padding, a longer one loses what is behind the IP packet. */
	if (c->padding && lb_case_ip_bytes(c) + sizeof(*eth) < FRAME_MIN)
		pkt_pad(p, c->padding < FRAME_MIN - sizeof(*eth) - lb_case_ip_bytes(c)
				   ? c->padding
				   : FRAME_MIN - sizeof(*eth) - lb_case_ip_bytes(c));
}

void lb_case_wrap(struct pkt *p, const struct lb_case *c, const void *inner, size_t bytes)
{
	struct ethhdr *eth = pkt_eth(p);
	bool gue = c->port == PORT_GUE4 || c->port == PORT_GUE6;
	__u8 proto = c->version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;

	memcpy(eth->h_dest, fixture_next_hop_mac, sizeof(eth->h_dest));
	memcpy(eth->h_source, fixture_own_mac, sizeof(eth->h_source));
	eth->h_proto = htons(c->version == 4 ? ETH_P_IP : ETH_P_IPV6);
	if (outer_version(c->port) == 4) {
		outer_ip4(p, c);
		((struct iphdr *)pkt_find(p, PKT_IP4, 0))->protocol = proto;
	}
	if (outer_version(c->port) == 6) {
		outer_ip6(p, c);
		((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->nexthdr = proto;
	}
	if (gue) {
		pkt_udp(p, 0xc000 | (case_hash(c) >> 18 & 0x3fff), POISE_GUE_PORT);
		pkt_gue(p)->proto = proto;
	}
	pkt_bytes(p, inner, bytes);
	pkt_finish(p);
	if (c->port == PORT_GUE4)
		((struct udphdr *)pkt_find(p, PKT_UDP, 0))->check = 0;
}

void lb_case_run(struct harness *h, const struct lb_case *c, enum xdp_action verdict,
		 enum drop_reason drop, unsigned int metadata)
{
	bool forwarded = verdict == XDP_TX || verdict == XDP_REDIRECT;
	struct harness_row row = {
		.name = c->name,
		.in = lb_case_in,
		.out = forwarded ? lb_case_out : NULL,
		.arg = c,
		.metadata = metadata,
		.verdict = verdict,
		.drop = drop,
	};

	if (forwarded) {
		row.counter = fixture_target(c->port, c->version, c->proto);
		row.count = (struct harness_counter){ 1, lb_case_ip_bytes(c),
						      (c->syn && !c->ack) || c->chunk == 1,
						      .icmp_errors = !!c->error };
	}
	harness_run(h, &row, 1);
}
