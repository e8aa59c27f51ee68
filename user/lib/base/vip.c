// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "base/vip.h"

static const char *trouble_v4(const __u8 *b)
{
	static const __u8 broadcast[4] = { 255, 255, 255, 255 };

	if (b[0] == 0)
		return "an address of \"this network\"";
	if (b[0] == 127)
		return "a loopback address";
	if (b[0] >> 4 == 0xe)
		return "a multicast address";
	if (!memcmp(b, broadcast, sizeof(broadcast)))
		return "the broadcast address";
	return NULL;
}

static const char *trouble_v6(const __u8 *b)
{
	static const __u8 zero[16];

	if (!memcmp(b, zero, 15) && b[15] <= 1)
		return b[15] ? "the loopback address" : "the unspecified address";
	if (b[0] == 0xff)
		return "a multicast address";
	/* The same on every link: it says nothing about where a client's packet came from. */
	if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		return "a link-local address";
	return NULL;
}

const char *vip_trouble(const struct addr *addr)
{
	return addr_is_v4(addr) ? trouble_v4(addr_v4(addr)) : trouble_v6(addr->b);
}
