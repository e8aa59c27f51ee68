/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The UDP checksum of GUE over IPv6, which must not be zero (RFC 8200). A correct inner TCP or UDP
 * checksum already says what its segment adds up to, so only headers are read, as in the kernel's
 * local checksum offload. Where there is no such checksum (UDP without one, extension headers,
 * fragments), the whole packet is summed.
 */
#ifndef POISE_BPF_GUE_H
#define POISE_BPF_GUE_H

#include "lb/sum.h"

/* Variant 0 without optional fields; proto_ctype is the IP protocol of what follows. */
struct guehdr {
	__u8 version_control_hlen;
	__u8 proto_ctype;
	__be16 flags;
};

#define GUE6_INNER_OFFSET                                                                          \
	(sizeof(struct ethhdr) + sizeof(struct ipv6hdr) + sizeof(struct udphdr) +                  \
	 sizeof(struct guehdr))

/*
 * Returns the sum of the inner packet, computed from its headers alone. The caller has seen that
 * the inner transport checksum exists.
 */
static __always_inline __u64 sum_by_headers(const struct packet *pkt, const void *inner)
{
	__u32 transport_bytes = pkt->ip_bytes - pkt->transport_offset;
	__u64 pseudo = wire16(bpf_htons(transport_bytes)) + wire16(bpf_htons(pkt->proto));

	/*
	 * Segment and pseudo-header together add up to 0xffff, which counts as 0. So does a whole
	 * IPv4 header.
	 */
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
	if (pkt->proto != IPPROTO_UDP) /* SCTP has a CRC, ICMPv4 no pseudo-header */
		return false;
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

	if (inner + ip_header_bytes(pkt->version) > end)
		return DROP_NO_ROOM;
	if (!pkt->fragment && transport + sizeof(*udp) > end)
		return DROP_NO_ROOM;
	if (!pkt->fragment && inner_checksum_tells(pkt, transport))
		sum = sum_by_headers(pkt, inner);
	else
		sum = sum_frame(ctx, GUE6_INNER_OFFSET, pkt->ip_bytes);
	sum += wire16(bpf_htons(IPPROTO_UDP)) + wire16(udp->len);
	sum += sum_words((__u32 *)&ip->saddr, 8);
	sum += sum_words((__u32 *)udp, 3);
	check = ~csum_fold(sum);
	udp->check = (WIRE_FORCE __sum16)(check ?: (__u16)0xffff);
	return GO_ON;
}

#endif
