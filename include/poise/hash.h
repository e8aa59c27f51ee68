/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hash of flows: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * 2012) over the 5-tuple, the same in the packet path and in user space. A client that does not
 * know the seed cannot aim its flows at one row.
 *
 * The message is source address, destination address (4 or 16 bytes each), source port, destination
 * port, protocol, all in wire order: 13 or 37 bytes.
 */
#ifndef POISE_HASH_H
#define POISE_HASH_H

#include "poise/abi.h"

struct siphash {
	__u64 v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) __u64 rotate_left64(__u64 x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline __attribute__((always_inline)) void siphash_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v1 = rotate_left64(s->v1, 13) ^ s->v0;
	s->v0 = rotate_left64(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate_left64(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate_left64(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate_left64(s->v1, 17) ^ s->v2;
	s->v2 = rotate_left64(s->v2, 32);
}

static inline __attribute__((always_inline)) void siphash_begin(struct siphash *s, __u64 key0,
								__u64 key1)
{
	s->v0 = key0 ^ 0x736f6d6570736575ULL;
	s->v1 = key1 ^ 0x646f72616e646f6dULL;
	s->v2 = key0 ^ 0x6c7967656e657261ULL;
	s->v3 = key1 ^ 0x7465646279746573ULL;
}

static inline __attribute__((always_inline)) void siphash_word(struct siphash *s, __u64 word)
{
	s->v3 ^= word;
	siphash_round(s);
	s->v0 ^= word;
}

/* last: the bytes after the last whole word, the message's length in the top byte. */
static inline __attribute__((always_inline)) __u64 siphash_end(struct siphash *s, __u64 last)
{
	siphash_word(s, last);
	s->v2 ^= 0xff;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Ports and protocol are the last five bytes of either message. Little endian, as SipHash reads. */
static inline __attribute__((always_inline)) __u64
flow_hash_last(__be16 source_port, __be16 dest_port, __u8 proto, __u64 length)
{
	return source_port | (__u64)dest_port << 16 | (__u64)proto << 32 | length << 56;
}

static inline __attribute__((always_inline)) __u64 flow_hash4(__u64 key0, __u64 key1, __be32 source,
							      __be32 dest, __be16 source_port,
							      __be16 dest_port, __u8 proto)
{
	struct siphash s;

	siphash_begin(&s, key0, key1);
	siphash_word(&s, source | (__u64)dest << 32);
	return siphash_end(&s, flow_hash_last(source_port, dest_port, proto, 13));
}

/* Addresses as four 32-bit words in wire order. */
static inline __attribute__((always_inline)) __u64
flow_hash6(__u64 key0, __u64 key1, const __be32 source[4], const __be32 dest[4], __be16 source_port,
	   __be16 dest_port, __u8 proto)
{
	struct siphash s;

	siphash_begin(&s, key0, key1);
	siphash_word(&s, source[0] | (__u64)source[1] << 32);
	siphash_word(&s, source[2] | (__u64)source[3] << 32);
	siphash_word(&s, dest[0] | (__u64)dest[1] << 32);
	siphash_word(&s, dest[2] | (__u64)dest[3] << 32);
	return siphash_end(&s, flow_hash_last(source_port, dest_port, proto, 37));
}

/* The row of a flow: the hash's low half scaled to the table (Lemire, "Fast random integer
 * generation in an interval", 2019), a multiplication where a remainder costs a division. */
static inline __attribute__((always_inline)) __u32 flow_row(__u64 hash, __u32 row_count)
{
	return (__u64)(__u32)hash * row_count >> 32;
}

#endif
