// SPDX-License-Identifier: BSD-2-Clause
/* Mode ipip: an outer IP header (RFC 2003, RFC 2473, RFC 4213). */
#include <netinet/in.h>

#include "mode/mode_impl.h"

#define SPREAD_MAX 32 /* as much of the hash as there is */

static __u16 spread_bits(const struct net *net)
{
	__u32 host = 128 - net->bits;

	return host < SPREAD_MAX ? host : SPREAD_MAX;
}

static void write_target(const struct target_delivery *delivery,
			 const struct target_endpoint *endpoint, const struct nexthop *hop,
			 struct target *target)
{
	const struct net *net =
		addr_is_v4(&endpoint->addr) ? &delivery->outer_v4 : &delivery->outer_v6;
	struct nexthop from = *hop;

	if (net->bits)
		from.source = net->addr;
	put_outer(endpoint, &from, delivery->service_v4 ? IPPROTO_IPIP : IPPROTO_IPV6, target);
	target->spread_bits = net->bits ? spread_bits(net) : 0;
}

/* The network that sources are taken from, in place of a single one. */
static void show_target(const struct target *target, json_t *hop)
{
	struct net net = { .bits = 128 - target->spread_bits };
	char text[NET_TEXT_SIZE];

	show_outer(target, hop);
	if (!target->spread_bits)
		return;
	net.addr = target->outer_version == 4 ? addr_from_v4(target->src)
					      : *(const struct addr *)target->src;
	json_object_set_new(hop, "outer_source", json_string(net_format(&net, text)));
}

static const char *const keys[] = { "outer_sources", "unavailable", NULL };

const struct mode_ops mode_ipip = {
	.word = "ipip",
	.label = "ipip",
	.keys = keys,
	.listen_kinds = ADDR_HOST,
	.backend_kinds = ADDR_HOST,
	.port = MODE_PORT_OF_CHECKS,
	.sctp = true,
	.write = write_target,
	.show = show_target,
};
