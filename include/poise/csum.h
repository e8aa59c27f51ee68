/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Internet checksums (RFC 1071). Words are summed as they lie in memory: the sum is in wire order.
 */
#ifndef POISE_CSUM_H
#define POISE_CSUM_H

#include "poise/abi.h"
#include "poise/wire.h"

/* One's complement sum of 16 bits of a sum that was gathered in 64. */
static inline __attribute__((always_inline)) __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The same for a sum of a few 16-bit words. */
static inline __attribute__((always_inline)) __u16 csum_fold32(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/*
 * struct target's outer_sum: what the outer IPv4 header's constant words add up to. Version and
 * header length 4 and 5, TOS 0, ID 0, DF, TTL 64; TOS and total length are added per packet.
 */
static inline __attribute__((always_inline)) __u16 outer_ipv4_sum(__be32 source, __be32 dest,
								  __u8 proto)
{
	const __u8 constant[] = { 0x45, 0, 0x40, 0, 64, proto };
	__u64 sum = (__u64)wire32(source) + wire32(dest);
	int i;

	for (i = 0; i < (int)sizeof(constant); i += 2)
		sum += constant[i] | constant[i + 1] << 8;
	return csum_fold(sum);
}

#endif
