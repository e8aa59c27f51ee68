/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Conversions between words in wire order and the same bytes as plain integers, for hashes and
 * sums, to which the order of bytes does not matter as long as it is always the same. They make no
 * code; they tell sparse that the conversion is meant.
 */
#ifndef POISE_WIRE_H
#define POISE_WIRE_H

#include "poise/abi.h"

#ifdef __CHECKER__
#define WIRE_FORCE __attribute__((force))
#else
#define WIRE_FORCE
#endif

static inline __attribute__((always_inline)) __u32 wire16(__be16 value)
{
	return (WIRE_FORCE __u16)value;
}

static inline __attribute__((always_inline)) __u32 wire32(__be32 value)
{
	return (WIRE_FORCE __u32)value;
}

static inline __attribute__((always_inline)) __be16 to_wire16(__u16 value)
{
	return (WIRE_FORCE __be16)value;
}

static inline __attribute__((always_inline)) __be32 to_wire32(__u32 value)
{
	return (WIRE_FORCE __be32)value;
}

#endif
