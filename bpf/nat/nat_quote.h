/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Translates an ICMP error together with the packet that it quotes. */
#ifndef POISE_BPF_NAT_QUOTE_H
#define POISE_BPF_NAT_QUOTE_H

/* The addresses and ports that an error and its quoted packet are given. */
struct nat_turn {
	struct nat_addr from, to;
	struct nat_addr quote_from, quote_to;
	__be16 from_port, to_port; /* of the quote */
	__u16 ip_delta, transport_delta;
};

/* Translates the quoted packet. Returns what the ICMP checksum lacks afterwards. */
static __always_inline __u32 nat_turn_quote(const struct icmp_quote *quote, int version,
					    const struct nat_turn *turn)
{
	__u32 delta = csum_difference(wire16(turn->from_port) + wire16(turn->to_port),
				      wire16(quote->ports[0]) + wire16(quote->ports[1]));

	if (version == 4) {
		struct iphdr *ip4 = quote->ip;

		/*
		 * The new addresses and the new header checksum add up to the same as the old ones,
		 * so the header's sum stays.
		 */
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

/*
 * Translates the error and takes one off its TTL. Returns GO_ON, or what nat_turn_around() is to
 * return.
 */
static __always_inline int nat_turn_error(struct xdp_md *ctx, __u32 shape, int version,
					  const struct icmp_quote *quote,
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
