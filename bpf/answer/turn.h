/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All answers share this: the frame cut to a length, and the headers in front of an answer. */
#ifndef POISE_BPF_ANSWER_TURN_H
#define POISE_BPF_ANSWER_TURN_H

#include "poise/ecn.h"

#define ANSWER_TTL_START 64

/* Cuts the frame to a length. Returns false if it is shorter. */
static __always_inline bool answer_cut(struct xdp_md *ctx, __u32 bytes)
{
	__u32 frame_bytes = ctx->data_end - ctx->data;

	if (frame_bytes <= bytes)
		return frame_bytes == bytes;
	return !bpf_xdp_adjust_tail(ctx, (int)(bytes - frame_bytes));
}

/* Writes the header of an answer to the packet that `about` is the header of, maybe in its place.
 */
static __always_inline void answer_ipv4(struct iphdr *ip, const struct iphdr *about, __u8 tos,
					__u8 protocol, __u32 total_bytes)
{
	__be32 from = about->daddr, to = about->saddr, *word = (__be32 *)ip;

	word[0] = bpf_htonl(0x45000000 | tos << 16 | total_bytes);
	word[1] = bpf_htonl(IP_DF);
	word[2] = bpf_htonl(ANSWER_TTL_START << 24 | protocol << 16);
	word[3] = from;
	word[4] = to;
	*(__u16 *)&ip->check = ~csum_fold(sum_words((__u32 *)ip, 5));
}

static __always_inline void answer_ipv6(struct ipv6hdr *ip, const struct ipv6hdr *about, __u8 tos,
					__u8 protocol, __u32 payload_bytes)
{
	struct in6_addr from = about->daddr, to = about->saddr;
	__be32 *word = (__be32 *)ip;

	word[0] = bpf_htonl(6U << 28 | (__u32)tos << 20);
	word[1] = bpf_htonl(payload_bytes << 16 | protocol << 8 | ANSWER_TTL_START);
	ip->saddr = from;
	ip->daddr = to;
}

#endif
