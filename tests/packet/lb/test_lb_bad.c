// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb and malformed packets: dropped, under which reason, when they are for a service. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "lb/lb_case.h"

#define SPOIL4(name, statement)                                                                    \
	static void name(struct pkt *p)                                                            \
	{                                                                                          \
		struct iphdr *ip = pkt_find(p, PKT_IP4, 0);                                        \
		statement;                                                                         \
	}
#define SPOIL6(name, statement)                                                                    \
	static void name(struct pkt *p)                                                            \
	{                                                                                          \
		struct ipv6hdr *ip = pkt_find(p, PKT_IP6, 0);                                      \
		statement;                                                                         \
	}
SPOIL4(ip4_version_5, ip->version = 5)
SPOIL4(ip4_ihl_4, ip->ihl = 4)
SPOIL4(ip4_ihl_beyond, ip->ihl = 15)
SPOIL4(ip4_length_below_header, ip->tot_len = htons(19))
SPOIL4(ip4_length_beyond_frame, ip->tot_len = htons(ntohs(ip->tot_len) + 1))
SPOIL4(ip4_length_of_half_the_ports, ip->tot_len = htons(22))
SPOIL4(ip4_length_without_ports, ip->tot_len = htons(23))
SPOIL4(ip4_length_without_tcp, ip->tot_len = htons(39))
SPOIL4(ip4_length_without_chunk, ip->tot_len = htons(35))
SPOIL6(ip6_length_without_chunk, ip->payload_len = htons(15))
SPOIL6(ip6_version_4, ip->version = 4)
SPOIL6(ip6_length_beyond_frame, ip->payload_len = htons(ntohs(ip->payload_len) + 1))
SPOIL6(ip6_length_65535, ip->payload_len = htons(65535))
SPOIL6(ip6_length_of_half_the_ports, ip->payload_len = htons(2))
SPOIL6(ip6_length_without_ports, ip->payload_len = htons(3))
SPOIL6(ip6_length_without_tcp, ip->payload_len = htons(19))

static void tcp_doff_4(struct pkt *p)
{
	((struct tcphdr *)pkt_find(p, PKT_TCP, 0))->doff = 4;
}

static void tcp_doff_beyond(struct pkt *p)
{
	((struct tcphdr *)pkt_find(p, PKT_TCP, 0))->doff = 8;
}

static void udp_length_7(struct pkt *p)
{
	((struct udphdr *)pkt_find(p, PKT_UDP, 0))->len = htons(7);
}

static void udp_length_beyond(struct pkt *p)
{
	struct udphdr *udp = pkt_find(p, PKT_UDP, 0);

	udp->len = htons(ntohs(udp->len) + 1);
}

static void sctp_chunk_length_3(struct pkt *p)
{
	((struct pkt_sctp *)pkt_find(p, PKT_SCTP, 0))->chunk_length = htons(3);
}

static void ext_beyond(struct pkt *p)
{
	((__u8 *)pkt_find(p, PKT_EXT, 0))[1] = 40;
}

