/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Explicit congestion notification where a tunnel ends. */
#ifndef POISE_ECN_H
#define POISE_ECN_H

#include "poise/csum.h"

/* RFC 3168: the low two bits of IPv4's TOS and of IPv6's traffic class */
enum ecn {
	ECN_NOT_ECT,
	ECN_ECT1,
	ECN_ECT0,
	ECN_CE,
};

#define ECN_MASK 3

/*
 * Returns the inner header's ECN field once the outer header is off (RFC 6040, figure 4), or -1 if
 * the packet must be dropped, because its sender could not be told of the congestion otherwise.
 */
static inline int ecn_decapsulate(__u8 inner, __u8 outer)
{
	if (outer == ECN_CE)
		return inner == ECN_NOT_ECT ? -1 : ECN_CE;
	if (outer == ECN_ECT1 && inner == ECN_ECT0)
		return ECN_ECT1;
	return inner;
}

/*
 * Returns the Internet checksum after one 16-bit word changed from old to new (RFC 1624, equation
 * 3). All three have the same byte order, whichever it is. A wrong checksum stays wrong.
 */
static inline __u16 ecn_checksum(__u16 check, __u16 old, __u16 new_)
{
	return ~csum_fold32((__u16)~check + (__u32)(__u16)~old + new_);
}

#endif
