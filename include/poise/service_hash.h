/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two buckets of the table that a service may stand in, from one multilinear hash. The hash has
 * no key: only the operator puts services in, so no stranger can choose keys that collide.
 */
#ifndef POISE_SERVICE_HASH_H
#define POISE_SERVICE_HASH_H

#include "poise/abi.h"

#define SERVICE_BUCKET_BITS 13

_Static_assert(1 << SERVICE_BUCKET_BITS == SERVICE_BUCKETS,
	       "one bucket for each value of the bits");

/* A struct service_key in words: the address's halves; port, protocol and kind. */
struct service_words {
	__u64 low, high;
	__u32 rest;
};

static inline __attribute__((always_inline)) __u64 service_hash(const struct service_words *key)
{
	/* Digits of the golden ratio, of pi and of e: odd and with no pattern. */
	return key->low * 0x9e3779b97f4a7c15ULL + key->high * 0x243f6a8885a308d3ULL +
	       key->rest * 0xb7e151628aed2a6bULL;
}

/* Returns one of the two buckets; choice is 0 or 1. */
static inline __attribute__((always_inline)) __u32 service_bucket_index(__u64 hash, int choice)
{
	return hash >> (64 - (choice + 1) * SERVICE_BUCKET_BITS) & (SERVICE_BUCKETS - 1);
}

#endif
