/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds and checks the packet that an ICMP error quotes (RFC 792, RFC 4443). */
#ifndef POISE_BPF_ICMP_QUOTE_H
#define POISE_BPF_ICMP_QUOTE_H

#define ICMP_DEST_UNREACH   3
#define ICMP_TIME_EXCEEDED  11
#define ICMP_PARAMETERPROB  12
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PARAMPROB    4

#define ICMP_BYTES       8  /* before what is quoted */
#define QUOTED_BYTES     8  /* of the quoted transport header, at least: RFC 792 */
#define QUOTED_TCP_BYTES 18 /* with TCP's checksum */
#define IP_OFFSET_MASK   0x1fff
#define IP6_OFFSET_MASK  0xfff8

/* The start of a packet that was sent, as an error quotes it. */
struct icmp_quote {
	void *ip;
	__be16 *ports;
	__u16 *check; /* NULL: it is not quoted, or the protocol is SCTP */
	struct nat_addr from, to;
	__u8 proto;
};

static __always_inline bool icmp_is_error(__u8 type, int version)
{
	if (version == 4)
		return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
		       type == ICMP_PARAMETERPROB;
	return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
}

#define NO_PORTS_QUOTED 0

/*
 * Returns the length of the quoted IP header and stores the protocol behind it. Returns
 * NO_PORTS_QUOTED if a later fragment is quoted, or a negative drop_reason. left is the number of
 * bytes from the quoted header to the error's end.
 */
static __always_inline int icmp_quoted_ipv4(const struct iphdr *ip, __u32 left, const void *end,
					    __u8 *proto)
{
	if ((void *)(ip + 1) > end || left < sizeof(*ip) || ip->version != 4 || ip->ihl < 5)
		return -DROP_MALFORMED_ICMP;
	*proto = ip->protocol;
	if (ip->frag_off & bpf_htons(IP_OFFSET_MASK))
		return NO_PORTS_QUOTED;
	return ip->ihl * 4;
}

/*
 * Does the same for IPv6. Servers send no extension headers but the fragment header, which a first
 * fragment has before its ports.
 */
static __always_inline int icmp_quoted_ipv6(const struct ipv6hdr *ip, __u32 left, const void *end,
					    __u8 *proto)
{
	const struct frag_hdr *fragment = (const void *)(ip + 1);

	if ((void *)(ip + 1) > end || left < sizeof(*ip) || ip->version != 6)
		return -DROP_MALFORMED_ICMP;
	*proto = ip->nexthdr;
	if (*proto != IPPROTO_FRAGMENT)
		return sizeof(*ip);
	if ((void *)(fragment + 1) > end || left < sizeof(*ip) + sizeof(*fragment))
		return -DROP_MALFORMED_ICMP;
	*proto = fragment->nexthdr;
	if (fragment->frag_off & bpf_htons(IP6_OFFSET_MASK))
		return NO_PORTS_QUOTED;
	return sizeof(*ip) + sizeof(*fragment);
}

/* Returns GO_ON, NOT_OURS or a drop_reason. */
static __always_inline int icmp_find_quote(struct xdp_md *ctx, __u32 shape, int version,
					   struct icmp_quote *quote)
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
	header = version == 4 ? icmp_quoted_ipv4(quote->ip, bytes, end, &quote->proto)
			      : icmp_quoted_ipv6(quote->ip, bytes, end, &quote->proto);
	if (header < 0)
		return -header;
	if (header == NO_PORTS_QUOTED)
		return NOT_OURS;
	if (!has_ports(quote->proto))
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
	else if (quote->proto == IPPROTO_TCP && bytes >= header_bytes + QUOTED_TCP_BYTES &&
		 transport + QUOTED_TCP_BYTES <= end)
		quote->check = transport + offsetof(struct tcphdr, check);
	return GO_ON;
}

/* An ICMP error to an address of ours. */
struct icmp_error {
	struct icmp_quote quote;
	union service_word found; /* the service that sent the quoted packet */
	struct service address;   /* the entry of the address that the error was sent to */
	__u32 bytes;              /* of IP */
};

/* Returns GO_ON if it is an error about a packet from an address of ours, NOT_OURS or a
 * drop_reason. */
static __always_inline int icmp_find_error(struct xdp_md *ctx, __u32 shape, int version,
					   struct icmp_error *error)
{
	void *end = (void *)(long)ctx->data_end;
	void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const struct icmphdr *header = ip + (shape & MAX_TRANSPORT_OFFSET);
	struct service_words key = { 0 };
	struct nat_addr to;
	bool ours;
	int err;

	if (ip + ip_header_bytes(version) > end || (void *)(header + 1) > end ||
	    !icmp_is_error(header->type, version))
		return NOT_OURS;
	to = nat_dest_of(ip, version);
	key.low = to.low;
	key.high = to.high;
	error->address = find_service(&key).service;
	ours = error->address.flags & (SERVICE_ADDRESS | SERVICE_NAT_SOURCE);
	if (!ours && !nat_keeps())
		return NOT_OURS;
	err = icmp_find_quote(ctx, shape, version, &error->quote);
	/*
	 * An error goes to the sender of the quoted packet, so the quoted source must be the
	 * error's destination.
	 */
	if (!err && (error->quote.from.low != key.low || error->quote.from.high != key.high))
		err = DROP_MALFORMED_ICMP;
	if (err)
		return ours ? err : NOT_OURS;
	key.rest = wire16(error->quote.ports[0]) | (__u32)error->quote.proto << 16;
	error->found = find_service(&key);
	error->bytes = nat_ip_bytes(ip, version);
	return GO_ON;
}

#endif
