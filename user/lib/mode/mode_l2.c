// SPDX-License-Identifier: BSD-2-Clause
/* Mode l2: new MAC addresses and nothing else, so the backend carries the service's address. */
#include <stdio.h>

#include "mode/mode_impl.h"

static const char *hop_trouble(const struct nexthop *hop, char *buf, unsigned int size)
{
	char gateway[ADDR_TEXT_SIZE];

	if (hop->direct)
		return NULL;
	snprintf(buf, size, "not on link but behind %s: mode l2 cannot reach it",
		 addr_format(&hop->gateway, gateway));
	return buf;
}

static const char *const keys[] = { "unavailable", NULL };

const struct mode_ops mode_l2 = {
	.word = "l2",
	.label = "l2",
	.keys = keys,
	.listen_kinds = ADDR_HOST,
	.backend_kinds = ADDR_HOST,
	.port = MODE_PORT_OF_CHECKS,
	.sctp = true,
	.one_family = true,
	.hop_trouble = hop_trouble,
};
