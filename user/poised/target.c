// SPDX-License-Identifier: BSD-2-Clause
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "poise/csum.h"
#include "target.h"
#include "poise/flow.h"

#define MTU_MAX       65535
#define ETH_ADDR_SIZE 6

/* At most, and never longer than a flow may be silent. */
#define NEW_TCP_MS 60000
#define NEW_UDP_MS 30000
#define CLOSING_MS 120000

const char *target_trouble(const struct target_way *way, const struct nexthop *hop, char *buf,
			   unsigned int size)
{
	char gateway[ADDR_TEXT_SIZE];

	if (hop->state != NEXTHOP_READY)
		return nexthop_format(hop, buf, size);
	if (way->mode == MODE_L2 && !hop->direct) {
		snprintf(buf, size, "not on link but behind %s: mode l2 cannot reach it",
			 addr_format(&hop->gateway, gateway));
		return buf;
	}
	return NULL;
}

/* The protocol of an outer IPv4 header. */
static __u8 outer_protocol(const struct target_way *way)
{
	if (way->mode == MODE_GUE)
		return IPPROTO_UDP;
	return way->service_v4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

static __u16 ticks(const struct flow_clock *clock, __u32 time_ms, __u32 idle_ms)
{
	return flow_clock_ticks(clock, time_ms < idle_ms ? time_ms : idle_ms);
}

struct target_life target_life(const struct flow_clock *clock, __u8 proto, __u32 idle_ms,
			       __u16 service, bool serves)
{
	return (struct target_life){
		.owner = service | (serves ? TARGET_SERVES : 0),
		.new_ticks = ticks(clock, proto == IPPROTO_TCP ? NEW_TCP_MS : NEW_UDP_MS, idle_ms),
		.idle_ticks = ticks(clock, idle_ms, idle_ms),
		.closing_ticks = ticks(clock, CLOSING_MS, idle_ms),
	};
}

void target_life_set(struct target *target, const struct target_life *life)
{
	target->owner = life->owner;
	target->new_ticks = life->new_ticks;
	target->idle_ticks = life->idle_ticks;
	target->closing_ticks = life->closing_ticks;
}

void target_build(const struct target_way *way, const struct target_life *life,
		  const struct addr *backend, const struct nexthop *hop, struct target *out)
{
	__be32 src, dst;

	memset(out, 0, sizeof(*out));
	target_life_set(out, life);
	out->mode = way->mode;
	out->mtu = hop->mtu > MTU_MAX ? MTU_MAX : hop->mtu;
	out->ifindex = hop->ifindex;
	memcpy(out->dst_mac, hop->dst_mac, ETH_ADDR_SIZE);
	memcpy(out->src_mac, hop->src_mac, ETH_ADDR_SIZE);
	if (way->mode == MODE_L2)
		return;
	if (way->mode == MODE_GUE)
		out->port = htons(way->gue_port);
	if (addr_is_v4(backend)) {
		out->outer_version = 4;
		memcpy(&src, addr_v4(&hop->source), sizeof(src));
		memcpy(&dst, addr_v4(backend), sizeof(dst));
		memcpy(out->src, &src, sizeof(src));
		memcpy(out->dst, &dst, sizeof(dst));
		out->outer_sum = outer_ipv4_sum(src, dst, outer_protocol(way));
	} else {
		out->outer_version = 6;
		memcpy(out->src, hop->source.b, sizeof(out->src));
		memcpy(out->dst, backend->b, sizeof(out->dst));
	}
}

__u64 backend_id(const struct addr *addr, __u16 port)
{
	__u8 bytes[sizeof(addr->b) + 2];
	__u64 hash = 0xcbf29ce484222325;

	memcpy(bytes, addr->b, sizeof(addr->b));
	bytes[sizeof(addr->b)] = port >> 8;
	bytes[sizeof(addr->b) + 1] = port & 0xff;
	for (size_t i = 0; i < sizeof(bytes); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	/* FNV's last bytes barely reach the high bits, which the row of the first choice hangs on.
	 */
	hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
	hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
	return hash ^ (hash >> 33);
}
