// SPDX-License-Identifier: BSD-2-Clause
/* poise_decap: what is none of its business stays as it came, what is malformed is dropped. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "decap/decap_packets.h"
#include "poise/decap.h"

struct bad {
	const char *name;
	struct decap_case c;
};

/* The n-th header of a kind gets a field of `width` bytes set. */
#define SET(header, n_, offset_, width_, value_)                                                   \
	.poke = { .kind = header, .n = n_, .offset = offset_, .width = width_, .value = value_ }
#define FIELD16(header, n_, type, field, value_) SET(header, n_, offsetof(type, field), 2, value_)

#define OUT4(field, value)         FIELD16(PKT_IP4, 0, struct iphdr, field, value)
#define OUT6_LENGTH(value)         FIELD16(PKT_IP6, 0, struct ipv6hdr, payload_len, value)
#define OUT6_NEXT(value)           SET(PKT_IP6, 0, offsetof(struct ipv6hdr, nexthdr), 1, value)
#define LIMIT(at, width, value)    SET(PKT_EXT, 0, at, width, value)
#define UDP_LENGTH(value)          FIELD16(PKT_UDP, 0, struct udphdr, len, value)
#define GUE_FIRST(value)           SET(PKT_GUE, 0, 0, 1, value)
#define GUE_PROTO(value)           SET(PKT_GUE, 0, 1, 1, value)
#define GUE_FLAGS(value)           SET(PKT_GUE, 0, 2, 2, value)
#define IN4_LENGTH(n, value)       FIELD16(PKT_IP4, n, struct iphdr, tot_len, value)
#define IN6_LENGTH(n, value)       FIELD16(PKT_IP6, n, struct ipv6hdr, payload_len, value)
#define FIRST_BYTE(kind, n, value) SET(kind, n, 0, 1, value)

static void to_broadcast(struct pkt *p)
{
	memset(p->bytes, 0xff, 6);
}

static void to_multicast(struct pkt *p)
{
	p->bytes[0] |= 1;
}

static void as_arp(struct pkt *p)
{
	((struct ethhdr *)p->bytes)->h_proto = htons(ETH_P_ARP);
}

static void in_vlan(struct pkt *p)
{
	memmove(p->bytes + 16, p->bytes + 12, p->length - 12);
	memcpy(p->bytes + 12, "\x81\x00\x00\x05", 4);
	p->length += 4;
}

static void ethernet_only(struct pkt *p)
{
	pkt_cut(p, sizeof(struct ethhdr));
}

static void out4_options(struct pkt *p)
{
	struct iphdr *ip = pkt_find(p, PKT_IP4, 0);

	/* Read as if there were no option: an inner packet to what is its source here. */
	memcpy(p->bytes + 34 + 12, "\xc0\x00\x02\x0a", 4);
	/* The bytes of an inner packet that starts four later, behind one option. */
	memmove(p->bytes + 38, p->bytes + 34, p->length - 34);
	memcpy(p->bytes + 34, "\0\0\0\0", 4);
	p->length += 4;
	ip->ihl = 6;
	ip->tot_len = htons(p->length - sizeof(struct ethhdr));
	pkt_ip4_checksum(ip);
}

static void out4_checksum(struct pkt *p)
{
	((struct iphdr *)pkt_find(p, PKT_IP4, 0))->check ^= htons(1);
}

