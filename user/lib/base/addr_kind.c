// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "base/addr_kind.h"

static enum addr_kind v6_kind(const struct addr *addr, const char **words)
{
	static const struct addr loopback = { { [15] = 1 } };
	static const struct addr any;

	if (addr_equal(addr, &any)) {
		*words = "the unspecified address";
		return ADDR_ANY;
	}
	if (addr_equal(addr, &loopback)) {
		*words = "loopback, which no packet reaches from outside";
		return ADDR_LOOPBACK;
	}
	if (addr->b[0] == 0xff)
		*words = "multicast";
	else if (addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80)
		*words = "link-local, which means nothing without its link";
	else
		return ADDR_HOST;
	return ADDR_NO_HOST;
}

static enum addr_kind v4_kind(const __u8 *v4, const char **words)
{
	if (!memcmp(v4, "\0\0\0\0", 4)) {
		*words = "the unspecified address";
		return ADDR_ANY;
	}
	if (v4[0] == 127) {
		*words = "loopback, which no packet reaches from outside";
		return ADDR_LOOPBACK;
	}
	if (v4[0] == 0)
		*words = "an address of the unspecified network 0.0.0.0/8";
	else if ((v4[0] & 0xf0) == 0xe0)
		*words = "multicast";
	else if (!memcmp(v4, "\xff\xff\xff\xff", 4))
		*words = "broadcast";
	else
		return ADDR_HOST;
	return ADDR_NO_HOST;
}

enum addr_kind addr_kind(const struct addr *addr, const char **words)
{
	*words = "";
	return addr_is_v4(addr) ? v4_kind(addr_v4(addr), words) : v6_kind(addr, words);
}
