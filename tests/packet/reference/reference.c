// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "reference/reference.h"
#include "reference/reference_chain.h"
#include "reference/reference_fragment.h"
#include "reference/reference_options.h"

#define ETH        14
#define MAX_WALK   8
#define MAX_OFFSET 1023

static unsigned int be16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

/* RFC 1071 over big-endian words; an odd last byte counts as a word's first. */
static __u32 sum16(const __u8 *data, size_t length, __u32 sum)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? data[i] : data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static bool is_vip(const __u8 *addr, int version)
{
	__u8 vip[16];

	inet_pton(version == 4 ? AF_INET : AF_INET6, version == 4 ? VIP4 : VIP6, vip);
	return !memcmp(addr, vip, version == 4 ? 4 : 16);
}

static void drop(struct reference *out, enum drop_reason reason)
{
	out->verdict = XDP_DROP;
	out->drop = reason;
}

/* After the addresses: what a lie in the headers comes to. */
static void lie(struct reference *out, bool vip, enum drop_reason reason)
{
	if (vip)
		drop(out, reason);
}

static size_t overhead(unsigned int port)
{
	switch (port) {
	case PORT_IPIP4:
	case PORT_SMALL_IPIP4:
	case PORT_SPREAD4:
		return 20;
	case PORT_IPIP6:
	case PORT_SMALL_IPIP6:
	case PORT_SPREAD6:
		return 40;
	case PORT_GUE4:
	case PORT_SMALL_GUE4:
		return 32;
	case PORT_GUE6:
	case PORT_SMALL_GUE6:
		return 52;
	}
	return 0;
}

static bool has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* The flags that a TCP segment would have: INIT is a SYN, what ends an association a FIN. */
static __u8 sctp_flags(__u8 chunk)
{
	return chunk == 1 ? 2 : chunk == 6 || chunk == 8 || chunk == 14 ? 1 : 16;
}

/* Nobody's that sends requests: this host, loopback, multicast, reserved, or a service. */
static bool is_martian(const __u8 *addr, int version, unsigned int port)
{
	static const __u8 zeros[15], mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (is_vip(addr, version))
		return true;
	if (version == 4)
		return addr[0] == 0 || addr[0] == 127 || addr[0] >= 224;
	if (addr[0] == 0xff || !memcmp(addr, mapped, 12))
		return true;
	if (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80) /* link-local: not beyond its link */
		return overhead(port) || port == PORT_REDIRECT || port == PORT_EMPTY ||
		       port == PORT_NO_TARGET;
	return !memcmp(addr, zeros, 15) && addr[15] <= 1;
}

static void judge_flow(struct reference *out, const __u8 *ip, const __u8 *transport, __u8 proto)
{
	struct reference_flow flow = {
		.source_port = be16(transport),
		.port = out->port,
		.proto = proto,
		.version = out->version,
	};

	memcpy(flow.addr, ip + (out->version == 4 ? 12 : 8), out->version == 4 ? 4 : 16);
	out->backend = reference_follow(&flow, proto == IPPROTO_TCP    ? transport[13]
					       : proto == IPPROTO_SCTP ? sctp_flags(transport[12])
								       : 0);
}

static void judge_port(struct reference *out)
{
	size_t mtu = out->port >= PORT_SMALL_L2 ? FIXTURE_SMALL_MTU : FIXTURE_MTU;

	if (out->port == PORT_EMPTY || out->backend == FIXTURE_NOBODY)
		drop(out, DROP_NO_BACKEND);
	else if (out->port == PORT_NO_TARGET || out->port == PORT_NO_WAY)
		drop(out, DROP_NO_TARGET);
	else if (out->ip_bytes + overhead(out->port) > mtu)
		drop(out, DROP_TOO_BIG);
	else
		out->verdict = XDP_TX;
	if (out->drop == DROP_TOO_BIG)
		out->answer = answered_too_big(out->version, mtu - overhead(out->port));
}