/* Without payload: inner IPv4 40 bytes, inner IPv6 60; in gue 12 more. */
static const struct bad passed[] = {
	{ "broadcast", { .spoil = to_broadcast } },
	{ "multicast", { .spoil = to_multicast } },
	{ "another ethertype", { .spoil = as_arp } },
	{ "a VLAN tag", { .spoil = in_vlan } },
	{ "a bare Ethernet header", { .spoil = ethernet_only } },
	{ "an IPv4 destination that is no VIP", { .to = OTHER4 } },
	{ "an IPv6 destination that is no VIP", { .inner = INNER_IP6, .to = OTHER6 } },
	{ "an IPv4 VIP written as IPv6", { .inner = INNER_IP6, .to = "::192.0.2.10" } },
	{ "gue to a destination that is no VIP", { .gue = true, .to = OTHER4 } },
	{ "malformed inside, but to no VIP", { .to = OTHER4, FIRST_BYTE(PKT_IP4, 1, 0x44) } },
	{ "congestion outside, but to no VIP", { .to = OTHER4, .outer_tos = 3 } },
	{ "outer IPv4 with options", { .payload = 9, .spoil = out4_options } },
	{ "outer IPv4, first fragment", { OUT4(frag_off, PKT_IP4_MF) } },
	{ "outer IPv4, last fragment", { OUT4(frag_off, 185) } },
	{ "outer IPv4, wrong checksum", { .spoil = out4_checksum } },
	{ "outer IPv4 that says version 6", { FIRST_BYTE(PKT_IP4, 0, 0x65) } },
	{ "outer IPv4 longer than the frame", { OUT4(tot_len, 61) } },
	{ "outer IPv4 shorter than its header", { OUT4(tot_len, 19) } },
	{ "outer IPv4 with nothing inside, a VIP behind it", { OUT4(tot_len, 20) } },
	{ "outer IPv4 with half an IPv4 header inside", { OUT4(tot_len, 20 + 19) } },
	{ "outer IPv4 with half an IPv6 header inside",
	  { .inner = INNER_IP6, OUT4(tot_len, 20 + 39) } },
	{ "gre", { SET(PKT_IP4, 0, offsetof(struct iphdr, protocol), 1, IPPROTO_GRE) } },
	{ "outer IPv6 that says version 4", { .outer = OUTER_IP6, FIRST_BYTE(PKT_IP6, 0, 0x40) } },
	{ "outer IPv6 longer than the frame", { .outer = OUTER_IP6, OUT6_LENGTH(41) } },
	{ "outer IPv6 with length 0", { .outer = OUTER_IP6, OUT6_LENGTH(0) } },
	{ "outer IPv6 with half a header inside", { .outer = OUTER_IP6, OUT6_LENGTH(19) } },
	{ "hop-by-hop options", { .outer = OUTER_IP6_LIMIT, OUT6_NEXT(IPPROTO_HOPOPTS) } },
	{ "outer IPv6 fragment", { .outer = OUTER_IP6_LIMIT, OUT6_NEXT(IPPROTO_FRAGMENT) } },
	{ "outer IPv6 routing header", { .outer = OUTER_IP6_LIMIT, OUT6_NEXT(IPPROTO_ROUTING) } },
	{ "a longer destination options header", { .outer = OUTER_IP6_LIMIT, LIMIT(1, 1, 1) } },
	{ "an unknown destination option", { .outer = OUTER_IP6_LIMIT, LIMIT(2, 1, 0xc9) } },
	{ "a destination option that goes beyond its header",
	  { .outer = OUTER_IP6_LIMIT, LIMIT(6, 1, 2) } },
	{ "a destination option without its length",
	  { .outer = OUTER_IP6_LIMIT, LIMIT(6, 2, 0x0001) } },
	{ "two destination options headers",
	  { .outer = OUTER_IP6_LIMIT, LIMIT(0, 1, IPPROTO_DSTOPTS) } },
	{ "destination options beyond the payload", { .outer = OUTER_IP6_LIMIT, OUT6_LENGTH(7) } },
	{ "gue on another port", { .gue = true, .gue_port = 6081 } },
	{ "gue variant 1", { .gue = true, GUE_FIRST(0x40) } },
	{ "gue variant 2", { .gue = true, GUE_FIRST(0x80) } },
	{ "gue control message", { .gue = true, GUE_FIRST(0x20) } },
	{ "gue with the first flag", { .gue = true, .gue_words = 1, GUE_FLAGS(0x8000) } },
	{ "gue with the last flag", { .gue = true, .gue_words = 1, GUE_FLAGS(0x0001) } },
	{ "gue with UDP inside", { .gue = true, GUE_PROTO(IPPROTO_UDP) } },
	{ "gue with TCP inside", { .gue = true, GUE_PROTO(IPPROTO_TCP) } },
	{ "gue with more private data than UDP has", { .gue = true, .payload = 9, GUE_FIRST(31) } },
	{ "gue with private data that ends beyond UDP",
	  { .gue = true, .gue_words = 3, UDP_LENGTH(8 + 4 + 11) } },
	{ "gue in UDP too short for it", { .gue = true, UDP_LENGTH(11) } },
	{ "gue in UDP longer than IP", { .gue = true, UDP_LENGTH(8 + 4 + 41) } },
	{ "gue in UDP longer than IP, with padding",
	  { .gue = true, .padding = 9, UDP_LENGTH(8 + 4 + 41) } },
	{ "gue with half a header inside", { .gue = true, UDP_LENGTH(8 + 4 + 19) } },
};

