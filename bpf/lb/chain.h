/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The headers that may stand between an IPv6 header and its transport header (RFC 8200, 4). Few
 * packets have any, so a global function walks them, which the verifier checks once.
 */
#ifndef POISE_BPF_CHAIN_H
#define POISE_BPF_CHAIN_H

#include "lb/protocols.h"
#include "lb/steps.h"

#define MAX_EXTENSION_HEADERS 8
#define MAX_TRANSPORT_OFFSET  1023 /* a mask: headers beyond that are left to the kernel */
#define IP6_MF_OR_OFFSET      0xfff9

/* A place in a chain, as one word: a global function neither takes nor returns a structure. */
union chain {
	struct {
		__u16 offset; /* of the header at this place, from the IP header's start */
		__u8 proto;   /* which header that is */
		signed char
			step; /* GO_ON: one that has_ports; ICMP, FRAGMENT, NOT_OURS, drop_reason */
	};
	__u32 word;
};

static __always_inline bool is_extension(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_AH || proto == IPPROTO_DSTOPTS;
}

/*
 * Steps over one header. A packet with segments left in its routing header is on its way to another
 * host (RFC 8200, 4.4). One whose fragment header says that nothing was cut off is whole (RFC
 * 6946).
 */
static __always_inline int skip_extension(union chain *chain, const void *ip, const void *end)
{
	const struct ipv6_rt_hdr *extension = ip + (chain->offset & MAX_TRANSPORT_OFFSET);
	const struct frag_hdr *fragment = (const void *)extension;
	__u32 bytes;

	/* None is shorter than a fragment header. */
	if ((void *)(fragment + 1) > end)
		return DROP_MALFORMED_IP;
	if (chain->proto == IPPROTO_ROUTING && extension->segments_left)
		return NOT_OURS;
	if (chain->proto == IPPROTO_FRAGMENT && fragment->frag_off & bpf_htons(IP6_MF_OR_OFFSET))
		return FRAGMENT;
	if (chain->proto == IPPROTO_FRAGMENT)
		bytes = sizeof(*fragment);
	else if (chain->proto == IPPROTO_AH)
		bytes = (extension->hdrlen + 2) * 4; /* RFC 4302, 2.2 */
	else
		bytes = (extension->hdrlen + 1) * 8;
	if (chain->offset + bytes > MAX_TRANSPORT_OFFSET)
		return NOT_OURS;
	chain->proto = extension->nexthdr;
	chain->offset += bytes;
	return GO_ON;
}

/* Walks from a place in a chain to its end. Takes and returns a union chain as a word. */
__noinline __u32 walk_chain(struct xdp_md *ctx, __u32 from)
{
	const void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const void *end = (void *)(long)ctx->data_end;
	union chain chain = { .word = from };
	int i;

	for (i = 0; i < MAX_EXTENSION_HEADERS && is_extension(chain.proto); i++) {
		chain.step = skip_extension(&chain, ip, end);
		if (chain.step)
			return chain.word;
	}
	chain.step = NOT_OURS;
	if (has_ports(chain.proto))
		chain.step = GO_ON;
	else if (chain.proto == IPPROTO_ICMPV6)
		chain.step = ICMP;
	return chain.word;
}

#endif
