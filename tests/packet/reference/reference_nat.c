// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "reference/reference_chain.h"
#include "reference/reference_nat.h"
#include "reference/reference_options.h"

#define ETH        14
#define MAX_WALK   8
#define MAX_OFFSET 1023
#define FLAG_FIN   1
#define FLAG_SYN   2
#define FLAG_RST   4
#define FLAG_ACK   16

void reference_nat_drop(struct reference_nat *want, enum drop_reason reason)
{
	want->verdict = XDP_DROP;
	want->drop = reason;
}

/* ---- addresses */

static bool is_address(int version, const __u8 *addr, unsigned int service)
{
	__u8 vip[16];

	reference_nat_vip(version, service, vip);
	return !memcmp(addr, vip, version == 4 ? 4 : 16);
}

unsigned int reference_nat_service(int version, const __u8 *addr, unsigned int port)
{
	if (port < BY_NAT || port >= BY_END)
		return 0;
	return is_address(version, addr, port) ? port : 0;
}

int reference_nat_which_source(int version, const __u8 *addr)
{
	__u8 source[16];

	for (unsigned int i = 0; i < NAT_SOURCES; i++) {
		reference_nat_source(version, i, source);
		if (!memcmp(addr, source, version == 4 ? 4 : 16))
			return i;
	}
	return -1;
}

void reference_nat_target_eth(const struct reference_nat_key *key, char backend, __u8 *addresses)
{
	memcpy(addresses, nat_next_hop_mac, 6);
	addresses[5] = nat_target(key->version, key->proto, key->service, backend);
	memcpy(addresses + 6, nat_own_mac, 6);
}

/* Nobody's that sends requests: this host, loopback, multicast, reserved, or a service. */
static bool is_martian(int version, const __u8 *addr)
{
	static const __u8 zeros[15], mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (reference_nat_which_source(version, addr) >= 0)
		return true;
	for (unsigned int service = BY_NAT; service < BY_END; service++)
		if (is_address(version, addr, service))
			return true;
	if (version == 4)
		return addr[0] == 0 || addr[0] == 127 || addr[0] >= 224;
	return addr[0] == 0xff || !memcmp(addr, mapped, 12) ||
	       (!memcmp(addr, zeros, 15) && addr[15] <= 1);
}