static const struct {
	struct lb_case c;
	enum drop_reason reason;
} malformed[] = {
#define ROW(version, proto, text, ...)                                                             \
	{                                                                                          \
		text, version, proto, 0, PORT_IPIP4, ##__VA_ARGS__                                 \
	}
	{ ROW(4, IPPROTO_TCP, "IPv4 header cut short", .cut = 14 + 19), DROP_MALFORMED_IP },
	{ ROW(4, IPPROTO_TCP, "IPv4 header missing", .cut = 14), DROP_MALFORMED_IP },
	{ ROW(4, IPPROTO_TCP, "IPv4 version 5", .spoil = ip4_version_5), DROP_MALFORMED_IP },
	{ ROW(4, IPPROTO_TCP, "IPv4 header length 16", .spoil = ip4_ihl_4), DROP_MALFORMED_IP },
	{ ROW(4, IPPROTO_TCP, "IPv4 header length beyond the packet", .spoil = ip4_ihl_beyond),
	  DROP_MALFORMED_IP },
	{ ROW(4, IPPROTO_TCP, "IPv4 total length below the header's",
	      .spoil = ip4_length_below_header),
	  DROP_MALFORMED_IP },
	{ ROW(4, IPPROTO_UDP, "IPv4 total length beyond the frame", .payload = 8,
	      .spoil = ip4_length_beyond_frame),
	  DROP_MALFORMED_IP },
	{ ROW(4, IPPROTO_TCP, "IPv4 packet cut short", .payload = 50, .cut = 80),
	  DROP_MALFORMED_IP },
	{ ROW(4, IPPROTO_TCP, "IPv4 without room for ports", .spoil = ip4_length_without_ports),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(4, IPPROTO_TCP, "IPv4 TCP header longer than the packet",
	      .spoil = ip4_length_without_tcp),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(4, IPPROTO_TCP, "IPv4 TCP data offset 16", .spoil = tcp_doff_4),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(4, IPPROTO_TCP, "IPv4 TCP data offset beyond the packet", .spoil = tcp_doff_beyond),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(4, IPPROTO_UDP, "IPv4 UDP length 7", .spoil = udp_length_7),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(4, IPPROTO_UDP, "IPv4 UDP length beyond the packet", .payload = 9,
	      .spoil = udp_length_beyond),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(4, IPPROTO_SCTP, "IPv4 SCTP without a chunk", .spoil = ip4_length_without_chunk),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(4, IPPROTO_SCTP, "IPv4 SCTP chunk length 3", .spoil = sctp_chunk_length_3),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_SCTP, "IPv6 SCTP without a chunk", .spoil = ip6_length_without_chunk),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_SCTP, "IPv6 SCTP chunk length 3", .spoil = sctp_chunk_length_3),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_TCP, "IPv6 header cut short", .cut = 14 + 39), DROP_MALFORMED_IP },
	{ ROW(6, IPPROTO_TCP, "IPv6 version 4", .spoil = ip6_version_4), DROP_MALFORMED_IP },
	{ ROW(6, IPPROTO_UDP, "IPv6 payload length beyond the frame",
	      .spoil = ip6_length_beyond_frame),
	  DROP_MALFORMED_IP },
	{ ROW(6, IPPROTO_UDP, "IPv6 payload length 65535", .spoil = ip6_length_65535),
	  DROP_MALFORMED_IP },
	{ ROW(6, IPPROTO_TCP, "IPv6 packet cut short", .payload = 50, .cut = 80),
	  DROP_MALFORMED_IP },
	{ ROW(6, IPPROTO_TCP, "IPv6 extension header beyond the packet", .payload = 8,
	      .extra = EXTRA_OPTIONS, .spoil = ext_beyond),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_TCP, "IPv6 without room for ports", .spoil = ip6_length_without_ports),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_TCP, "IPv6 TCP header longer than the packet",
	      .spoil = ip6_length_without_tcp),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_TCP, "IPv6 TCP data offset 16", .spoil = tcp_doff_4),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_TCP, "IPv6 TCP data offset beyond the packet", .spoil = tcp_doff_beyond),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_UDP, "IPv6 UDP length 7", .spoil = udp_length_7),
	  DROP_MALFORMED_TRANSPORT },
	{ ROW(6, IPPROTO_UDP, "IPv6 UDP length beyond the packet", .payload = 9,
	      .spoil = udp_length_beyond),
	  DROP_MALFORMED_TRANSPORT },
#undef ROW
};

static void test_malformed(struct harness *h)
{
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		struct lb_case c = malformed[i].c;

		snprintf(name, sizeof(name), "%s is dropped and counted", malformed[i].c.name);
		c.name = name;
		lb_case_run(h, &c, XDP_DROP, malformed[i].reason, 0);
	}
}

/* Ports that can be read and are no service: none of our business, whatever follows. */
static void test_not_ours(struct harness *h)
{
	struct lb_case c = {
		"IPv4 TCP data offset 16 to a port that is no service is left to the kernel", 4,
		IPPROTO_TCP, .port = PORT_UNKNOWN, .spoil = tcp_doff_4
	};

	lb_case_run(h, &c, XDP_PASS, DROP_NONE, 0);
	c.name = "IPv6 TCP data offset 16 to a port that is no service is left to the kernel";
	c.version = 6;
	lb_case_run(h, &c, XDP_PASS, DROP_NONE, 0);
}

/* Where the IP packet ends within the ports nobody can say that they are no service's. */
static void test_ports_cut_short(struct harness *h)
{
	static const struct {
		const char *name;
		int version;
		void (*spoil)(struct pkt *p);
	} cases[] = {
		{ "IPv4 packet with 2 bytes of ports", 4, ip4_length_of_half_the_ports },
		{ "IPv4 packet with 3 bytes of ports", 4, ip4_length_without_ports },
		{ "IPv6 packet with 2 bytes of ports", 6, ip6_length_of_half_the_ports },
		{ "IPv6 packet with 3 bytes of ports", 6, ip6_length_without_ports },
	};
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lb_case c = { name, cases[i].version, IPPROTO_TCP, .port = PORT_UNKNOWN,
				     .spoil = cases[i].spoil };

		snprintf(name, sizeof(name), "%s to a port that is no service is dropped",
			 cases[i].name);
		lb_case_run(h, &c, XDP_DROP, DROP_MALFORMED_TRANSPORT, 0);
	}
}

int main(void)
{
	struct lb_maps fixture;
	int status;

	if (lb_fixture_open(&fixture))
		return EXIT_FAILURE;
	test_malformed(&fixture.harness);
	test_not_ours(&fixture.harness);
	test_ports_cut_short(&fixture.harness);
	status = harness_end(&fixture.harness);
	lb_maps_close(&fixture);
	return status;
}
