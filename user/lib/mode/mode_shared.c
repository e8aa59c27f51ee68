// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "mode/mode_impl.h"
#include "poise/csum.h"

__u16 timeout_ticks(const struct flow_clock *clock, __u32 time_ms, __u32 max_ms)
{
	return flow_clock_ticks(clock, max_ms && max_ms < time_ms ? max_ms : time_ms);
}

void put_address(struct target *target, const struct addr *backend)
{
	bool v4 = addr_is_v4(backend);

	target->outer_version = v4 ? 4 : 6;
	memcpy(target->dst, v4 ? addr_v4(backend) : backend->b, v4 ? 4 : sizeof(target->dst));
}

void put_endpoint(const struct target_delivery *delivery, const struct target_endpoint *endpoint,
		  struct target *target)
{
	put_address(target, &endpoint->addr);
	target->port = htons(endpoint->port ? endpoint->port : delivery->port);
}

void put_outer(const struct target_endpoint *endpoint, const struct nexthop *hop, __u8 proto,
	       struct target *target)
{
	__be32 src, dst;

	put_address(target, &endpoint->addr);
	if (!addr_is_v4(&endpoint->addr)) {
		memcpy(target->src, hop->source.b, sizeof(target->src));
		return;
	}
	memcpy(&src, addr_v4(&hop->source), sizeof(src));
	memcpy(&dst, addr_v4(&endpoint->addr), sizeof(dst));
	memcpy(target->src, &src, sizeof(src));
	target->outer_sum = outer_ipv4_sum(src, dst, proto);
}

static json_t *address_tree(const struct target *target, const __u8 bytes[16])
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(target->outer_version == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)))
		return json_null();
	return json_string(text);
}

void show_endpoint(const struct target *target, json_t *hop)
{
	json_object_set_new(hop, "destination", address_tree(target, target->dst));
	json_object_set_new(hop, "destination_port", json_integer(ntohs(target->port)));
}

void show_outer(const struct target *target, json_t *hop)
{
	json_object_set_new(hop, "outer_source", address_tree(target, target->src));
	json_object_set_new(hop, "outer_destination", address_tree(target, target->dst));
}
