/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet path compares frames with this before it believes them. poised keeps it as the kernel
 * and the configuration have it. It belongs to the program and is not pinned: the next program gets
 * its own, filled before that runs.
 */
#ifndef POISE_GUARD_H
#define POISE_GUARD_H

#include "poise/hash.h"

#define GUARD_SUSPECT_BITS 13
#define GUARD_SUSPECTS     (1U << GUARD_SUSPECT_BITS)
#define GUARD_MAX_OWN      65536 /* addresses of this host */

struct guard {
	/*
	 * A hash of an address is the index; the value says how many of this host's addresses and
	 * of the services' have that hash, at most 255. A packet is looked at more closely if its
	 * source meets any.
	 */
	__u8 suspects[GUARD_SUSPECTS];
};

/* Returns the index of an address from what flow_hash_source4() or flow_hash_source6() gives. */
static inline __attribute__((always_inline)) __u32 guard_suspect(__u64 source_hash)
{
	return source_hash >> (64 - GUARD_SUSPECT_BITS);
}

#endif
