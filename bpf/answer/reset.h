/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A TCP segment to nobody -> the RST that a closed port answers with (RFC 9293, 3.10.7.1). */
#ifndef POISE_BPF_ANSWER_RESET_H
#define POISE_BPF_ANSWER_RESET_H

#define RESET_HEADER    0x50000000U /* five words long; the flags follow */
#define FRAME_MIN_BYTES 60
#define TCP_WORDS       5

/* A segment as the RST has to fit it. */
struct answer_segment {
	__be32 ports; /* as they are to be in the RST */
	__be32 seq, ack;
	__u32 flags_word;
};

/* Returns false for a segment that gets no RST: one that is an RST, or cut short. */
static __always_inline bool answer_segment_read(struct xdp_md *ctx, __u32 shape, int version,
						struct answer_segment *out)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const struct tcphdr *tcp = ip + (shape & MAX_TRANSPORT_OFFSET);
	__u32 bytes, flags;

	if (ip + ip_header_bytes(version) > end || (void *)(tcp + 1) > end)
		return false;
	bytes = nat_ip_bytes(ip, version) - (shape & MAX_TRANSPORT_OFFSET);
	flags = ((const __u8 *)tcp)[13];
	if (flags & TCP_RST || tcp->doff < TCP_WORDS || bytes > 0xffff || tcp->doff * 4U > bytes)
		return false;
	out->ports = to_wire32(wire16(tcp->dest) | wire16(tcp->source) << 16);
	out->seq = flags & TCP_ACK ? tcp->ack_seq : 0;
	/* SYN and FIN take a sequence number each. */
	bytes += !!(flags & TCP_SYN) + !!(flags & TCP_FIN) - tcp->doff * 4U;
	out->ack = flags & TCP_ACK ? 0 : bpf_htonl(bpf_ntohl(tcp->seq) + bytes);
	out->flags_word = RESET_HEADER | (flags & TCP_ACK ? TCP_RST : TCP_RST | TCP_ACK) << 16;
	return true;
}

static __always_inline void answer_reset_tcp(__be32 *word, const struct answer_segment *seg,
					     __u64 addresses_sum)
{
	__u64 sum = addresses_sum + wire16(bpf_htons(IPPROTO_TCP)) +
		    wire16(bpf_htons(sizeof(struct tcphdr)));

	word[0] = seg->ports;
	word[1] = seg->seq;
	word[2] = seg->ack;
	word[3] = bpf_htonl(seg->flags_word);
	word[4] = 0;
	sum += sum_words((__u32 *)word, TCP_WORDS);
	*(__u16 *)&word[4] = ~csum_fold(sum);
}

/* Cuts the frame to its new length, and keeps Ethernet's minimum where it had that. */
static __always_inline bool answer_cut_padded(struct xdp_md *ctx, __u32 bytes)
{
	if (bytes < FRAME_MIN_BYTES && ctx->data_end - ctx->data >= FRAME_MIN_BYTES)
		bytes = FRAME_MIN_BYTES;
	return answer_cut(ctx, bytes);
}

/* Makes the frame the RST. Returns false if that was not possible. */
static __always_inline bool answer_reset(struct xdp_md *ctx, __u32 shape, int version)
{
	const __u32 bytes =
		sizeof(struct ethhdr) + ip_header_bytes(version) + sizeof(struct tcphdr);
	struct answer_segment seg;
	struct ethhdr *eth;
	void *ip, *end;
	__u8 hop[12];

	if (!answer_segment_read(ctx, shape, version, &seg) || !answer_cut_padded(ctx, bytes))
		return false;
	eth = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	ip = eth + 1;
	if (ip + ip_header_bytes(version) + sizeof(struct tcphdr) > end)
		return false;
	if ((void *)eth + FRAME_MIN_BYTES <= end && bytes < FRAME_MIN_BYTES)
		__builtin_memset((void *)eth + bytes, 0, FRAME_MIN_BYTES - bytes);
	nat_hop_from(hop, eth);
	__builtin_memcpy(eth, hop, sizeof(hop));
	if (version == 4) {
		struct iphdr *ip4 = ip;

		answer_ipv4(ip4, ip4, ip4->tos & ~ECN_MASK, IPPROTO_TCP,
			    sizeof(*ip4) + sizeof(struct tcphdr));
		answer_reset_tcp((__be32 *)(ip4 + 1), &seg,
				 (__u64)wire32(ip4->saddr) + wire32(ip4->daddr));
	} else {
		struct ipv6hdr *ip6 = ip;

		answer_ipv6(ip6, ip6, (ip6->priority << 4 | ip6->flow_lbl[0] >> 4) & ~ECN_MASK,
			    IPPROTO_TCP, sizeof(struct tcphdr));
		answer_reset_tcp((__be32 *)(ip6 + 1), &seg, sum_words((__u32 *)&ip6->saddr, 8));
	}
	return true;
}

#endif
