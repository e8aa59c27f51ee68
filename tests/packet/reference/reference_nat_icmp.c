// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "reference/reference_nat.h"

#define ICMP_HEADER 8

/*
 * The quoted packet has the addresses that its sender knew; `key` names the flow as seen from
 * outside.
 */
struct finding {
	struct reference_nat_key key;
	struct reference_ends outer, inner; /* that the error gets */
	char backend;                       /* it goes there; 0: to the client */
	__u8 hop[12];                       /* to the client */
};

static bool is_error(__u8 type, int version)
{
	return version == 4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
}

/*
 * Finds out whom the error is for. Returns 0, -1 if the kernel gets it (XDP_PASS), or
 * DROP_MALFORMED_ICMP.
 */
static int find_told(const struct pkt *in, const struct reference_packet *packet,
		     struct reference_packet *told)
{
	const size_t end = packet->ip + packet->ip_bytes, header = packet->version == 4 ? 20 : 40;
	const __u8 *ip = in->bytes + packet->transport + ICMP_HEADER;

	*told = (struct reference_packet){ .version = packet->version,
					   .ip = packet->transport + ICMP_HEADER,
					   .frame = packet->frame };
	if (end > packet->frame || told->ip > end || told->ip + header > end ||
	    ip[0] >> 4 != packet->version)
		return DROP_MALFORMED_ICMP;
	told->transport = told->ip + header;
	told->proto = ip[packet->version == 4 ? 9 : 6];
	if (packet->version == 4) {
		if ((ip[0] & 15) < 5)
			return DROP_MALFORMED_ICMP;
		if (reference_be16(ip + 6) & 0x1fff) /* a later fragment: no ports */
			return -1;
		told->transport = told->ip + (ip[0] & 15) * 4;
	}
	if (told->proto == IPPROTO_FRAGMENT && packet->version == 6) {
		if (told->transport + 8 > end)
			return DROP_MALFORMED_ICMP;
		if (reference_be16(ip + 42) & 0xfff8)
			return -1;
		told->proto = ip[40];
		told->transport += 8;
	}
	if (told->proto != IPPROTO_TCP && told->proto != IPPROTO_UDP && told->proto != IPPROTO_SCTP)
		return -1;
	return told->transport + 8 > end ? DROP_MALFORMED_ICMP : 0;
}

/* The flow whose packet was on its way to a backend. */
static bool to_client(const struct reference_packet *told, const struct reference_ends *was,
		      int source, struct finding *out)
{
	const struct reference_nat_flow *flow = reference_nat_find_reply(
		told->version, told->proto, was->to, was->dest_port, source, was->source_port);

	if (!flow)
		return false;
	out->key = flow->key;
	memcpy(out->hop, flow->hop, sizeof(out->hop));
	out->backend = 0;
	reference_nat_vip(told->version, flow->key.service, out->outer.from);
	memcpy(out->outer.to, flow->key.client, sizeof(out->outer.to));
	memcpy(out->inner.from, out->outer.to, sizeof(out->inner.from));
	memcpy(out->inner.to, out->outer.from, sizeof(out->inner.to));
	out->inner.source_port = flow->key.client_port;
	out->inner.dest_port = flow->key.service;
	return true;
}

/* The flow whose packet was on its way to a client. */
static bool to_backend(const struct pkt *in, const struct reference_packet *packet,
		       const struct reference_packet *told, const struct reference_ends *was,
		       struct finding *out)
{
	const struct reference_nat_flow *flow;

	memset(&out->key, 0, sizeof(out->key));
	out->key.version = told->version;
	out->key.proto = told->proto;
	out->key.client_port = was->dest_port;
	out->key.service = reference_nat_service(told->version, was->from, was->source_port);
	memcpy(out->key.client, was->to, sizeof(out->key.client));
	if (!out->key.service || out->key.service == BY_L2)
		return false;
	out->inner.source_port = NAT_BACKEND_PORT;
	if (nat_keeps(out->key.service)) {
		out->backend = reference_nat_current(out->key.service);
		memcpy(out->outer.from, in->bytes + packet->ip + (packet->version == 4 ? 12 : 8),
		       packet->version == 4 ? 4 : 16);
		memcpy(out->inner.to, was->to, sizeof(out->inner.to));
		out->inner.dest_port = was->dest_port;
	} else {
		flow = reference_nat_find(&out->key);
		if (!flow->key.version)
			return false;
		out->backend = flow->backend;
		reference_nat_source(told->version, flow->source, out->outer.from);
		memcpy(out->inner.to, out->outer.from, sizeof(out->inner.to));
		out->inner.dest_port = flow->nat_port;
	}
	reference_nat_backend(&out->key, out->backend, out->outer.to);
	memcpy(out->inner.from, out->outer.to, sizeof(out->inner.from));
	return true;
}

static void translate(struct reference_nat *want, const struct reference_packet *packet,
		      const struct reference_packet *told, const struct finding *found)
{
	__u8 addresses[12];

	if (found->backend && found->key.service == BY_NAT_NO_WAY) {
		reference_nat_drop(want, DROP_NO_TARGET);
		return;
	}
	if (want->want.bytes[packet->ip + (packet->version == 4 ? 8 : 7)] <= 1) {
		reference_nat_drop(want, DROP_TTL);
		return;
	}
	want->verdict = XDP_TX;
	reference_nat_rewrite_error(want, packet, told, &found->outer, &found->inner);
	if (found->backend)
		reference_nat_target_eth(&found->key, found->backend, addresses);
	else
		memcpy(addresses, found->hop, sizeof(addresses));
	reference_nat_eth(want, addresses);
	reference_nat_trim(want, packet);
}

void reference_nat_icmp(const struct pkt *in, const struct reference_packet *packet,
			struct reference_nat *want)
{
	const __u8 *dest = in->bytes + packet->ip + (packet->version == 4 ? 16 : 24);
	const int source = reference_nat_which_source(packet->version, dest);
	struct finding found = { .backend = 0 };
	struct reference_packet told;
	struct reference_ends was;
	__u8 vip[16];
	int trouble;

	if (packet->transport + ICMP_HEADER > packet->frame ||
	    !is_error(in->bytes[packet->transport], packet->version))
		return;
	reference_nat_vip(packet->version, BY_NAT, vip);
	if (source < 0 && memcmp(dest, vip, packet->version == 4 ? 4 : 16) != 0)
		return;
	trouble = find_told(in, packet, &told);
	if (trouble < 0)
		return;
	if (!trouble) {
		reference_ends_of(in->bytes + told.ip, told.version, in->bytes + told.transport,
				  &was);
		if (memcmp(was.from, dest, packet->version == 4 ? 4 : 16) != 0)
			trouble = DROP_MALFORMED_ICMP;
	}
	if (trouble) {
		reference_nat_drop(want, trouble);
		return;
	}
	if (told.proto == IPPROTO_SCTP) /* nat translates none */
		return;
	if (source >= 0 && was.source_port >= NAT_PORT_FIRST &&
	    was.source_port < NAT_PORT_FIRST + NAT_PORT_COUNT) {
		if (to_client(&told, &was, source, &found))
			translate(want, packet, &told, &found);
	} else if (to_backend(in, packet, &told, &was, &found)) {
		translate(want, packet, &told, &found);
	}
}
