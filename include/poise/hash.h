/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hash of flows, the same in the packet path and in user space. It is multilinear hashing
 * modulo 2^64 over the 5-tuple's 32-bit words (Lemire and Kaser, "Strongly universal string hashing
 * is fast", 2014), followed by the mixer of MurmurHash3, a bijection, which makes every bit good
 * for indexing. A client that does not know the key cannot choose flows that collide: for any two
 * flows the chance is at most 2^-33 over the random key. It is not a pseudo-random function:
 * whoever saw many whole hash values could solve for the key. Only parts of a hash leave the
 * machine, and only towards backends: 14 bits in GUE's source port and 20 bits in the outer flow
 * label. SipHash-1-3 would cost 9 ns more per packet, a fifth of the whole.
 */
#ifndef POISE_HASH_H
#define POISE_HASH_H

#include "poise/abi.h"
#include "poise/wire.h"

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

/* last holds the bytes after the last whole word, and the message's length in the top byte. */
static inline __attribute__((always_inline)) __u64 siphash_end(struct siphash *s, __u64 last)
{
	siphash_word(s, last);
	s->v2 ^= 0xff;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#define FLOW_HASH_WORDS 10 /* addresses of four words each, ports, protocol */

struct flow_hash_key {
	__u64 offset;
	__u64 word[FLOW_HASH_WORDS];
};

/* Expands a seed of 128 bits into the key: SipHash-1-3 of a counter under the seed. */
static inline void flow_hash_key_expand(const __u64 seed[2], struct flow_hash_key *key)
{
	struct siphash s;
	int i;

	for (i = 0; i <= FLOW_HASH_WORDS; i++) {
		siphash_begin(&s, seed[0], seed[1]);
		siphash_word(&s, i);
		*(i ? &key->word[i - 1] : &key->offset) = siphash_end(&s, 8ULL << 56);
	}
}

/* MurmurHash3's fmix64 (Appleby, public domain) */
static inline __attribute__((always_inline)) __u64 flow_hash_mix(__u64 hash)
{
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 33;
}

static inline __attribute__((always_inline)) __u64
flow_hash_ports(const volatile struct flow_hash_key *key, __be16 source_port, __be16 dest_port,
		__u8 proto)
{
	return key->offset + (wire16(source_port) | wire16(dest_port) << 16) * key->word[8] +
	       proto * key->word[9];
}

/*
 * Returns what the source address adds to a flow's hash. Its high bits are a hash of the address
 * alone (Dietzfelbinger et al., "A reliable randomized algorithm for the closest-pair problem",
 * 1997).
 */
static inline __attribute__((always_inline)) __u64
flow_hash_source4(const volatile struct flow_hash_key *key, __be32 source)
{
	return wire32(source) * key->word[0];
}

static inline __attribute__((always_inline)) __u64
flow_hash_source6(const volatile struct flow_hash_key *key, const __be32 source[4])
{
	__u64 hash = 0;
	int i;

	for (i = 0; i < 4; i++)
		hash += wire32(source[i]) * key->word[i];
	return hash;
}

/* Returns the hash of an IPv4 flow whose source address adds source_hash. */
static inline __attribute__((always_inline)) __u64
flow_hash4_from(const volatile struct flow_hash_key *key, __u64 source_hash, __be32 dest,
		__be16 source_port, __be16 dest_port, __u8 proto)
{
	return flow_hash_mix(flow_hash_ports(key, source_port, dest_port, proto) + source_hash +
			     wire32(dest) * key->word[4]);
}

static inline __attribute__((always_inline)) __u64
flow_hash6_from(const volatile struct flow_hash_key *key, __u64 source_hash, const __be32 dest[4],
		__be16 source_port, __be16 dest_port, __u8 proto)
{
	__u64 hash = flow_hash_ports(key, source_port, dest_port, proto) + source_hash;
	int i;

	for (i = 0; i < 4; i++)
		hash += wire32(dest[i]) * key->word[4 + i];
	return flow_hash_mix(hash);
}

/* Returns the hash of an IPv4 flow; addresses and ports are in wire order. */
static inline __attribute__((always_inline)) __u64
flow_hash4(const volatile struct flow_hash_key *key, __be32 source, __be32 dest, __be16 source_port,
	   __be16 dest_port, __u8 proto)
{
	return flow_hash4_from(key, flow_hash_source4(key, source), dest, source_port, dest_port,
			       proto);
}

/* Returns the hash of an IPv6 flow; addresses are four 32-bit words each. */
static inline __attribute__((always_inline)) __u64
flow_hash6(const volatile struct flow_hash_key *key, const __be32 source[4], const __be32 dest[4],
	   __be16 source_port, __be16 dest_port, __u8 proto)
{
	return flow_hash6_from(key, flow_hash_source6(key, source), dest, source_port, dest_port,
			       proto);
}

/* Returns the half of a flow's hash that flow entries keep, from which the row follows. */
static inline __attribute__((always_inline)) __u32 flow_tag(__u64 hash)
{
	return hash >> 32;
}

/*
 * Returns the row of a flow: its tag scaled to the number of rows by a multiplication, which is
 * cheaper than a division (Lemire, "Fast random integer generation in an interval", 2019).
 */
static inline __attribute__((always_inline)) __u32 flow_row(__u32 tag, __u32 row_count)
{
	return (__u64)tag * row_count >> 32;
}

#endif