static bool is_link_local(int version, const __u8 *addr)
{
	return version == 6 && addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

/* ---- flows */

static bool ended(const struct reference_nat_flow *flow)
{
	/* No time goes by, so nothing shows whether an RST in a connection was its end. */
	return (flow->reset && !flow->assured) || (flow->client_fin && flow->backend_fin);
}

/* A connection's first packet, or one that may be of a connection that is not known here. */
static bool begins(__u8 tcp_flags)
{
	switch (tcp_flags & (FLAG_SYN | FLAG_ACK | FLAG_RST | FLAG_FIN)) {
	case FLAG_SYN:
	case FLAG_ACK:
	case FLAG_ACK | FLAG_FIN:
		return true;
	}
	return false;
}

static void note(struct reference_nat_flow *flow, __u8 tcp_flags, bool reply)
{
	const __u8 opening = tcp_flags & (FLAG_SYN | FLAG_ACK | FLAG_RST);

	/* The backend knows nothing of what was closed. */
	if (reply && flow->syn_again && opening == (FLAG_SYN | FLAG_ACK)) {
		flow->reset = flow->client_fin = flow->backend_fin = flow->syn_again = false;
		flow->assured = false;
	}
	flow->reset |= !!(tcp_flags & FLAG_RST);
	flow->replied |= reply;
	if (!reply && flow->replied && !flow->reset &&
	    (flow->key.proto == IPPROTO_UDP || tcp_flags & FLAG_ACK))
		flow->assured = true;
	if (tcp_flags & FLAG_FIN)
		*(reply ? &flow->backend_fin : &flow->client_fin) = true;
	if (!reply && opening == FLAG_SYN && (flow->client_fin || flow->backend_fin || flow->reset))
		flow->syn_again = true;
}

/* Learns a new flow's source and port from its first packet that came out. */
static void learn(struct reference_nat *want, const struct pkt *out,
		  const struct reference_packet *packet, struct reference_nat_flow *flow)
{
	const __u8 *ip = out->bytes + packet->ip;
	int source =
		reference_nat_which_source(packet->version, ip + (packet->version == 4 ? 12 : 8));
	unsigned int port = reference_be16(out->bytes + packet->transport);
	int sources = flow->key.service == BY_NAT_SOURCES ? NAT_SOURCES : 1;

	if (source < 0 || source >= sources)
		want->wrong = "a new flow's source is none of its service's";
	else if (port < NAT_PORT_FIRST || port >= NAT_PORT_FIRST + NAT_PORT_COUNT)
		want->wrong = "a new flow's port is none of ours";
	else if (!reference_nat_set_port(flow, source, port))
		want->wrong = "a new flow's port is another one's";
}

static void send_to_backend(struct reference_nat *want, const struct reference_packet *packet,
			    const struct reference_nat_flow *flow)
{
	struct reference_ends ends = { .source_port = flow->nat_port,
				       .dest_port = NAT_BACKEND_PORT };
	__u8 addresses[12];

	reference_nat_source(packet->version, flow->source, ends.from);
	reference_nat_backend(&flow->key, flow->backend, ends.to);
	reference_nat_rewrite(want, packet, &ends);
	reference_nat_target_eth(&flow->key, flow->backend, addresses);
	reference_nat_eth(want, addresses);
	reference_nat_trim(want, packet);
}

static void judge_nat(const struct pkt *in, const struct pkt *out, struct reference_nat *want,
		      const struct reference_packet *packet, const struct reference_nat_key *key)
{
	const __u8 tcp_flags = packet->proto == IPPROTO_TCP ? in->bytes[packet->transport + 13] : 0;
	const bool syn = (tcp_flags & (FLAG_SYN | FLAG_ACK | FLAG_RST)) == FLAG_SYN;
	struct reference_nat_flow *flow = reference_nat_find(key);
	const size_t mtu = key->service == BY_NAT_SMALL ? NAT_SMALL_MTU : NAT_MTU;

	if (!flow->key.version || !reference_nat_serves(key->service, flow->backend) ||
	    (syn && ended(flow))) {
		if (is_martian(key->version, key->client)) {
			reference_nat_drop(want, DROP_MARTIAN);
			return;
		}
		if (packet->proto == IPPROTO_TCP && !begins(tcp_flags)) {
			reference_nat_drop(want, DROP_NO_FLOW);
			return;
		}
		if (reference_nat_current(key->service) == '0') {
			reference_nat_drop(want, DROP_NO_BACKEND);
			return;
		}
		*flow = (struct reference_nat_flow){
			.key = *key,
			.backend = reference_nat_current(key->service),
		};
		memcpy(flow->hop, in->bytes + 6, 6);
		memcpy(flow->hop + 6, in->bytes, 6);
	}
	if (!flow->nat_port)
		want->unseen = flow;
	if (packet->ip_bytes > mtu) {
		reference_nat_drop(want, DROP_TOO_BIG);
		want->answer = answered_too_big(packet->version, mtu);
	} else if (key->service == BY_NAT_NO_WAY) {
		reference_nat_drop(want, DROP_NO_TARGET);
	} else {
		note(flow, tcp_flags, false);
		memcpy(flow->hop, in->bytes + 6, 6);
		memcpy(flow->hop + 6, in->bytes, 6);
		if (!flow->nat_port)
			learn(want, out, packet, flow);
		want->unseen = NULL;
		want->verdict = XDP_TX;
		send_to_backend(want, packet, flow);
	}
}

/* No source is asked for here, so the answer is: RFC 1122, 3.2.2. */
static void judge_ttl(struct reference_nat *want, const struct reference_packet *packet,
		      const struct reference_nat_key *key)
{
	reference_nat_drop(want, DROP_TTL);
	if (!is_martian(key->version, key->client))
		want->answer = answered_time_exceeded(packet->version);
}

/* A packet for no service. */
static void judge_reply(const struct pkt *in, struct reference_nat *want,
			const struct reference_packet *packet, const struct reference_ends *ends)
{
	const size_t header = packet->proto == IPPROTO_TCP ? 20 : 8;
	struct reference_ends becomes = { .source_port = 0 };
	struct reference_nat_flow *flow;
	int source = reference_nat_which_source(packet->version, ends->to);

	if (source < 0 || ends->dest_port < NAT_PORT_FIRST ||
	    ends->dest_port >= NAT_PORT_FIRST + NAT_PORT_COUNT ||
	    packet->transport + header > packet->ip + packet->ip_bytes)
		return;
	flow = reference_nat_find_reply(packet->version, packet->proto, ends->from,
					ends->source_port, source, ends->dest_port);
	if (!flow)
		return;
	if (in->bytes[packet->ip + (packet->version == 4 ? 8 : 7)] <= 1) {
		reference_nat_drop(want, DROP_TTL);
		want->answer = answered_time_exceeded(packet->version);
		return;
	}
	note(flow, packet->proto == IPPROTO_TCP ? in->bytes[packet->transport + 13] : 0, true);
	reference_nat_vip(packet->version, flow->key.service, becomes.from);
	memcpy(becomes.to, flow->key.client, 16);
	becomes.source_port = flow->key.service;
	becomes.dest_port = flow->key.client_port;
	want->verdict = XDP_TX;
	reference_nat_rewrite(want, packet, &becomes);
	reference_nat_eth(want, flow->hop);
	reference_nat_trim(want, packet);
}

static void judge_other_modes(struct reference_nat *want, const struct reference_packet *packet,
			      const struct reference_nat_key *key, const struct reference_ends *was,
			      __u8 ttl)
{
	const size_t mtu = key->service == BY_KEEP_SMALL ? NAT_SMALL_MTU : NAT_MTU;
	const bool too_big = packet->ip_bytes > mtu, keeps = nat_keeps(key->service);
	const bool df = packet->version == 6 || want->want.bytes[packet->ip + 6] & 0x40;
	const char backend = reference_nat_current(key->service);
	struct reference_ends ends = *was;
	__u8 addresses[12];

	if (is_martian(key->version, key->client) ||
	    (keeps && is_link_local(key->version, key->client))) {
		reference_nat_drop(want, DROP_MARTIAN);
	} else if (keeps && ttl <= 1) {
		reference_nat_drop(want, DROP_TTL);
		want->answer = answered_time_exceeded(packet->version);
	} else if (too_big && (df || !keeps)) {
		reference_nat_drop(want, DROP_TOO_BIG);
		want->answer = answered_too_big(packet->version, mtu);
	} else {
		want->verdict = too_big ? XDP_PASS : XDP_TX;
		if (keeps) {
			reference_nat_backend(key, backend, ends.to);
			ends.dest_port = NAT_BACKEND_PORT;
			reference_nat_rewrite(want, packet, &ends);
		}
		if (too_big) {
			reference_nat_give_back(want, packet);
			reference_nat_trim(want, packet);
			return;
		}
		reference_nat_target_eth(key, backend, addresses);
		reference_nat_eth(want, addresses);
		reference_nat_trim(want, packet);
	}
}

/* ---- packets */

static bool transport_is_whole(const struct pkt *in, const struct reference_packet *packet)
{
	const size_t bytes = packet->ip + packet->ip_bytes - packet->transport;
	const __u8 *transport = in->bytes + packet->transport;

	if (packet->proto == IPPROTO_TCP)
		return bytes >= 20 && transport[12] >> 4 >= 5 && (transport[12] >> 4) * 4u <= bytes;
	return bytes >= 8 && reference_be16(transport + 4) >= 8 &&
	       reference_be16(transport + 4) <= bytes;
}

/* service_address: clients' packets come there. */
static void judge_transport(const struct pkt *in, const struct pkt *out, struct reference_nat *want,
			    const struct reference_packet *packet, bool service_address)
{
	const __u8 *ip = in->bytes + packet->ip;
	const __u8 ttl = ip[packet->version == 4 ? 8 : 7];
	struct reference_nat_key key;
	struct reference_ends ends;

	if (packet->transport + 4 > packet->ip + packet->ip_bytes ||
	    packet->transport + 4 > packet->frame) {
		if (service_address)
			reference_nat_drop(want, DROP_MALFORMED_TRANSPORT);
		return;
	}
	reference_ends_of(ip, packet->version, in->bytes + packet->transport, &ends);
	memset(&key, 0, sizeof(key));
	key.version = packet->version;
	key.proto = packet->proto;
	key.client_port = ends.source_port;
	key.service = reference_nat_service(packet->version, ends.to, ends.dest_port);
	memcpy(key.client, ends.from, sizeof(key.client));
	if (!key.service)
		judge_reply(in, want, packet, &ends);
	else if (packet->version == 4 && is_source_routed(ip, packet->frame - packet->ip))
		return;
	else if (!transport_is_whole(in, packet))
		reference_nat_drop(want, DROP_MALFORMED_TRANSPORT);
	else if (key.service == BY_L2 || nat_keeps(key.service))
		judge_other_modes(want, packet, &key, &ends, ttl);
	else if (ttl <= 1)
		judge_ttl(want, packet, &key);
	else
		judge_nat(in, out, want, packet, &key);
}

static void judge_ipv4(const struct pkt *in, const struct pkt *out, struct reference_nat *want)
{
	struct reference_packet packet = { .version = 4, .ip = ETH, .frame = in->length };
	const __u8 *ip = in->bytes + ETH;
	bool ours;

	if (in->length < ETH + 20 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5) {
		reference_nat_drop(want, DROP_MALFORMED_IP);
		return;
	}
	packet.proto = ip[9];
	packet.transport = ETH + (ip[0] & 15) * 4;
	packet.ip_bytes = reference_be16(ip + 2);
	if (reference_be16(ip + 6) & 0x3fff)
		return;
	if (packet.proto == IPPROTO_ICMP)
		reference_nat_icmp(in, &packet, want);
	if (packet.proto != IPPROTO_TCP && packet.proto != IPPROTO_UDP)
		return;
	ours = is_address(4, ip + 16, BY_NAT) || is_address(4, ip + 16, BY_L2);
	if (ETH + packet.ip_bytes >= packet.transport && ETH + packet.ip_bytes <= packet.frame)
		judge_transport(in, out, want, &packet, ours);
	else if (ours)
		reference_nat_drop(want, DROP_MALFORMED_IP);
}

/* Past extension headers. false: the verdict is said. */
static bool walk(const struct pkt *in, struct reference_nat *want, struct reference_packet *packet,
		 bool ours)
{
	for (int walked = 0;; walked++) {
		const __u8 *next = in->bytes + packet->transport;
		size_t step;

		if (packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP ||
		    packet->proto == IPPROTO_ICMPV6)
			return true;
		step = reference_extension(packet->proto, next);
		if (!step || walked == MAX_WALK)
			return false;
		if (packet->transport + 8 > packet->frame) {
			if (ours)
				reference_nat_drop(want, DROP_MALFORMED_IP);
			return false;
		}
		if (reference_turns_away(packet->proto, next))
			return false;
		packet->proto = next[0];
		packet->transport += step;
		if (packet->transport - ETH > MAX_OFFSET)
			return false;
	}
}

static void judge_ipv6(const struct pkt *in, const struct pkt *out, struct reference_nat *want)
{
	struct reference_packet packet = { .version = 6, .ip = ETH, .frame = in->length };
	const __u8 *ip = in->bytes + ETH;
	bool ours;

	if (in->length < ETH + 40 || ip[0] >> 4 != 6) {
		reference_nat_drop(want, DROP_MALFORMED_IP);
		return;
	}
	packet.proto = ip[6];
	packet.transport = ETH + 40;
	packet.ip_bytes = 40 + reference_be16(ip + 4);
	ours = is_address(6, ip + 24, BY_NAT) || is_address(6, ip + 24, BY_L2);
	if (ETH + packet.ip_bytes > packet.frame) {
		if (ours)
			reference_nat_drop(want, DROP_MALFORMED_IP);
		return;
	}
	if (!walk(in, want, &packet, ours))
		return;
	if (packet.proto == IPPROTO_ICMPV6)
		reference_nat_icmp(in, &packet, want);
	else
		judge_transport(in, out, want, &packet, ours);
}

static void answer(const struct pkt *in, struct reference_nat *want)
{
	const __u8 *ip = in->bytes + ETH;

	want->verdict = XDP_TX;
	pkt_clear(&want->want);
	answered_error(&want->want, in,
		       in->bytes[12] == 0x08 ? reference_be16(ip + 2) : 40 + reference_be16(ip + 4),
		       &want->answer);
}

void reference_nat_judge(const struct pkt *in, const struct pkt *out, struct reference_nat *want)
{
	want->verdict = XDP_PASS;
	want->drop = DROP_NONE;
	want->wrong = NULL;
	want->unseen = NULL;
	want->check_count = want->udp_check_count = 0;
	want->answer.type = 0;
	want->want = *in;
	if (in->bytes[0] & 1)
		return;
	if (reference_be16(in->bytes + 12) == ETH_P_IP)
		judge_ipv4(in, out, want);
	else if (reference_be16(in->bytes + 12) == ETH_P_IPV6)
		judge_ipv6(in, out, want);
	if (want->answer.type && !(in->bytes[6] & 1))
		answer(in, want);
}
