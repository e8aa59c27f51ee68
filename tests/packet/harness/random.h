/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers that a seed repeats, for one program: xorshift64* (Vigna, "An experimental
 * exploration of Marsaglia's xorshift generators", 2016). */
#ifndef POISE_TESTS_RANDOM_H
#define POISE_TESTS_RANDOM_H

#include <linux/types.h>

static __u64 random_state; /* the seed; not 0 */

static inline __u64 random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static inline unsigned int below(unsigned int limit)
{
	return (random64() >> 32) * limit >> 32;
}

#endif
