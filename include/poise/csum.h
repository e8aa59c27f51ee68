/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Internet checksums (RFC 1071). Words are summed as they lie in memory: the sum is in wire order.
 */
#ifndef POISE_CSUM_H
#define POISE_CSUM_H

#include "poise/abi.h"
#include "poise/wire.h"

/* Folds a sum that was gathered in 64 bits into a one's complement sum of 16 bits. */
static inline __attribute__((always_inline)) __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Does the same for a sum of a few 16-bit words. */
static inline __attribute__((always_inline)) __u16 csum_fold32(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/*
 * Returns struct target's outer_sum, the sum of the outer IPv4 header's constant words: version and
 * header length 4 and 5, TOS 0, ID 0, DF, TTL 64. The packet path adds TOS and total length.
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
