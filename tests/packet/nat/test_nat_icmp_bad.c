// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb, services by nat: ICMP that lies, that is about others, or that is no error. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "nat/nat_error.h"

static struct nat_flow begin(struct lb_maps *lb, int version, __u8 proto)
{
	static __u16 port = 40000;
	struct nat_flow flow = { version, proto, BY_NAT, 7, port++, 'A', 0, 0 };

	nat_clear(lb);
	if (!nat_establish(lb, &flow))
		harness_ok(&lb->harness, false, "a flow to begin with");
	return flow;
}

/* ---- what is told is spoilt; told points to the IP header in the error */

static void no_version(struct pkt *p, __u8 *told)
{
	(void)p;
	told[0] = (told[0] & 0x0f) | 0x50;
}

static void other_version(struct pkt *p, __u8 *told)
{
	(void)p;
	told[0] ^= 0x20; /* 4 and 6 */
}

static void short_header(struct pkt *p, __u8 *told)
{
	(void)p;
	told[0] = 0x44;
}

static void long_header(struct pkt *p, __u8 *told)
{
	(void)p;
	told[0] = 0x4f;
}

static void other_sender4(struct pkt *p, __u8 *told)
{
	(void)p;
	told[12] ^= 1;
}

static void other_sender6(struct pkt *p, __u8 *told)
{
	(void)p;
	told[23] ^= 0x80;
}

static void no_ports(struct pkt *p, __u8 *told)
{
	pkt_cut(p, told - p->bytes + 20 + 8 - 1);
	((struct iphdr *)pkt_find(p, PKT_IP4, 0))->tot_len = htons(p->length - ETH_HLEN);
}

