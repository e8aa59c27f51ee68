/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 options, as RFC 791 has them. */
#ifndef POISE_TESTS_REFERENCE_OPTIONS_H
#define POISE_TESTS_REFERENCE_OPTIONS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Returns whether an address of a source route is still to be visited. */
static inline bool is_source_routed(const __u8 *ip, size_t frame)
{
	size_t header = (ip[0] & 15) * 4;

	for (size_t at = 20; at + 3 <= 60 && at < header && at + 3 <= frame;) {
		if (ip[at] == 0 || (ip[at] > 1 && ip[at] != 131 && ip[at] != 137 && ip[at + 1] < 2))
			return false;
		if (ip[at] == 131 || ip[at] == 137)
			return ip[at + 2] <= ip[at + 1];
		at += ip[at] == 1 ? 1 : ip[at + 1];
	}
	return false;
}

#endif