/* ip: the IP header, of which `frame` bytes arrived; the transport header starts at `offset`. */
static void judge_transport(struct reference *out, const __u8 *ip, size_t frame, size_t offset,
			    __u8 proto, bool vip)
{
	const __u8 *transport = ip + offset;
	size_t bytes = out->ip_bytes - offset;
	__u32 pseudo;

	if (offset + 4 > out->ip_bytes || offset + 4 > frame) {
		lie(out, vip, DROP_MALFORMED_TRANSPORT);
		return;
	}
	out->port = be16(transport + 2);
	if (!vip || out->port < PORT_L2 || out->port >= PORT_END)
		return;
	if (out->version == 4 && is_source_routed(ip, frame))
		return;
	if (proto == IPPROTO_TCP) {
		if (bytes < 20 || transport[12] >> 4 < 5 || (transport[12] >> 4) * 4u > bytes) {
			drop(out, DROP_MALFORMED_TRANSPORT);
			return;
		}
	} else if (proto == IPPROTO_SCTP) {
		if (bytes < 16 || be16(transport + 14) < 4) {
			drop(out, DROP_MALFORMED_TRANSPORT);
			return;
		}
	} else if (bytes < 8 || be16(transport + 4) < 8 || be16(transport + 4) > bytes) {
		drop(out, DROP_MALFORMED_TRANSPORT);
		return;
	}
	pseudo = out->version == 4 ? sum16(ip + 12, 8, 0) : sum16(ip + 8, 32, 0);
	if (proto == IPPROTO_UDP) {
		size_t length = be16(transport + 4);

		out->checksums_right &= !be16(transport + 6) ||
					sum16(transport, length, pseudo + proto + length) == 0xffff;
	} else if (proto == IPPROTO_TCP) {
		out->checksums_right &= sum16(transport, bytes, pseudo + proto + bytes) == 0xffff;
	}
	if (is_martian(ip + (out->version == 4 ? 12 : 8), out->version, out->port)) {
		drop(out, DROP_MARTIAN);
		return;
	}
	if (fixture_moves(out->port))
		judge_flow(out, ip, transport, proto);
	judge_port(out);
}

/* The length of the IP header that an error quotes, and the protocol behind it; 0: a later
 * fragment. */
static size_t quoted_header(const __u8 *ip, int version, __u8 *proto)
{
	*proto = ip[version == 4 ? 9 : 6];
	if (version == 4)
		return be16(ip + 6) & 0x1fff ? 0 : (ip[0] & 15) * 4;
	if (*proto != IPPROTO_FRAGMENT)
		return 40;
	*proto = ip[40];
	return be16(ip + 42) & 0xfff8 ? 0 : 48;
}

/* True if what is quoted, of which `left` bytes arrived, is as it must be. */
static bool quote_is_good(const __u8 *ip, size_t left, int version, size_t *header, __u8 *proto)
{
	const size_t least = version == 4 ? 20 : 40;

	if (left < least || ip[0] >> 4 != version || (version == 4 && (ip[0] & 15) < 5))
		return false;
	if (version == 6 && ip[6] == IPPROTO_FRAGMENT && left < least + 8)
		return false;
	*header = quoted_header(ip, version, proto);
	if (!*header || !has_ports(*proto))
		return true;
	return left >= *header + 8;
}

/* The backend that sent what is quoted gets the error as it is. */
static void judge_quoted(struct reference *out, const __u8 *ip, const __u8 *transport, __u8 proto)
{
	struct reference_flow flow = {
		.source_port = be16(transport + 2),
		.port = be16(transport),
		.proto = proto,
		.version = out->version,
	};

	out->port = flow.port;
	if (out->port < PORT_L2 || out->port >= PORT_END || out->port == PORT_EMPTY)
		return;
	memcpy(flow.addr, ip + (out->version == 4 ? 16 : 24), out->version == 4 ? 4 : 16);
	if (fixture_moves(out->port))
		out->backend = reference_peek(&flow);
	if (out->backend != FIXTURE_NOBODY)
		judge_port(out);
	out->answer.type = 0; /* no error is about another one: RFC 1122, 3.2.2 */
}

