/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Replaces addresses and ports in a packet and keeps its checksums right (RFC 1624, equation 3). */
#ifndef POISE_BPF_NAT_REWRITE_H
#define POISE_BPF_NAT_REWRITE_H

/* An IP address in two words; IPv4 as ::ffff:a.b.c.d. */
struct nat_addr {
	__u64 low, high;
};

#define TTL_DELTA                                                                                  \
	0xfffe /* what the checksum gains when the TTL, a word's first byte, loses one             \
		*/

/*
 * A packet as global functions are told of it: the offset of its transport header, its TCP flags or
 * NO_TCP, and flags of ours.
 */
#define NAT_SHAPE(offset, tcp_flags) ((offset) | (__u32)(tcp_flags) << 16)
#define NAT_SHAPE_TCP_FLAGS(shape)   ((shape) >> 16 & (NO_TCP | 0xff))
#define NAT_SHAPE_UDP                (NO_TCP << 16)
#define NAT_SHAPE_IPV6               (1U << 30)
#define NAT_SHAPE_BEGAN              (1U << 31) /* its flow was entered just now */

/* tcp_flags: the packet's, or NO_TCP for a datagram. */
static __always_inline __u32 nat_shape(const struct packet *pkt, __u32 tcp_flags)
{
	return NAT_SHAPE(pkt->transport_offset, tcp_flags) |
	       (pkt->version == 6 ? NAT_SHAPE_IPV6 : 0);
}

/* The addresses and ports that a packet is given, and what its checksums gain by that. */
struct nat_change {
	struct nat_addr from, to;
	__be16 from_port, to_port;
	__u16 ip_delta, transport_delta;
};

/*
 * Returns the one's complement difference of two sums: what a checksum lacks when its words are
 * replaced.
 */
static __always_inline __u16 csum_difference(__u32 now, __u32 old)
{
	return csum_fold32(csum_fold32(now) + (__u16)~csum_fold32(old));
}

static __always_inline __u16 csum_add(__u16 check, __u32 delta)
{
	return ~csum_fold32((__u16)~check + delta);
}

/* Does csum_add() to a checksum in a header, whatever type it has there. */
static __always_inline void csum_update(void *check, __u32 delta)
{
	*(__u16 *)check = csum_add(*(__u16 *)check, delta);
}

/* Pointers to a packet's parts, all checked against its end. */
struct nat_parts {
	struct ethhdr *eth;
	void *ip;
	__be16 *ports;
	__u16 *check;   /* TCP's or UDP's */
	__u8 tcp_flags; /* 0: UDP */
};

/* Returns false if the packet is cut short. */
static __always_inline bool nat_find_parts(struct xdp_md *ctx, __u32 shape, int version,
					   struct nat_parts *parts)
{
	void *end = (void *)(long)ctx->data_end, *transport;

	parts->eth = (void *)(long)ctx->data;
	parts->ip = parts->eth + 1;
	if (parts->ip + ip_header_bytes(version) > end)
		return false;
	transport = parts->ip + (shape & MAX_TRANSPORT_OFFSET);
	parts->ports = transport;
	if (transport + sizeof(struct udphdr) > end)
		return false;
	parts->check = transport + offsetof(struct udphdr, check);
	parts->tcp_flags = 0;
	if (shape & NAT_SHAPE_UDP)
		return true;
	if (transport + sizeof(struct tcphdr) > end)
		return false;
	parts->tcp_flags = ((const __u8 *)transport)[13];
	parts->check = transport + offsetof(struct tcphdr, check);
	return true;
}

/*
 * Writes the addresses of a frame back to this frame's sender, as struct nat_entry's hop has them.
 */
static __always_inline void nat_hop_from(__u8 *hop, const struct ethhdr *eth)
{
	__builtin_memcpy(hop, eth->h_source, sizeof(eth->h_source));
	__builtin_memcpy(hop + sizeof(eth->h_source), eth->h_dest, sizeof(eth->h_dest));
}

static __always_inline struct nat_addr nat_v4(__be32 addr)
{
	return (struct nat_addr){ .high = wire32(bpf_htonl(0xffff)) | (__u64)wire32(addr) << 32 };
}

static __always_inline struct nat_addr nat_v6(const struct in6_addr *addr)
{
	return (struct nat_addr){ .low = ((const __u64 *)addr)[0],
				  .high = ((const __u64 *)addr)[1] };
}

static __always_inline struct nat_addr nat_source_of(const void *ip, int version)
{
	return version == 4 ? nat_v4(((const struct iphdr *)ip)->saddr)
			    : nat_v6(&((const struct ipv6hdr *)ip)->saddr);
}

static __always_inline struct nat_addr nat_dest_of(const void *ip, int version)
{
	return version == 4 ? nat_v4(((const struct iphdr *)ip)->daddr)
			    : nat_v6(&((const struct ipv6hdr *)ip)->daddr);
}

static __always_inline __u32 nat_ip_bytes(const void *ip, int version)
{
	return version == 4 ? bpf_ntohs(((const struct iphdr *)ip)->tot_len)
			    : sizeof(struct ipv6hdr) +
				      bpf_ntohs(((const struct ipv6hdr *)ip)->payload_len);
}

/*
 * True if the transport header lies within the IP packet and not in what follows it.
 * parse_transport() has checked that only for packets to services.
 */
static __always_inline bool nat_is_whole(const struct nat_parts *parts, __u32 shape, int version)
{
	return nat_ip_bytes(parts->ip, version) >=
	       (shape & MAX_TRANSPORT_OFFSET) +
		       (shape & NAT_SHAPE_UDP ? sizeof(struct udphdr) : sizeof(struct tcphdr));
}

static __always_inline __u8 nat_ttl(const void *ip, int version)
{
	return version == 4 ? ((const struct iphdr *)ip)->ttl
			    : ((const struct ipv6hdr *)ip)->hop_limit;
}

/* Replaces the addresses and takes one off the TTL or hop limit. */
static __always_inline void nat_rewrite_ip(void *ip, int version, const struct nat_addr *from,
					   const struct nat_addr *to, __u32 delta)
{
	if (version == 4) {
		struct iphdr *ip4 = ip;

		ip4->ttl--;
		ip4->saddr = to_wire32(from->high >> 32);
		ip4->daddr = to_wire32(to->high >> 32);
		csum_update(&ip4->check, delta + TTL_DELTA);
	} else {
		struct ipv6hdr *ip6 = ip;

		ip6->hop_limit--;
		__builtin_memcpy(&ip6->saddr, from, sizeof(*from));
		__builtin_memcpy(&ip6->daddr, to, sizeof(*to));
	}
}

static __always_inline void nat_rewrite(const struct nat_parts *parts, int version, bool udp,
					const struct nat_change *change)
{
	__u16 check = *parts->check;

	nat_rewrite_ip(parts->ip, version, &change->from, &change->to, change->ip_delta);
	parts->ports[0] = change->from_port;
	parts->ports[1] = change->to_port;
	/*
	 * A datagram without a checksum stays without one. A computed checksum of 0 is written as
	 * 0xffff (RFC 768).
	 */
	if (udp && !check)
		return;
	check = csum_add(check, change->transport_delta);
	*parts->check = udp && !check ? 0xffff : check;
}

/* Trims the rewritten packet and returns the verdict. */
static __always_inline int nat_sent(struct xdp_md *ctx, __u32 ip_bytes, int action)
{
	return trim(ctx, ip_bytes) ? stop(DROP_NO_ROOM) : action;
}

#endif
