// SPDX-License-Identifier: BSD-2-Clause
/* Mode gue: outer IP, UDP and GUE headers (draft-ietf-intarea-gue-09, variant 0). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "mode/mode_impl.h"

static void write_target(const struct target_delivery *delivery,
			 const struct target_endpoint *endpoint, const struct nexthop *hop,
			 struct target *target)
{
	put_outer(endpoint, hop, IPPROTO_UDP, target);
	target->port = htons(delivery->gue_port);
}

static void show_target(const struct target *target, json_t *hop)
{
	show_outer(target, hop);
	json_object_set_new(hop, "outer_port", json_integer(ntohs(target->port)));
}

static const char *const keys[] = { "gue_port", "unavailable", NULL };

const struct mode_ops mode_gue = {
	.word = "gue",
	.label = "gue",
	.keys = keys,
	.listen_kinds = ADDR_HOST,
	.backend_kinds = ADDR_HOST,
	.port = MODE_PORT_OF_CHECKS,
	.sctp = true,
	.write = write_target,
	.show = show_target,
};
