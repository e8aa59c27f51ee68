// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/packet.h"

#define PROTO_NONE 253 /* RFC 3692: for experiments */

/* A test that cannot build its packet says nothing about the program. */
static void refuse(const char *what)
{
	fprintf(stderr, "packet builder: %s\n", what);
	abort();
}

static void *push(struct pkt *p, enum pkt_kind kind, size_t length)
{
	struct pkt_layer *layer;
	void *at = p->bytes + p->length;

	if (p->length + length > sizeof(p->bytes))
		refuse("frame too long");
	if (p->layer_count == PKT_MAX_LAYERS)
		refuse("too many headers");
	layer = &p->layers[p->layer_count++];
	layer->kind = kind;
	layer->proto = 0;
	layer->offset = p->length;
	memset(at, 0, length);
	p->length += length;
	return at;
}

void pkt_clear(struct pkt *p)
{
	memset(p, 0, sizeof(*p));
}

struct ethhdr *pkt_eth(struct pkt *p)
{
	struct ethhdr *eth = push(p, PKT_ETH, sizeof(*eth));

	eth->h_dest[0] = eth->h_source[0] = 2;
	eth->h_dest[5] = 2;
	eth->h_source[5] = 1;
	return eth;
}

void pkt_vlan(struct pkt *p, __u16 tpid, __u16 tci)
{
	struct {
		__be16 tci, type;
	} * vlan;

	if (p->length < 2)
		refuse("a VLAN tag without an Ethernet header");
	/* The tag's own number stands where the header before has its type. */
	*(__be16 *)(p->bytes + p->length - 2) = htons(tpid);
	vlan = push(p, PKT_VLAN, sizeof(*vlan));
	vlan->tci = htons(tci);
}

struct iphdr *pkt_ip4(struct pkt *p, const char *src, const char *dst)
{
	struct iphdr *ip = push(p, PKT_IP4, sizeof(*ip));

	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = PROTO_NONE;
	if (inet_pton(AF_INET, src, &ip->saddr) != 1 || inet_pton(AF_INET, dst, &ip->daddr) != 1)
		refuse("not an IPv4 address");
	return ip;
}

void pkt_ip4_options(struct pkt *p, const void *options, size_t length)
{
	struct pkt_layer *last = &p->layers[p->layer_count - 1];
	struct iphdr *ip = (void *)(p->bytes + last->offset);

	if (!p->layer_count || last->kind != PKT_IP4 || length % 4 || length > 40)
		refuse("options need an IPv4 header before and a multiple of four bytes");
	memcpy(p->bytes + p->length, options, length);
	p->length += length;
	ip->ihl = 5 + length / 4;
}

struct ipv6hdr *pkt_ip6(struct pkt *p, const char *src, const char *dst)
{
	struct ipv6hdr *ip = push(p, PKT_IP6, sizeof(*ip));

	ip->version = 6;
	ip->hop_limit = 64;
	ip->nexthdr = PROTO_NONE;
	if (inet_pton(AF_INET6, src, &ip->saddr) != 1 || inet_pton(AF_INET6, dst, &ip->daddr) != 1)
		refuse("not an IPv6 address");
	return ip;
}

__u8 *pkt_ext(struct pkt *p, __u8 proto, const void *body, size_t length)
{
	__u8 *ext = push(p, PKT_EXT, length);

	memcpy(ext, body, length);
	p->layers[p->layer_count - 1].proto = proto;
	ext[0] = PROTO_NONE;
	if (proto != IPPROTO_FRAGMENT)
		ext[1] = length / 8 - 1;
	return ext;
}

struct tcphdr *pkt_tcp(struct pkt *p, __u16 source, __u16 dest)
{
	struct tcphdr *tcp = push(p, PKT_TCP, sizeof(*tcp));

	tcp->source = htons(source);
	tcp->dest = htons(dest);
	tcp->doff = sizeof(*tcp) / 4;
	return tcp;
}

struct pkt_sctp *pkt_sctp(struct pkt *p, __u16 source, __u16 dest, __u8 chunk)
{
	struct pkt_sctp *sctp = push(p, PKT_SCTP, sizeof(*sctp));

