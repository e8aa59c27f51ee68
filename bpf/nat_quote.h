/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an ICMP error quotes, found, checked and translated together with the error. */
#ifndef POISE_BPF_NAT_QUOTE_H
#define POISE_BPF_NAT_QUOTE_H

#define ICMP_DEST_UNREACH   3
#define ICMP_TIME_EXCEEDED  11
#define ICMP_PARAMETERPROB  12
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PARAMPROB    4

#define ICMP_BYTES       8  /* before what is quoted */
#define QUOTED_BYTES     8  /* of the quoted transport header, at least: RFC 792 */
#define QUOTED_TCP_BYTES 18 /* with TCP's checksum */
#define IP_OFFSET_MASK   0x1fff

/* What an error quotes: the start of a packet that was sent. */
struct nat_quote {
	void *ip;
	__be16 *ports;
	__u16 *check; /* NULL: it is not quoted */
	struct nat_addr from, to;
	__u8 proto;
};

/* What becomes of an error and of what it quotes. */
struct nat_turn {
	struct nat_addr from, to;
	struct nat_addr quote_from, quote_to;
	__be16 from_port, to_port; /* of the quote */
	__u16 ip_delta, transport_delta;
};

static __always_inline bool nat_is_error(__u8 type, int version)
{
	if (version == 4)
		return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
		       type == ICMP_PARAMETERPROB;
	return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

#define NO_PORTS_QUOTED 0

/* The quoted IP header's length, NO_PORTS_QUOTED if what follows is a later fragment, or a
 * drop_reason as a negative number. left: bytes that the error has from there on. */
static __always_inline int nat_quoted_header(const void *ip, __u32 left, const void *end,
					     int version)
{
	const struct iphdr *ip4 = ip;
	const struct ipv6hdr *ip6 = ip;

	if (version == 6) {
		if ((void *)(ip6 + 1) > end || left < sizeof(*ip6) || ip6->version != 6)
			return -DROP_MALFORMED_ICMP;
		return sizeof(*ip6);
	}
	if ((void *)(ip4 + 1) > end || left < sizeof(*ip4) || ip4->version != 4 || ip4->ihl < 5)
		return -DROP_MALFORMED_ICMP;
	if (ip4->frag_off & bpf_htons(IP_OFFSET_MASK))
		return NO_PORTS_QUOTED;
	return ip4->ihl * 4;
}

/* GO_ON, NOT_OURS or a drop_reason. */
static __always_inline int nat_find_quote(struct xdp_md *ctx, __u32 shape, int version,
					  struct nat_quote *quote)
{
	void *end = (void *)(long)ctx->data_end, *transport;
	void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	__u32 offset = shape & MAX_TRANSPORT_OFFSET, bytes, header_bytes;
	int header;

	if (ip + ip_header_bytes(version) > end)
		return NOT_OURS;
	bytes = nat_ip_bytes(ip, version);
	if (bytes > (__u64)(end - ip) || bytes < offset + ICMP_BYTES)
		return DROP_MALFORMED_ICMP;
	quote->ip = ip + offset + ICMP_BYTES;
	bytes -= offset + ICMP_BYTES;
	header = nat_quoted_header(quote->ip, bytes, end, version);
	if (header < 0)
		return -header;
	if (header == NO_PORTS_QUOTED)
		return NOT_OURS;
	quote->proto = version == 4 ? ((struct iphdr *)quote->ip)->protocol
				    : ((struct ipv6hdr *)quote->ip)->nexthdr;
	if (quote->proto != IPPROTO_TCP && quote->proto != IPPROTO_UDP)
		return NOT_OURS;
	header_bytes = header & 0x3f;
	transport = quote->ip + header_bytes;
	if (bytes < header_bytes + QUOTED_BYTES || transport + QUOTED_BYTES > end)
		return DROP_MALFORMED_ICMP;
	quote->from = nat_source_of(quote->ip, version);
	quote->to = nat_dest_of(quote->ip, version);
	quote->ports = transport;
	quote->check = NULL;
	if (quote->proto == IPPROTO_UDP)
		quote->check = transport + offsetof(struct udphdr, check);
	else if (bytes >= header_bytes + QUOTED_TCP_BYTES && transport + QUOTED_TCP_BYTES <= end)
		quote->check = transport + offsetof(struct tcphdr, check);
	return GO_ON;
}

/* Translates the quote. What the ICMP checksum lacks by that. */
static __always_inline __u32 nat_turn_quote(const struct nat_quote *quote, int version,
					    const struct nat_turn *turn)
{
	__u32 delta = csum_difference(wire16(turn->from_port) + wire16(turn->to_port),
				      wire16(quote->ports[0]) + wire16(quote->ports[1]));

	if (version == 4) {
		struct iphdr *ip4 = quote->ip;

		/* Other addresses and another checksum: the header's sum stays. */
		ip4->saddr = to_wire32(turn->quote_from.high >> 32);
		ip4->daddr = to_wire32(turn->quote_to.high >> 32);
		csum_update(&ip4->check, turn->ip_delta);
	} else {
		struct ipv6hdr *ip6 = quote->ip;

		__builtin_memcpy(&ip6->saddr, &turn->quote_from, sizeof(turn->quote_from));
		__builtin_memcpy(&ip6->daddr, &turn->quote_to, sizeof(turn->quote_to));
		delta += turn->ip_delta;
	}
	quote->ports[0] = turn->from_port;
	quote->ports[1] = turn->to_port;
	if (quote->check && (quote->proto == IPPROTO_TCP || *quote->check)) {
		__u16 old = *quote->check, now = csum_add(old, turn->transport_delta);

		if (!now && quote->proto == IPPROTO_UDP)
			now = 0xffff;
		*quote->check = now;
		delta += csum_difference(now, old);
	}
	return delta;
}

/* Translates the error, one hop further. GO_ON, or else what the packet's turn has come to: as for
 * nat_turn_around(). */
static __always_inline int nat_turn_error(struct xdp_md *ctx, __u32 shape, int version,
					  const struct nat_quote *quote,
					  const struct nat_turn *turn)
{
	void *end = (void *)(long)ctx->data_end;
	void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	struct icmphdr *icmp = ip + (shape & MAX_TRANSPORT_OFFSET);
	struct nat_addr from, to;
	__u32 delta, outer;

	if (ip + ip_header_bytes(version) > end || (void *)(icmp + 1) > end)
		return XDP_PASS;
	if (nat_ttl(ip, version) <= 1)
		return -DROP_TTL;
	from = nat_source_of(ip, version);
	to = nat_dest_of(ip, version);
	outer = csum_difference(nat_addr_sum(&turn->from) + nat_addr_sum(&turn->to),
				nat_addr_sum(&from) + nat_addr_sum(&to));
	delta = nat_turn_quote(quote, version, turn);
	/* ICMPv6's checksum covers the addresses (RFC 4443, 2.3). */
	if (version == 6)
		delta += outer;
	nat_rewrite_ip(ip, version, &turn->from, &turn->to, outer);
	csum_update(&icmp->checksum, csum_fold32(delta));
	return GO_ON;
}

#endif
