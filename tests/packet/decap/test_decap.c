// SPDX-License-Identifier: BSD-2-Clause
/* poise_decap: what is taken off, what is left alone, what is dropped, byte by byte. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "decap/decap_packets.h"
#include "poise/decap.h"

#define ECN_ECT1 1
#define ECN_ECT0 2
#define ECN_CE   3

static const char *const outer_names[] = { "in IPv4", "in IPv6", "in IPv6 with a tunnel limit" };
static const char *const inner_names[] = { "IPv4", "IPv6" };

/* A row in which the packet is taken out of its tunnel and counted. */
static void run_good(struct harness *h, const char *name, const struct decap_case *c)
{
	struct harness_row row = { .name = name,
				   .in = decap_in,
				   .out = decap_out,
				   .arg = c,
				   .verdict = XDP_PASS,
				   .counter = c->inner == INNER_IP4 ? DECAP_VIP4 : DECAP_VIP6,
				   .count = { .packets = 1, .bytes = decap_inner_bytes(c) } };

	harness_run(h, &row, 1);
}

/* A row in which the frame stays as it is: passed, or dropped for a reason. */
static void run_unchanged(struct harness *h, const char *name, const struct decap_case *c,
			  enum decap_drop drop)
{
	struct harness_row row = { .name = name,
				   .in = decap_in,
				   .arg = c,
				   .verdict = drop ? XDP_DROP : XDP_PASS,
				   .drop = drop };

	harness_run(h, &row, 1);
}

/* ipip, gue and gue with private data: IPv4 and IPv6 in both: TCP and UDP: bare and padded. */
static void every_combination(struct harness *h)
{
	static const char *const tunnels[] = { "", " (gue)", " (gue, private data)" };

	for (int i = 0; i < OUTER_COUNT * INNER_COUNT * 3 * 2 * 2; i++) {
		int tunnel = i / 12 % 3;
		struct decap_case c = { .udp = i % 2,
					.padding = i / 2 % 2 ? 17 : 0,
					.outer = i / 4 % 3,
					.gue = tunnel > 0,
					.gue_words = tunnel == 2 ? 3 : 0,
					.inner = i / 36,
					.payload = 33,
					.outer_tos = 46 << 2, /* stays outside */
					.inner_tos = 10 << 2 };
		char name[120];

		snprintf(name, sizeof(name), "%s %s %s%s%s is taken out", inner_names[c.inner],
			 c.udp ? "UDP" : "TCP", outer_names[c.outer], tunnels[tunnel],
			 c.padding ? ", padded," : "");
		run_good(h, name, &c);
	}
}

/* RFC 6040, figure 4, rows inner, columns outer; -1: dropped. */
static void every_ecn(struct harness *h)
{
	static const int figure4[4][4] = {
		[0] = { [0] = 0, [ECN_ECT0] = 0, [ECN_ECT1] = 0, [ECN_CE] = -1 },
		[ECN_ECT0] = { [0] = ECN_ECT0,
			       [ECN_ECT0] = ECN_ECT0,
			       [ECN_ECT1] = ECN_ECT1,
			       [ECN_CE] = ECN_CE },
		[ECN_ECT1] = { [0] = ECN_ECT1,
			       [ECN_ECT0] = ECN_ECT1,
			       [ECN_ECT1] = ECN_ECT1,
			       [ECN_CE] = ECN_CE },
		[ECN_CE] = { [0] = ECN_CE,
			     [ECN_ECT0] = ECN_CE,
			     [ECN_ECT1] = ECN_CE,
			     [ECN_CE] = ECN_CE },
	};
	static const char *const names[] = { "Not-ECT", "ECT(1)", "ECT(0)", "CE" };

	for (int i = 0; i < 4 * 4 * 2 * 2; i++) {
		int inner_ecn = i % 4, outer_ecn = i / 4 % 4, want = figure4[inner_ecn][outer_ecn];
		struct decap_case c = { .outer = i / 16 % 2 ? OUTER_IP6 : OUTER_IP4,
					.inner = i / 32,
					.gue = i % 3 == 0,
					.payload = 5,
					.outer_tos = 0xfc | outer_ecn,
					.inner_tos = 18 << 2 | inner_ecn,
					.want_ecn = want };
		char name[120];

		snprintf(name, sizeof(name), "%s %s: inner %s, outer %s: %s", inner_names[c.inner],
			 outer_names[c.outer], names[inner_ecn], names[outer_ecn],
			 want < 0 ? "dropped" : names[want]);
		if (want < 0)
			run_unchanged(h, name, &c, DECAP_DROP_ECN);
		else
			run_good(h, name, &c);
	}
}