	sctp->source = htons(source);
	sctp->dest = htons(dest);
	sctp->chunk = chunk;
	return sctp;
}

struct udphdr *pkt_udp(struct pkt *p, __u16 source, __u16 dest)
{
	struct udphdr *udp = push(p, PKT_UDP, sizeof(*udp));

	udp->source = htons(source);
	udp->dest = htons(dest);
	return udp;
}

static struct icmphdr *icmp(struct pkt *p, enum pkt_kind kind, __u8 type, __u8 code)
{
	struct icmphdr *hdr = push(p, kind, sizeof(*hdr));

	hdr->type = type;
	hdr->code = code;
	return hdr;
}

struct icmphdr *pkt_icmp(struct pkt *p, __u8 type, __u8 code)
{
	return icmp(p, PKT_ICMP, type, code);
}

struct icmphdr *pkt_icmp6(struct pkt *p, __u8 type, __u8 code)
{
	return icmp(p, PKT_ICMP6, type, code);
}

struct pkt_gue *pkt_gue(struct pkt *p)
{
	struct pkt_gue *gue = push(p, PKT_GUE, sizeof(*gue));

	gue->proto = PROTO_NONE;
	return gue;
}

void pkt_payload(struct pkt *p, size_t length)
{
	__u8 *bytes = push(p, PKT_BYTES, length);

	for (size_t i = 0; i < length; i++)
		bytes[i] = i;
}

void *pkt_bytes(struct pkt *p, const void *bytes, size_t length)
{
	return memcpy(push(p, PKT_BYTES, length), bytes, length);
}

void pkt_pad(struct pkt *p, size_t length)
{
	if (p->length + length > sizeof(p->bytes))
		refuse("frame too long");
	memset(p->bytes + p->length, 0xee, length);
	p->length += length;
}

void pkt_pad_to(struct pkt *p, size_t length)
{
	if (p->length < length)
		pkt_pad(p, length - p->length);
}

void pkt_cut(struct pkt *p, size_t length)
{
	if (length > p->length)
		refuse("the frame is shorter than that");
	p->length = length;
}

static const struct pkt_layer *find(const struct pkt *p, enum pkt_kind kind, unsigned int n)
{
	for (size_t i = 0; i < p->layer_count; i++)
		if (p->layers[i].kind == kind && !n--)
			return &p->layers[i];
	refuse("no such header");
	return NULL;
}

void *pkt_find(struct pkt *p, enum pkt_kind kind, unsigned int n)
{
	return p->bytes + find(p, kind, n)->offset;
}

size_t pkt_offset(const struct pkt *p, enum pkt_kind kind, unsigned int n)
{
	return find(p, kind, n)->offset;
}

