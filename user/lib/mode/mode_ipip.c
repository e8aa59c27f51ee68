// SPDX-License-Identifier: BSD-2-Clause
/* Mode ipip: an outer IP header (RFC 2003, RFC 2473, RFC 4213). */
#include <netinet/in.h>

#include "mode/mode_impl.h"

static void write_target(const struct target_delivery *delivery,
			 const struct target_endpoint *endpoint, const struct nexthop *hop,
			 struct target *target)
{
	put_outer(endpoint, hop, delivery->service_v4 ? IPPROTO_IPIP : IPPROTO_IPV6, target);
}

static const char *const keys[] = { "unavailable", NULL };

const struct mode_ops mode_ipip = {
	.word = "ipip",
	.label = "ipip",
	.keys = keys,
	.listen_kinds = ADDR_HOST,
	.backend_kinds = ADDR_HOST,
	.port = MODE_PORT_OF_CHECKS,
	.sctp = true,
	.write = write_target,
	.show = show_outer,
};