static void nothing_more(struct pkt *p)
{
	(void)p;
}

static void icmp_echo(struct pkt *p)
{
	pkt_icmp(p, 8, 0);
}

static void options_then_tcp(struct pkt *p)
{
	pkt_ip4_options(p, "\x94\x04\x00\x00", 4); /* router alert */
	pkt_tcp(p, 40000, 80)->ack = 1;
}

static void fragment_header(struct pkt *p)
{
	pkt_ext(p, IPPROTO_FRAGMENT, "\0\0\0\x08\0\0\0\x07", 8);
}

static void ipip_to_vip(struct pkt *p)
{
	pkt_ip4(p, "198.51.100.8", VIP4);
	pkt_tcp(p, 1, 80);
}

static void later_fragment(void *ip)
{
	((struct iphdr *)ip)->frag_off = htons(185);
	pkt_ip4_checksum(ip);
}

static void wrong_checksum(void *ip)
{
	((struct iphdr *)ip)->check ^= htons(0x0100);
}

static void trailing_bytes(void *ip)
{
	((struct iphdr *)ip)->tot_len = htons(40);
	pkt_ip4_checksum(ip);
}

static void no_udp_checksum(struct pkt *p)
{
	((struct udphdr *)pkt_find(p, PKT_UDP, 0))->check = 0;
}

static void only_padn(struct pkt *p)
{
	memcpy(p->bytes + 14 + 40 + 2, "\x01\x04\0\0\0\0", 6);
}

static void pad1_limit_pad1(struct pkt *p)
{
	memcpy(p->bytes + 14 + 40 + 2, "\0\0\x04\x01\x04\0", 6);
}

static void good_ones(struct harness *h)
{
	static const struct {
		const char *name;
		struct decap_case c;
	} rows[] = {
		{ "an inner packet of only an IPv4 header is one", { .build = nothing_more } },
		{ "an inner packet of only an IPv6 header is one",
		  { .inner = INNER_IP6, .build = nothing_more } },
		{ "ICMP to a VIP is taken out", { .build = icmp_echo, .payload = 8 } },
		{ "inner IPv4 options are the stack's business", { .build = options_then_tcp } },
		{ "an inner IPv4 fragment is taken out",
		  { .payload = 99, .inner_ip = later_fragment } },
		{ "an inner IPv6 fragment is taken out",
		  { .inner = INNER_IP6, .build = fragment_header, .payload = 64 } },
		{ "a wrong inner IPv4 checksum is left for the stack to find",
		  { .inner_ip = wrong_checksum } },
		{ "of nested tunnels the outermost comes off", { .build = ipip_to_vip } },
		{ "gue with 31 words of private data", { .gue = true, .gue_words = 31 } },
		{ "gue over IPv4 without UDP checksum", { .gue = true, .spoil = no_udp_checksum } },
		{ "gue over IPv6 without UDP checksum (RFC 6935)",
		  { .outer = OUTER_IP6, .gue = true, .spoil = no_udp_checksum } },
		{ "destination options of nothing but padding",
		  { .outer = OUTER_IP6_LIMIT, .spoil = only_padn } },
		{ "a tunnel limit between single bytes of padding",
		  { .outer = OUTER_IP6_LIMIT, .spoil = pad1_limit_pad1 } },
		{ "a full frame", { .payload = 1500 - 20 - 20 - 20 } },
		{ "padding to the Ethernet minimum", { .build = nothing_more, .frame = 60 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run_good(h, rows[i].name, &rows[i].c);
	struct decap_case c = { .payload = 60, .inner_ip = trailing_bytes };
	struct harness_row row = { .name = "an inner packet may be shorter than the outer says",
				   .in = decap_in,
				   .out = decap_out,
				   .arg = &c,
				   .verdict = XDP_PASS,
				   .counter = DECAP_VIP4,
				   .count = { .packets = 1, .bytes = 40 } };

	harness_run(h, &row, 1);
}

int main(void)
{
	struct harness h = { 0 };

	decap_load(&h, false);
	every_combination(&h);
	every_ecn(&h);
	good_ones(&h);
	decap_unload(&h);
	return harness_end(&h);
}
