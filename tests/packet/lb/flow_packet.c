// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lb/flow_case.h"

#define PAYLOAD            8
#define ROUTER4            "203.0.113.9"
#define ROUTER6            "2001:db8:f::9"
#define ICMPV6_TIME_EXCEED 3

const __u8 flow_own_mac[6] = { 2, 0, 0, 0, 1, 2 };
const __u8 flow_next_hop_mac[6] = { 2, 0, 0, 0, 2, 0 };

void flow_client(const struct flow *flow, char *buf, size_t size)
{
	snprintf(buf, size, flow->version == 4 ? "198.51.100.%u" : "2001:db8:c::%x", flow->client);
}

/* Time exceeded; the least of the backend's packet that an error may quote. */
static void icmp_error(struct pkt *p, const struct flow *flow, const char *client)
{
	static struct pkt quoted;

	pkt_clear(&quoted);
	if (flow->version == 4) {
		pkt_ip4(p, ROUTER4, VIP4);
		pkt_icmp(p, ICMP_TIME_EXCEEDED, 0);
		pkt_ip4(&quoted, VIP4, client);
	} else {
		pkt_ip6(p, ROUTER6, VIP6);
		pkt_icmp6(p, ICMPV6_TIME_EXCEED, 0);
		pkt_ip6(&quoted, VIP6, client);
	}
	if (flow->proto == IPPROTO_UDP)
		pkt_udp(&quoted, flow_port(flow), flow->source_port);
	else
		pkt_tcp(&quoted, flow_port(flow), flow->source_port)->ack = 1;
	pkt_finish(&quoted);
	pkt_bytes(p, quoted.bytes, (flow->version == 4 ? 20 : 40) + 8);
}

/* From the IP header on. */
static void inner(struct pkt *p, const struct flow *flow, enum flow_act act)
{
	char client[INET6_ADDRSTRLEN];
	struct tcphdr *tcp;

	flow_client(flow, client, sizeof(client));
	if (act == ICMP_ERROR) {
		icmp_error(p, flow, client);
		return;
	}
	if (flow->version == 4)
		pkt_ip4(p, client, VIP4);
	else
		pkt_ip6(p, client, VIP6);
	if (act == DATAGRAM) {
		pkt_udp(p, flow->source_port, flow_port(flow));
	} else {
		tcp = pkt_tcp(p, flow->source_port, flow_port(flow));
		tcp->syn = act == SYN || act == SYN_ACK || act == SYN_FIN;
		tcp->ack = act != SYN && act != SYN_FIN;
		tcp->fin = act == FIN || act == SYN_FIN;
		tcp->rst = act == RST;
	}
	pkt_payload(p, PAYLOAD);
}

void flow_packet_in(struct pkt *p, const struct flow *flow, enum flow_act act)
{
	pkt_eth(p);
	inner(p, flow, act);
	pkt_finish(p);
}

void flow_packet_out(struct pkt *p, const struct flow *flow, enum flow_act act, char to)
{
	struct ethhdr *eth = pkt_eth(p);
	__u16 target = flow_target(flow, to);
	char dest[INET_ADDRSTRLEN];

	memcpy(eth->h_dest, flow_next_hop_mac, sizeof(eth->h_dest));
	memcpy(eth->h_source, flow_own_mac, sizeof(eth->h_source));
	if (flow->version == 4) {
		snprintf(dest, sizeof(dest), FLOW_OUTER_DEST, target);
		pkt_ip4(p, FLOW_OUTER_SOURCE, dest)->frag_off = htons(PKT_IP4_DF);
	} else {
		eth->h_dest[5] = target;
	}
	inner(p, flow, act);
	pkt_finish(p);
}

char flow_send(struct lb_maps *lb, const struct flow *flow, enum flow_act act)
{
	static struct pkt in, out;
	enum xdp_action verdict;
	int target;

	pkt_clear(&in);
	flow_packet_in(&in, flow, act);
	if (harness_frame(lb->harness.program_fd, HARNESS_LOOPBACK, &in, &out, &verdict))
		return '?';
	if (verdict == XDP_DROP)
		return 0;
	/* Outer IPv4's last byte, or the MAC's. */
	target = out.bytes[flow->version == 4 ? ETH_HLEN + 19 : 5] - flow_target(flow, 'A');
	return verdict == XDP_TX && target >= 0 && target < FLOW_BACKENDS ? 'A' + target : '?';
}
