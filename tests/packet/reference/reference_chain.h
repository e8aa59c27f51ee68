/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 extension headers as the RFCs have them, for both references. */
#ifndef POISE_TESTS_REFERENCE_CHAIN_H
#define POISE_TESTS_REFERENCE_CHAIN_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* Returns the bytes of an extension header, or 0 if the protocol is none that is walked. */
static inline size_t reference_extension(__u8 proto, const __u8 *header)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return 8 + header[1] * 8;
	case IPPROTO_AH:
		return (header[1] + 2) * 4;
	case IPPROTO_FRAGMENT:
		return 8;
	}
	return 0;
}

/* True if the packet is on its way elsewhere, or is a part of one only. */
static inline bool reference_turns_away(__u8 proto, const __u8 *header)
{
	if (proto == IPPROTO_ROUTING)
		return header[3];
	return proto == IPPROTO_FRAGMENT && (header[2] || header[3] & ~6);
}

#endif