static const struct bad dropped[] = {
	{ "IPv4 header length 4 words", { FIRST_BYTE(PKT_IP4, 1, 0x44) } },
	{ "IPv4 that says version 6", { FIRST_BYTE(PKT_IP4, 1, 0x65) } },
	{ "IPv4 longer than the outer payload", { IN4_LENGTH(1, 41) } },
	{ "IPv4 that would take padding in", { .padding = 20, IN4_LENGTH(1, 41) } },
	{ "IPv4 longer than what a tunnel limit leaves",
	  { .outer = OUTER_IP6_LIMIT, .padding = 20, IN4_LENGTH(0, 41) } },
	{ "IPv4 longer than what private data leaves",
	  { .gue = true, .gue_words = 3, .padding = 20, IN4_LENGTH(1, 41) } },
	{ "IPv4 shorter than its header", { IN4_LENGTH(1, 19) } },
	{ "IPv4 options beyond its length", { FIRST_BYTE(PKT_IP4, 1, 0x4f) } },
	{ "IPv6 longer than the outer payload",
	  { .inner = INNER_IP6, .outer = OUTER_IP6, IN6_LENGTH(1, 21) } },
	{ "IPv6 that would take padding in",
	  { .inner = INNER_IP6, .outer = OUTER_IP6, .padding = 20, IN6_LENGTH(1, 21) } },
	{ "IPv6 that says version 4",
	  { .inner = INNER_IP6, .outer = OUTER_IP6, FIRST_BYTE(PKT_IP6, 1, 0x40) } },
	{ "IPv4 longer than the UDP payload", { .gue = true, UDP_LENGTH(8 + 4 + 39) } },
};

static void unchanged(struct harness *h, const char *what, const struct bad *bad,
		      enum decap_drop drop)
{
	char name[160];
	struct harness_row row = { .name = name,
				   .in = decap_in,
				   .arg = &bad->c,
				   .verdict = drop ? XDP_DROP : XDP_PASS,
				   .drop = drop };

	snprintf(name, sizeof(name), "%s: %s", what, bad->name);
	harness_run(h, &row, 1);
}

static void plain_to_vip(struct pkt *p, const void *arg)
{
	pkt_eth(p);
	if (arg)
		pkt_ip6(p, "2001:db8:c::7", VIP6);
	else
		pkt_ip4(p, "198.51.100.7", VIP4);
	pkt_tcp(p, 40000, 80);
	pkt_finish(p);
}

/* The VIP only outside: nothing to be taken off for it. */
static void vip_outside(struct pkt *p, const void *arg)
{
	(void)arg;
	pkt_eth(p);
	pkt_ip4(p, "10.0.0.1", VIP4);
	pkt_ip4(p, "198.51.100.7", OTHER4);
	pkt_tcp(p, 40000, 80);
	pkt_finish(p);
}

/* A frame that ends early, wherever, is none of ours. */
static void every_cut(struct harness *h)
{
	static struct pkt in, cut, out;

	for (int i = 0; i < OUTER_COUNT * INNER_COUNT * 2; i++) {
		struct decap_case c = { .outer = i % 3,
					.inner = i / 3 % 2,
					.gue = i / 6,
					.gue_words = 2,
					.payload = 3 };
		enum xdp_action verdict = XDP_ABORTED;
		size_t length = sizeof(struct ethhdr);
		bool same = true;

		pkt_clear(&in);
		decap_in(&in, &c);
		for (; same && length < in.length; length++) {
			cut = in;
			pkt_cut(&cut, length);
			same = !harness_frame(h->program_fd, HARNESS_LOOPBACK, &cut, &out,
					      &verdict) &&
			       verdict == XDP_PASS && out.length == length &&
			       !memcmp(out.bytes, in.bytes, length);
		}
		harness_ok(h, same, "cut anywhere: outer %d, inner %d, gue %d (last at %zu)",
			   c.outer, c.inner, c.gue, length);
	}
}

int main(void)
{
	static const struct harness_row plain[] = {
		{ .name = "untouched: IPv4 to a VIP", .in = plain_to_vip, .verdict = XDP_PASS },
		{ .name = "untouched: IPv6 to a VIP",
		  .in = plain_to_vip,
		  .arg = "6",
		  .verdict = XDP_PASS },
		{ .name = "untouched: a VIP only in the outer header",
		  .in = vip_outside,
		  .verdict = XDP_PASS },
	};
	struct harness h = { 0 };

	decap_load(&h, false);
	harness_run(&h, plain, ARRAY_SIZE(plain));
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		unchanged(&h, "untouched", &passed[i], DECAP_DROP_NONE);
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		unchanged(&h, "dropped", &dropped[i], DECAP_DROP_MALFORMED_IP);
	every_cut(&h);
	decap_unload(&h);
	return harness_end(&h);
}