static void judge_icmp(struct reference *out, const __u8 *ip, size_t frame, size_t offset)
{
	const __u8 *icmp = ip + offset, *told = icmp + 8;
	const int version = out->version;
	size_t left, header = 0;
	__u8 proto = 0;
	bool good;

	if (offset + 8 > frame || !is_vip(ip + (version == 4 ? 16 : 24), version))
		return;
	if (version == 4 ? icmp[0] != 3 && icmp[0] != 11 && icmp[0] != 12
			 : icmp[0] < 1 || icmp[0] > 4)
		return;
	if (out->ip_bytes > frame || out->ip_bytes < offset + 8) {
		drop(out, DROP_MALFORMED_ICMP);
		return;
	}
	left = out->ip_bytes - offset - 8;
	good = quote_is_good(told, left, version, &header, &proto);
	if (good && (!header || !has_ports(proto)))
		return;
	if (!good || !is_vip(told + (version == 4 ? 12 : 8), version))
		drop(out, DROP_MALFORMED_ICMP);
	else
		judge_quoted(out, told, told + header, proto);
}

static bool first_is_whole(const struct reference *out, const __u8 *transport,
			   const struct reference_fragment *fragment)
{
	const size_t bytes = out->ip_bytes < fragment->data ? 0 : out->ip_bytes - fragment->data;

	if (fragment->proto == IPPROTO_UDP)
		return bytes >= 8 && be16(transport + 4) >= 8;
	if (fragment->proto == IPPROTO_SCTP)
		return bytes >= 16;
	return bytes >= 20 && transport[12] >> 4 >= 5 && (transport[12] >> 4) * 4u <= bytes;
}

static void judge_first(struct reference *out, const __u8 *ip,
			const struct reference_fragment *fragment)
{
	const __u8 *transport = ip + fragment->data;
	struct reference_datagram datagram = { 0 };

	if (!first_is_whole(out, transport, fragment)) {
		drop(out, DROP_FRAGMENT_BAD);
		return;
	}
	out->port = be16(transport + 2);
	datagram.kernel = out->port < PORT_L2 || out->port >= PORT_END;
	if (!datagram.kernel &&
	    is_martian(ip + (out->version == 4 ? 12 : 8), out->version, out->port)) {
		drop(out, DROP_MARTIAN);
		return;
	}
	if (!datagram.kernel && fixture_moves(out->port))
		judge_flow(out, ip, transport, fragment->proto);
	datagram.port = out->port;
	datagram.backend = out->backend;
	if (out->port == PORT_EMPTY || out->backend == FIXTURE_NOBODY)
		drop(out, DROP_NO_BACKEND);
	else if (!reference_fragment_begin(fragment, &datagram))
		drop(out, DROP_FRAGMENT_BAD);
	else if (!datagram.kernel)
		judge_port(out);
}

static void judge_later(struct reference *out, const struct reference_fragment *fragment)
{
	const struct reference_datagram *datagram;
	bool fits;

	datagram = reference_fragment_follow(fragment, &fits);
	if (!datagram) {
		/* Behind an IPv6 extension header may be anything. */
		if (has_ports(fragment->proto))
			drop(out, DROP_FRAGMENT_EARLY);
	} else if (!fits) {
		drop(out, DROP_FRAGMENT_BAD);
	} else if (!datagram->kernel) {
		out->port = datagram->port;
		out->backend = datagram->backend;
		judge_port(out);
		out->answer.type = 0; /* RFC 1122, 3.2.2 */
	}
}

/* True if the packet is a fragment, which is judged then. */
static bool judge_fragment(struct reference *out, const __u8 *ip, size_t frame, int version,
			   bool vip)
{
	struct reference_fragment fragment;
	enum reference_fragment_kind kind;

	kind = reference_fragment_read(ip, frame, version, &fragment);
	if (kind == REFERENCE_WHOLE)
		return false;
	if (!vip || kind == REFERENCE_UNKNOWN || (version == 4 && is_source_routed(ip, frame)))
		return true;
	out->version = version;
	out->ip_bytes = fragment.ip_bytes;
	out->checksums_right = true; /* GUE's is made anew, whatever is inside */
	if (kind == REFERENCE_LYING)
		drop(out, DROP_MALFORMED_IP);
	else if (kind == REFERENCE_BAD)
		drop(out, DROP_FRAGMENT_BAD);
	else if (kind == REFERENCE_FIRST)
		judge_first(out, ip, &fragment);
	else
		judge_later(out, &fragment);
	return true;
}

