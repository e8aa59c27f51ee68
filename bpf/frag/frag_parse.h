/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frame -> struct frag: which datagram the fragment is of, and which part of it. */
#ifndef POISE_BPF_FRAG_PARSE_H
#define POISE_BPF_FRAG_PARSE_H

#define IP_OFFSET 0x1fff
#define IP_MF     0x2000

static __always_inline void frag_set_key(struct frag_key *key, struct nat_addr from,
					 struct nat_addr to, __u64 datagram)
{
	key->from[0] = from.low;
	key->from[1] = from.high;
	key->to[0] = to.low;
	key->to[1] = to.high;
	key->datagram = datagram;
}

/* Returns GO_ON, NOT_OURS or a drop_reason. */
__noinline int frag_parse4(struct xdp_md *ctx)
{
	const struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const void *end = (void *)(long)ctx->data_end;
	__u64 frame_bytes = end - (void *)ip;
	struct frag *frag = frag_get();
	__u32 header_bytes, bytes, part;

	if ((void *)(ip + 1) > end || !frag)
		return NOT_OURS;
	if (!has_ports(ip->protocol))
		return NOT_OURS;
	frag_set_key(&frag->entry.key, nat_v4(ip->saddr), nat_v4(ip->daddr),
		     wire16(ip->id) | (__u64)ip->protocol << 32);
	if (has_options(ip) && is_source_routed(ctx))
		return NOT_OURS;
	header_bytes = ip->ihl * 4;
	bytes = bpf_ntohs(ip->tot_len);
	if (bytes < header_bytes || bytes > frame_bytes)
		return DROP_MALFORMED_IP;
	frag->version = 4;
	frag->proto = ip->protocol;
	frag->tos = ip->tos;
	frag->ip_bytes = bytes;
	frag->transport_offset = header_bytes;
	part = bpf_ntohs(ip->frag_off);
	return frag_measure(part & IP_OFFSET, bytes - header_bytes, header_bytes, !(part & IP_MF),
			    &frag->range)
		       ? GO_ON
		       : DROP_FRAGMENT_BAD;
}

/*
 * Looks at what follows the fragment header. The first fragment holds all other headers (RFC 7112),
 * and their end is found. A later one's header names the protocol, or one of those headers.
 */
static __always_inline int frag_follow_chain(struct xdp_md *ctx, struct frag *frag,
					     union chain chain)
{
	if (frag->range.from) {
		if (!has_ports(chain.proto) && !is_extension(chain.proto))
			return NOT_OURS;
	} else {
		chain.word = walk_chain(ctx, chain.word);
		if (chain.step > 0 || chain.step == FRAGMENT)
			return DROP_FRAGMENT_BAD;
		if (chain.step != GO_ON)
			return NOT_OURS;
	}
	frag->proto = chain.proto;
	frag->transport_offset = chain.offset;
	return GO_ON;
}

/* Does the same for IPv6; the fragment header is `offset` bytes behind the IP header's start. */
__noinline int frag_parse6(struct xdp_md *ctx, __u32 offset)
{
	const struct ipv6hdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const struct frag_hdr *header = (void *)ip + (offset & MAX_TRANSPORT_OFFSET);
	const void *end = (void *)(long)ctx->data_end;
	__u64 frame_bytes = end - (void *)ip;
	struct frag *frag = frag_get();
	union chain chain = { .offset = offset + sizeof(*header) };
	__u32 bytes, part;

	if ((void *)(ip + 1) > end || (void *)(header + 1) > end || !frag)
		return NOT_OURS;
	frag_set_key(&frag->entry.key, nat_v6(&ip->saddr), nat_v6(&ip->daddr),
		     wire32(header->identification));
	if (is_mapped_words(frag->entry.key.to[0], frag->entry.key.to[1]))
		return DROP_MARTIAN;
	bytes = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (bytes < chain.offset || bytes > frame_bytes)
		return DROP_MALFORMED_IP;
	frag->version = 6;
	frag->tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	frag->ip_bytes = bytes;
	part = bpf_ntohs(header->frag_off);
	if (!frag_measure(part >> 3, bytes - chain.offset, offset - sizeof(*ip), !(part & 1),
			  &frag->range))
		return DROP_FRAGMENT_BAD;
	chain.proto = header->nexthdr;
	return frag_follow_chain(ctx, frag, chain);
}

#endif
