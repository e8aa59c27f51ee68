/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet -> the ICMP error about it, to its sender (RFC 792, RFC 1812, RFC 4443). */
#ifndef POISE_BPF_ANSWER_ERROR_H
#define POISE_BPF_ANSWER_ERROR_H

#include "lb/sum.h"

#define ICMP_TYPE_CODE(type, code) ((type) << 24 | (code) << 16)

/* The lengths that no error exceeds (RFC 1812, 4.3.2.3; RFC 4443, 2.4). */
#define ERROR_MAX_IPV4 576
#define ERROR_MAX_IPV6 1280

#define ERROR_TOS 0xc0 /* internetwork control: RFC 1812, 4.3.2.5 */

/* The first word of the ICMP header, without the checksum. 0: the kind is no error. */
static __always_inline __u32 answer_type_code(__u32 kind, int version)
{
	switch (kind) {
	case ANSWER_PORT_UNREACHABLE:
		return version == 4 ? ICMP_TYPE_CODE(3, 3) : ICMP_TYPE_CODE(1, 4);
	case ANSWER_TOO_BIG:
		return version == 4 ? ICMP_TYPE_CODE(3, 4) : ICMP_TYPE_CODE(2, 0);
	case ANSWER_TIME_EXCEEDED:
		return version == 4 ? ICMP_TYPE_CODE(11, 0) : ICMP_TYPE_CODE(3, 0);
	}
	return 0;
}

static __always_inline void answer_error_headers(void *ip, const void *about, __u32 icmp_bytes,
						 int version)
{
	if (version == 4)
		answer_ipv4(ip, about, ERROR_TOS, IPPROTO_ICMP, sizeof(struct iphdr) + icmp_bytes);
	else
		answer_ipv6(ip, about, ERROR_TOS, IPPROTO_ICMPV6, icmp_bytes);
}

/* ICMPv6's checksum covers the addresses, too (RFC 4443, 2.3). */
static __always_inline void answer_icmp_checksum(struct xdp_md *ctx, const void *ip, __be32 *icmp,
						 __u32 bytes, int version)
{
	__u64 sum = sum_frame(ctx, sizeof(struct ethhdr) + ip_header_bytes(version), bytes);

	if (version == 6)
		sum += sum_words((__u32 *)&((const struct ipv6hdr *)ip)->saddr, 8) +
		       wire16(bpf_htons(IPPROTO_ICMPV6)) + wire16(bpf_htons(bytes));
	((__u16 *)icmp)[1] = ~csum_fold(sum);
}

/* Makes the frame the error. Returns false if that was not possible. */
static __always_inline bool answer_error(struct xdp_md *ctx, __u32 kind, __u32 argument,
					 int version)
{
	const __u32 header_bytes = ip_header_bytes(version) + sizeof(struct icmphdr);
	const __u32 most = (version == 4 ? ERROR_MAX_IPV4 : ERROR_MAX_IPV6) - header_bytes;
	struct ethhdr *eth = (void *)(long)ctx->data;
	void *ip = eth + 1;
	__u32 quoted;
	__be32 *icmp;
	__u8 hop[12];

	if (ip + ip_header_bytes(version) > (void *)(long)ctx->data_end)
		return false;
	quoted = nat_ip_bytes(ip, version);
	if (quoted > most)
		quoted = most;
	nat_hop_from(hop, eth);
	if (!answer_cut(ctx, sizeof(*eth) + quoted) || bpf_xdp_adjust_head(ctx, -(int)header_bytes))
		return false;
	eth = (void *)(long)ctx->data;
	ip = eth + 1;
	icmp = ip + ip_header_bytes(version);
	if (ip + header_bytes + ip_header_bytes(version) > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(eth, hop, sizeof(hop));
	eth->h_proto = version == 4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	answer_error_headers(ip, ip + header_bytes, sizeof(struct icmphdr) + quoted, version);
	icmp[0] = bpf_htonl(answer_type_code(kind, version));
	icmp[1] = bpf_htonl(argument);
	answer_icmp_checksum(ctx, ip, icmp, sizeof(struct icmphdr) + quoted, version);
	return true;
}

#endif