static void judge_ipv4(struct reference *out, const __u8 *ip, size_t frame)
{
	size_t header;
	bool vip;

	if (frame < 20 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5) {
		drop(out, DROP_MALFORMED_IP);
		return;
	}
	header = (ip[0] & 15) * 4;
	vip = is_vip(ip + 16, 4);
	if (judge_fragment(out, ip, frame, 4, vip))
		return;
	out->version = 4;
	out->ip_bytes = be16(ip + 2);
	/* Errors are summed whole, so a wrong checksum in one stays where it is. */
	out->checksums_right = true;
	if (ip[9] == IPPROTO_ICMP)
		judge_icmp(out, ip, frame, header);
	if (!has_ports(ip[9]))
		return;
	if (out->ip_bytes < header || out->ip_bytes > frame) {
		lie(out, vip, DROP_MALFORMED_IP);
		return;
	}
	out->checksums_right = sum16(ip, header, 0) == 0xffff;
	judge_transport(out, ip, frame, header, ip[9], vip);
}

static void judge_ipv6(struct reference *out, const __u8 *ip, size_t frame)
{
	size_t offset = 40;
	__u8 proto;
	bool vip;

	if (frame < 40 || ip[0] >> 4 != 6) {
		drop(out, DROP_MALFORMED_IP);
		return;
	}
	vip = is_vip(ip + 24, 6);
	out->version = 6;
	out->ip_bytes = 40 + be16(ip + 4);
	out->checksums_right = true;
	if (out->ip_bytes > frame) {
		lie(out, vip, DROP_MALFORMED_IP);
		return;
	}
	if (judge_fragment(out, ip, frame, 6, vip))
		return;
	proto = ip[6];
	for (int walked = 0; !has_ports(proto); walked++) {
		size_t step = reference_extension(proto, ip + offset);

		if (proto == IPPROTO_ICMPV6)
			judge_icmp(out, ip, frame, offset);
		if (!step || walked == MAX_WALK)
			return;
		if (offset + 8 > frame) {
			lie(out, vip, DROP_MALFORMED_IP);
			return;
		}
		if (reference_turns_away(proto, ip + offset))
			return;
		proto = ip[offset];
		offset += step;
		if (offset > MAX_OFFSET)
			return;
	}
	judge_transport(out, ip, frame, offset, proto, vip);
}

void reference_judge(const struct pkt *in, struct reference *out)
{
	memset(out, 0, sizeof(*out));
	out->verdict = XDP_PASS;
	if (in->bytes[0] & 1)
		return;
	if (be16(in->bytes + 12) == ETH_P_IP)
		judge_ipv4(out, in->bytes + ETH, in->length - ETH);
	else if (be16(in->bytes + 12) == ETH_P_IPV6)
		judge_ipv6(out, in->bytes + ETH, in->length - ETH);
	if (in->bytes[6] & 1)
		out->answer.type = 0;
	if (out->answer.type)
		out->verdict = XDP_TX;
}

static __u8 tos_of(const struct reference *judged, const __u8 *ip)
{
	return judged->version == 4 ? ip[1] : (ip[0] << 4 | ip[1] >> 4) & 0xff;
}

static const char *outer_ipv4(const struct reference *judged, const __u8 *outer, const __u8 *inner,
			      __u8 proto)
{
	__u8 want[12] = { 0x45, tos_of(judged, inner), 0, 0, 0, 0, 0x40, 0, 64, proto, 0, 0 };
	__u8 addresses[8];

	inet_pton(AF_INET, OUTER_SOURCE4, addresses);
	if (judged->port == PORT_SPREAD4) {
		inet_pton(AF_INET, SPREAD_SOURCE4, addresses);
		addresses[2] |= outer[14] & 0x0f; /* the flow's, 12 bits */
		addresses[3] = outer[15];
	}
	inet_pton(AF_INET, OUTER_DEST4, addresses + 4);
	if (sum16(outer, 20, 0) != 0xffff)
		return "outer IPv4 checksum";
	want[2] = (judged->ip_bytes + overhead(judged->port)) >> 8;
	want[3] = (judged->ip_bytes + overhead(judged->port)) & 0xff;
	want[10] = outer[10];
	want[11] = outer[11];
	return memcmp(outer, want, 12) || memcmp(outer + 12, addresses, 8) ? "outer IPv4 header"
									   : NULL;
}

