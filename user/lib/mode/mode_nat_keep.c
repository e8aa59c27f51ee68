// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mode nat with `source: keep`: only the destination is another one, and this host is the backends'
 * gateway to their clients.
 */
#include "mode/mode_impl.h"

static void write_target(const struct target_delivery *delivery,
			 const struct target_endpoint *endpoint, const struct nexthop *hop,
			 struct target *target)
{
	(void)hop;
	put_endpoint(delivery, endpoint, target);
}

static const char *const keys[] = { "source", "unavailable", NULL };

const struct mode_ops mode_nat_keep = {
	.word = "nat",
	.source = "keep",
	.label = "nat keep",
	.keys = keys,
	.listen_kinds = ADDR_HOST,
	.backend_kinds = ADDR_HOST,
	.port = MODE_PORT_OF_SERVICE,
	.one_family = true,
	.service_flags = SERVICE_NAT_KEEP,
	.write = write_target,
	.show = show_endpoint,
};
