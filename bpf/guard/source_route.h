/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv4 source routes (RFC 791): as long as one is not used up, the packet is on its way to another
 * host, as with segments left in an IPv6 routing header. The kernel decides whether it helps.
 */
#ifndef POISE_BPF_SOURCE_ROUTE_H
#define POISE_BPF_SOURCE_ROUTE_H

#define IPV4_OPTION_BYTES 40 /* at most */
#define IPOPT_END         0
#define IPOPT_NOOP        1
#define IPOPT_LSRR        131
#define IPOPT_SSRR        137

/* The byte is read anew, so that the verifier does not take the comparison for one of the length.
 */
static __always_inline bool has_options(const void *ip)
{
	return *(const volatile __u8 *)ip != 0x45;
}

/*
 * True if the IPv4 packet's options hold a source route that is not used up. Options that
 * contradict themselves are for the receiver to judge.
 */
__noinline int is_source_routed(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const volatile __u8 *first = (const void *)ip;
	const __u8 *options = (const void *)(ip + 1), *option;
	__u32 bytes, at, skip;
	int i;

	if ((void *)(ip + 1) > end)
		return false;
	bytes = (*first & 0xf) * 4 - sizeof(*ip);
	/* This is 0. The verifier must not know: it would walk the loop for each value of `at`. */
	at = *first ^ *first;
	for (i = 0; i < IPV4_OPTION_BYTES; i++) {
		at &= 63;
		option = options + at;
		if (at >= bytes || (void *)(option + 3) > end || option[0] == IPOPT_END)
			return false;
		/* The pointer counts from 1 and passes the option's end with the last address. */
		if (option[0] == IPOPT_LSRR || option[0] == IPOPT_SSRR)
			return option[2] <= option[1];
		skip = option[0] == IPOPT_NOOP ? 1 : option[1];
		if (!skip || (skip == 1 && option[0] != IPOPT_NOOP) || skip > IPV4_OPTION_BYTES)
			return false;
		at += skip;
	}
	return false;
}

#endif