static const char *outer_ipv6(const struct reference *judged, const __u8 *outer, const __u8 *inner,
			      __u8 proto)
{
	size_t payload = judged->ip_bytes + overhead(judged->port) - 40;
	__u8 addresses[32];

	inet_pton(AF_INET6, OUTER_SOURCE6, addresses);
	if (judged->port == PORT_SPREAD6) {
		inet_pton(AF_INET6, SPREAD_SOURCE6, addresses);
		memcpy(addresses + 12, outer + 20, 4); /* the flow's, 32 bits */
	}
	inet_pton(AF_INET6, OUTER_DEST6, addresses + 16);
	if (outer[0] >> 4 != 6 ||
	    ((outer[0] << 4 | outer[1] >> 4) & 0xff) != tos_of(judged, inner) ||
	    be16(outer + 4) != payload || outer[6] != proto || outer[7] != 64 ||
	    memcmp(outer + 8, addresses, 32))
		return "outer IPv6 header";
	return NULL;
}

/* udp: the outer UDP header; pseudo-header sum for IPv6, which has to have a checksum. */
static const char *gue(const struct reference *judged, const __u8 *udp, const __u8 *outer6)
{
	size_t bytes = judged->ip_bytes + 12;

	if (be16(udp) < 0xc000 || be16(udp + 2) != POISE_GUE_PORT || be16(udp + 4) != bytes)
		return "outer UDP header";
	if (udp[8] || udp[9] != (judged->version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6) || udp[10] ||
	    udp[11])
		return "GUE header";
	if (!outer6)
		return be16(udp + 6) ? "outer UDP checksum over IPv4" : NULL;
	if (!be16(udp + 6))
		return "outer UDP checksum is missing";
	/* A sender's mistake is handed on: a wrong checksum inside makes a wrong one outside. */
	if (judged->checksums_right &&
	    sum16(udp, bytes, sum16(outer6 + 8, 32, IPPROTO_UDP + bytes)) != 0xffff)
		return "outer UDP checksum";
	return NULL;
}

static const char *outer_headers(const struct reference *judged, const __u8 *outer,
				 const __u8 *inner)
{
	__u8 proto = judged->version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	const char *wrong;

	switch (overhead(judged->port)) {
	case 20:
		return outer_ipv4(judged, outer, inner, proto);
	case 40:
		return outer_ipv6(judged, outer, inner, proto);
	case 32:
		wrong = outer_ipv4(judged, outer, inner, IPPROTO_UDP);
		return wrong ? wrong : gue(judged, outer + 20, NULL);
	case 52:
		wrong = outer_ipv6(judged, outer, inner, IPPROTO_UDP);
		return wrong ? wrong : gue(judged, outer + 40, outer);
	}
	return NULL;
}

const char *reference_forwarded(const struct reference *judged, const struct pkt *in,
				const struct pkt *out)
{
	size_t outer = overhead(judged->port);
	unsigned int type = judged->version == 4 ? ETH_P_IP : ETH_P_IPV6;
	static struct pkt answer;
	__u8 next_hop[6];

	if (judged->answer.type) {
		pkt_clear(&answer);
		answered_error(&answer, in, judged->ip_bytes, &judged->answer);
		return out->length != answer.length ||
				       memcmp(out->bytes, answer.bytes, answer.length)
			       ? "the answer"
			       : NULL;
	}
	if (outer)
		type = outer == 20 || outer == 32 ? ETH_P_IP : ETH_P_IPV6;
	if (out->length < ETH + outer + judged->ip_bytes)
		return "the packet lost bytes";
	if (out->length > ETH + outer + judged->ip_bytes && out->length > 60 + outer)
		return "bytes behind the packet were sent along";
	memcpy(next_hop, fixture_next_hop_mac, sizeof(next_hop));
	next_hop[5] += judged->backend;
	if (memcmp(out->bytes, next_hop, 5) || out->bytes[5] < fixture_next_hop_mac[5] ||
	    out->bytes[5] >= fixture_next_hop_mac[5] + FIXTURE_BACKENDS)
		return "Ethernet header";
	if (out->bytes[5] != next_hop[5])
		return "another backend";
	if (memcmp(out->bytes + 6, fixture_own_mac, 6) || be16(out->bytes + 12) != type)
		return "Ethernet header";
	if (memcmp(out->bytes + ETH + outer, in->bytes + ETH, judged->ip_bytes))
		return "the client's packet was changed";
	return outer_headers(judged, out->bytes + ETH, in->bytes + ETH);
}