static __u32 sum_bytes(const void *data, size_t length, __u32 sum)
{
	const __u8 *at = data;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += at[i] << 8 | at[i + 1];
	if (length % 2)
		sum += at[length - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Returns the checksum in host order of bytes in network order. */
static __u16 checksum(const void *data, size_t length, __u32 sum)
{
	return ~sum_bytes(data, length, sum);
}

void pkt_ip4_checksum(struct iphdr *ip)
{
	ip->check = 0;
	ip->check = htons(checksum(ip, ip->ihl * 4, 0));
}

/*
 * Returns the protocol number by which the header before announces this one; -1: it announces
 * nothing, leave it.
 */
static int proto_of(const struct pkt *p, size_t layer)
{
	if (layer >= p->layer_count)
		return -1;
	switch (p->layers[layer].kind) {
	case PKT_IP4:
		return IPPROTO_IPIP;
	case PKT_IP6:
		return IPPROTO_IPV6;
	case PKT_EXT:
		return p->layers[layer].proto;
	case PKT_TCP:
		return IPPROTO_TCP;
	case PKT_UDP:
		return IPPROTO_UDP;
	case PKT_SCTP:
		return IPPROTO_SCTP;
	case PKT_ICMP:
		return IPPROTO_ICMP;
	case PKT_ICMP6:
		return IPPROTO_ICMPV6;
	default:
		return -1;
	}
}

static void set_proto(const struct pkt *p, size_t layer, __u8 *field)
{
	int proto = proto_of(p, layer + 1);

	if (proto >= 0)
		*field = proto;
}

static void set_ethertype(struct pkt *p, size_t layer, __u8 *type)
{
	int proto = proto_of(p, layer + 1);

	if (proto == IPPROTO_IPIP)
		*(__be16 *)type = htons(ETH_P_IP);
	else if (proto == IPPROTO_IPV6)
		*(__be16 *)type = htons(ETH_P_IPV6);
}

/* The sum over the pseudo header that the IP header around `layer` makes (RFC 793, RFC 8200). */
static __u32 pseudo_sum(const struct pkt *p, size_t layer, __u8 proto, size_t length)
{
	while (layer--) {
		const __u8 *ip = p->bytes + p->layers[layer].offset;

		if (p->layers[layer].kind == PKT_IP4)
			return sum_bytes(ip + offsetof(struct iphdr, saddr), 8, proto + length);
		if (p->layers[layer].kind == PKT_IP6)
			return sum_bytes(ip + offsetof(struct ipv6hdr, saddr), 32, proto + length);
	}
	refuse("a transport header without an IP header");
	return 0;
}

static void finish_transport(struct pkt *p, size_t layer, __u8 proto, __be16 *check)
{
	const struct pkt_layer *l = &p->layers[layer];
	size_t length = p->length - l->offset;
	__u32 sum = proto == IPPROTO_ICMP ? 0 : pseudo_sum(p, layer, proto, length);

	*check = 0;
	*check = htons(checksum(p->bytes + l->offset, length, sum));
	if (proto == IPPROTO_UDP && !*check)
		*check = 0xffff;
}

static void finish_layer(struct pkt *p, size_t layer)
{
	size_t length = p->length - p->layers[layer].offset;
	__u8 *at = p->bytes + p->layers[layer].offset;
	struct ipv6hdr *ip6 = (void *)at;
	struct iphdr *ip4 = (void *)at;
	struct udphdr *udp = (void *)at;

	switch (p->layers[layer].kind) {
	case PKT_ETH:
		set_ethertype(p, layer, at + offsetof(struct ethhdr, h_proto));
		break;
	case PKT_VLAN:
		set_ethertype(p, layer, at + 2);
		break;
	case PKT_IP4:
		set_proto(p, layer, &ip4->protocol);
		ip4->tot_len = htons(length);
		pkt_ip4_checksum(ip4);
		break;
	case PKT_IP6:
		set_proto(p, layer, &ip6->nexthdr);
		ip6->payload_len = htons(length - sizeof(*ip6));
		break;
	case PKT_EXT:
		set_proto(p, layer, at);
		break;
	case PKT_GUE:
		set_proto(p, layer, &((struct pkt_gue *)at)->proto);
		break;
	case PKT_TCP:
		finish_transport(p, layer, IPPROTO_TCP, &((struct tcphdr *)at)->check);
		break;
	case PKT_UDP:
		udp->len = htons(length);
		finish_transport(p, layer, IPPROTO_UDP, &udp->check);
		break;
	case PKT_SCTP:
		/* The tag reads like a UDP header's length and checksum, to mislead who takes it
		 * so. */
		((struct pkt_sctp *)at)->tag = htonl(length << 16 | 0x5678);
		((struct pkt_sctp *)at)->chunk_length = htons(length - 12);
		break;
	case PKT_ICMP:
		finish_transport(p, layer, IPPROTO_ICMP, &((struct icmphdr *)at)->checksum);
		break;
	case PKT_ICMP6:
		finish_transport(p, layer, IPPROTO_ICMPV6, &((struct icmphdr *)at)->checksum);
		break;
	case PKT_BYTES:
		break;
	}
}

/* From the inside out: an outer checksum covers the inner ones. */
void pkt_finish(struct pkt *p)
{
	for (size_t layer = p->layer_count; layer--;)
		finish_layer(p, layer);
}
