/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The UDP checksum of GUE over IPv6, which must not be zero (RFC 8200). An inner TCP or UDP
 * checksum that is right already tells what its segment adds up to, so only headers are read, as
 * the kernel's local checksum offload does; where it does not tell (UDP without one, extension
 * headers), the whole packet is summed.
 */
#ifndef POISE_BPF_GUE_H
#define POISE_BPF_GUE_H

/* Variant 0 without optional fields; proto_ctype is the IP protocol of what follows. */
struct guehdr {
	__u8 version_control_hlen;
	__u8 proto_ctype;
	__be16 flags;
};

#define SUM_CHUNK_BYTES 32
#define SUM_MAX_CHUNKS  320 /* 10 KiB: more than a jumbo frame */

#define GUE6_INNER_OFFSET                                                                          \
	(sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr) +                  \
	 sizeof(struct guehdr))

static __always_inline __u64 sum_words(const __u32 *words, int count)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

/*
 * Sum of the frame's `bytes` bytes behind its outer headers, 0 where they are not all there. A
 * global function: verified by itself, once.
 */
__noinline __u32 sum_inner(struct xdp_md *ctx, __u32 bytes)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *at = (void *)(long)ctx->data + GUE6_INNER_OFFSET;
	__u64 sum = 0;
	int i;

	for (i = 0; i < SUM_MAX_CHUNKS && bytes >= SUM_CHUNK_BYTES; i++) {
		/* Else clang does arithmetic on `end`, which the verifier refuses. */
		barrier_var(at);
		if (at + SUM_CHUNK_BYTES > end)
			return 0;
		sum += sum_words(at, SUM_CHUNK_BYTES / 4);
		at += SUM_CHUNK_BYTES;
		bytes -= SUM_CHUNK_BYTES;
	}
	for (i = 0; i < SUM_CHUNK_BYTES / 2 && bytes >= 2; i++) {
		barrier_var(at);
		if (at + 2 > end)
			return 0;
		sum += *(__u16 *)at;
		at += 2;
		bytes -= 2;
	}
	barrier_var(at);
	if (bytes == 1 && at + 1 <= end)
		sum += wire16(bpf_htons(*(__u8 *)at << 8));
	return csum_fold(sum);
}

/* What the inner IPv4 or IPv6 packet adds up to, from its headers; needs a checksum to rely on. */
static __always_inline __u64 sum_by_headers(const struct packet *pkt, const void *inner)
{
	__u32 transport_bytes = pkt->ip_bytes - pkt->transport_offset;
	__u64 pseudo = wire16(bpf_htons(transport_bytes)) + wire16(bpf_htons(pkt->proto));

	/* Segment and pseudo-header add up to 0xffff, which is 0; so does a whole IPv4 header. */
	if (pkt->version == 4) {
		const struct iphdr *ip = inner;

		return (__u16)~csum_fold(pseudo + wire32(ip->saddr) + wire32(ip->daddr));
	}
	/* Both addresses are in the header and in the pseudo-header: they cancel out. */
	return sum_words(inner, 2) + (__u16)~csum_fold(pseudo);
}

static __always_inline bool inner_checksum_tells(const struct packet *pkt, const void *transport)
{
	const struct udphdr *udp = transport;

	if (pkt->transport_offset != ip_header_bytes(pkt->version))
		return pkt->version == 4 && pkt->proto == IPPROTO_TCP;
	if (pkt->proto == IPPROTO_TCP)
		return true;
	return udp->check && bpf_ntohs(udp->len) == pkt->ip_bytes - pkt->transport_offset;
}

static __always_inline int gue_checksum(struct xdp_md *ctx, const struct packet *pkt)
{
	void *end = (void *)(long)ctx->data_end;
	struct ipv6hdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	struct udphdr *udp = (void *)(ip + 1);
	void *inner = (void *)(udp + 1) + sizeof(struct guehdr);
	void *transport = inner + (pkt->transport_offset & MAX_TRANSPORT_OFFSET);
	__u64 sum;
	__u16 check;

	if (inner + ip_header_bytes(pkt->version) > end || transport + sizeof(*udp) > end)
		return DROP_NO_ROOM;
	if (inner_checksum_tells(pkt, transport))
		sum = sum_by_headers(pkt, inner);
	else
		sum = sum_inner(ctx, pkt->ip_bytes);
	sum += wire16(bpf_htons(IPPROTO_UDP)) + wire16(udp->len);
	sum += sum_words((__u32 *)&ip->saddr, 8);
	sum += sum_words((__u32 *)udp, 3);
	check = ~csum_fold(sum);
	udp->check = (WIRE_FORCE __sum16)(check ?: (__u16)0xffff);
	return GO_ON;
}

#endif