static void no_ports6(struct pkt *p, __u8 *told)
{
	pkt_cut(p, told - p->bytes + 40 + 8 - 1);
	((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->payload_len = htons(p->length - ETH_HLEN - 40);
}

static void half_header(struct pkt *p, __u8 *told)
{
	pkt_cut(p, told - p->bytes + 19);
	((struct iphdr *)pkt_find(p, PKT_IP4, 0))->tot_len = htons(p->length - ETH_HLEN);
}

static void half_header6(struct pkt *p, __u8 *told)
{
	pkt_cut(p, told - p->bytes + 39);
	((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->payload_len = htons(p->length - ETH_HLEN - 40);
}

static void half_frame(struct pkt *p, __u8 *told)
{
	pkt_cut(p, told - p->bytes + 10);
}

static void half_icmp(struct pkt *p, __u8 *told)
{
	pkt_cut(p, told - p->bytes - 1);
}

static void says_less(struct pkt *p, __u8 *told)
{
	((struct iphdr *)pkt_find(p, PKT_IP4, 0))->tot_len = htons(20 + 8 + 20 + 7);
	pkt_ip4_checksum(pkt_find(p, PKT_IP4, 0));
	(void)told;
}

static void says_less6(struct pkt *p, __u8 *told)
{
	((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->payload_len = htons(8 + 40 + 7);
	(void)told;
}

static const struct lie {
	const char *name;
	int version;
	void (*spoil)(struct pkt *p, __u8 *told);
} lies[] = {
	{ "an IP version of 5", 4, no_version },
	{ "an IP version of 5", 6, no_version },
	{ "IPv6 in an error of IPv4", 4, other_version },
	{ "IPv4 in an error of IPv6", 6, other_version },
	{ "an IP header of 16 bytes", 4, short_header },
	{ "an IP header of 60 bytes, which are not all there", 4, long_header },
	{ "another sender than it goes to", 4, other_sender4 },
	{ "another sender than it goes to", 6, other_sender6 },
	{ "seven bytes behind the IP header", 4, no_ports },
	{ "seven bytes behind the IP header", 6, no_ports6 },
	{ "half an IP header", 4, half_header },
	{ "half an IP header", 6, half_header6 },
	{ "less than its own header says", 4, half_frame },
	{ "seven bytes, the rest being padding", 4, says_less },
	{ "seven bytes, the rest being padding", 6, says_less6 },
};

static struct nat_error plain_error(struct nat_flow *flow, bool to_backend)
{
	return (struct nat_error){ .about = { .flow = flow, .reply = to_backend },
				   .type = flow->version == 4 ? 3 : 1 };
}

static void test_lies(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = begin(lb, version, proto);
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		if (lies[i].version != version)
			continue;
		for (int to_backend = 0; to_backend < 2; to_backend++) {
			struct nat_error error = plain_error(&flow, to_backend);

			error.spoil = lies[i].spoil;
			snprintf(name, sizeof(name), "to the %s: an error that tells of %s",
				 to_backend ? "backend" : "client", lies[i].name);
			nat_error_run(lb, &error, XDP_DROP, DROP_MALFORMED_ICMP, name);
		}
	}
}

/* ---- what is none of ours */

static void told_icmp(struct pkt *p, __u8 *told)
{
	(void)p;
	told[9] = IPPROTO_ICMP;
}

static void told_icmp6(struct pkt *p, __u8 *told)
{
	(void)p;
	told[6] = IPPROTO_ICMPV6;
}

static void told_fragment6(struct pkt *p, __u8 *told)
{
	(void)p;
	told[6] = IPPROTO_FRAGMENT;
}

static void later_fragment(struct pkt *p, __u8 *told)
{
	(void)p;
	told[7] = 9;
}

static void is_fragment(struct pkt *p, __u8 *told)
{
	((struct iphdr *)pkt_find(p, PKT_IP4, 0))->frag_off = htons(PKT_IP4_MF);
	pkt_ip4_checksum(pkt_find(p, PKT_IP4, 0));
	(void)told;
}

static void set_type(struct pkt *p, __u8 type)
{
	for (size_t i = 0; i < p->layer_count; i++)
		if (p->layers[i].kind == PKT_ICMP || p->layers[i].kind == PKT_ICMP6)
			p->bytes[p->layers[i].offset] = type;
}

static void is_echo(struct pkt *p, __u8 *told)
{
	set_type(p, told[0] >> 4 == 4 ? 8 : 128);
}

static void is_echo_reply(struct pkt *p, __u8 *told)
{
	set_type(p, told[0] >> 4 == 4 ? 0 : 129);
}

static void is_redirect(struct pkt *p, __u8 *told)
{
	set_type(p, told[0] >> 4 == 4 ? 5 : 137);
}

static void other_ports(struct pkt *p, __u8 *told)
{
	(void)p;
	told += told[0] >> 4 == 4 ? 20 : 40;
	told[0] = 0; /* source: below ours, and no service's */
	told[1] = 22;
}

static void other_peer(struct pkt *p, __u8 *told)
{
	(void)p;
	told[told[0] >> 4 == 4 ? 19 : 39] ^= 0x40;
}

static const struct other {
	const char *name;
	int version; /* 0: both */
	void (*spoil)(struct pkt *p, __u8 *told);
} others[] = {
	{ "an error about ICMP", 4, told_icmp },
	{ "an error about ICMP", 6, told_icmp6 },
	{ "an error about a fragment, of which nothing is known", 6, told_fragment6 },
	{ "an error about a later fragment, which has no ports", 4, later_fragment },
	{ "an error in fragments", 4, is_fragment },
	{ "half an ICMP header", 4, half_icmp },
	{ "an echo", 0, is_echo },
	{ "an answer to an echo", 0, is_echo_reply },
	{ "a redirect", 0, is_redirect },
	{ "an error about the host's own connection", 0, other_ports },
	{ "an error about a packet to somebody else", 0, other_peer },
};

static void test_others(struct lb_maps *lb, int version, __u8 proto)
{
	struct nat_flow flow = begin(lb, version, proto);
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (others[i].version && others[i].version != version)
			continue;
		for (int to_backend = 0; to_backend < 2; to_backend++) {
			struct nat_error error = plain_error(&flow, to_backend);

			error.spoil = others[i].spoil;
			snprintf(name, sizeof(name), "%s passes, %s", others[i].name,
				 to_backend ? "from outside" : "from inside");
			nat_error_run(lb, &error, XDP_PASS, DROP_NONE, name);
		}
	}
	for (int to_backend = 0; to_backend < 2; to_backend++) {
		struct nat_error error = plain_error(&flow, to_backend);

		nat_set_words(lb, &flow, -1, ~0U);
		nat_error_run(lb, &error, XDP_PASS, DROP_NONE,
			      "an error about a flow that has expired passes");
		error.ttl = 1;
		nat_error_run(lb, &error, XDP_PASS, DROP_NONE,
			      "so does one whose TTL ends here: it may be for the host");
		nat_set_words(lb, &flow, 9, ~0U);
		nat_error_run(lb, &error, XDP_DROP, DROP_TTL, "an error whose TTL ends here");
	}
}

/*
 * A malformed IPv6 header counts as malformed_ip if it is sent to a service's address. At addresses
 * that are only NAT sources the kernel judges it.
 */
static void test_cut_frames(struct lb_maps *lb)
{
	struct nat_flow flow = begin(lb, 6, IPPROTO_TCP);

	for (int i = 0; i < 4; i++) {
		struct nat_error error = plain_error(&flow, i / 2);

		error.spoil = i % 2 ? half_frame : half_icmp;
		nat_error_run(lb, &error, i / 2 ? XDP_DROP : XDP_PASS,
			      i / 2 ? DROP_MALFORMED_IP : DROP_NONE,
			      i / 2 ? "to a service: an error of which a part is missing"
				    : "to a source: an error of which a part is missing");
	}
}

/* The transport header of a quoted packet is not looked for behind extension headers. */
static void test_told_extensions(struct lb_maps *lb)
{
	struct nat_flow flow = begin(lb, 6, IPPROTO_TCP);

	for (int to_backend = 0; to_backend < 2; to_backend++) {
		struct nat_error error = plain_error(&flow, to_backend);

		error.about.extra = EXTRA_OPTIONS;
		nat_error_run(lb, &error, XDP_PASS, DROP_NONE,
			      "an error about a packet with extension headers passes");
	}
}

int main(void)
{
	struct lb_maps lb;
	int status;

	if (nat_fixture_open(&lb, &(struct lb_maps_size){ 0 }))
		return EXIT_FAILURE;
	for (int version = 4; version <= 6; version += 2) {
		for (int i = 0; i < 2; i++) {
			test_lies(&lb, version, i ? IPPROTO_UDP : IPPROTO_TCP);
			test_others(&lb, version, i ? IPPROTO_UDP : IPPROTO_TCP);
		}
	}
	test_cut_frames(&lb);
	test_told_extensions(&lb);
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
