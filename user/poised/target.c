// SPDX-License-Identifier: BSD-2-Clause
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "poise/csum.h"
#include "target.h"
#include "poise/flow.h"
#include "poise/nat.h"

#define MTU_MAX       65535
#define ETH_ADDR_SIZE 6

/* At most, and never longer than a flow may be silent. */
#define NEW_TCP_MS 60000
#define NEW_UDP_MS 30000
#define CLOSING_MS 120000

/* By nat: until the SYN is answered, until the client goes on, after FIN, after RST. */
#define NAT_SYN_MS     120000
#define NAT_REPLIED_MS 60000
#define NAT_CLOSING_MS 120000
#define NAT_RESET_MS   10000
#define NAT_UDP_NEW_MS 30000 /* until both sides have spoken */

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

static __u32 shorter(__u32 time_ms, __u32 max_ms)
{
	return max_ms && max_ms < time_ms ? max_ms : time_ms;
}

static __u16 ticks(const struct flow_clock *clock, __u32 time_ms, __u32 max_ms)
{
	return flow_clock_ticks(clock, shorter(time_ms, max_ms));
}

/* Datagrams tell of no end: what is said of it is what holds for any of them. */
static void nat_life(const struct flow_clock *clock, const struct target_times *times,
		     struct target_life *life)
{
	bool tcp = times->proto == IPPROTO_TCP;
	__u32 idle_ms = shorter(times->nat_idle_ms, times->nat_max_ms);

	life->new_ticks = ticks(clock, tcp ? NAT_SYN_MS : NAT_UDP_NEW_MS, times->nat_max_ms);
	life->closing_ticks = ticks(clock, tcp ? NAT_CLOSING_MS : idle_ms, times->nat_max_ms);
	life->nat_replied_ticks =
		ticks(clock, tcp ? NAT_REPLIED_MS : NAT_UDP_NEW_MS, times->nat_max_ms);
	life->nat_reset_ticks = ticks(clock, tcp ? NAT_RESET_MS : idle_ms, times->nat_max_ms);
	life->nat_idle_ticks = nat_clock_ticks(clock, idle_ms);
}

struct target_life target_life(const struct flow_clock *clock, const struct target_times *times,
			       __u16 service, bool serves)
{
	__u32 new_ms = times->proto == IPPROTO_TCP ? NEW_TCP_MS : NEW_UDP_MS;
	struct target_life life = {
		.owner = service | (serves ? TARGET_SERVES : 0),
		.new_ticks = ticks(clock, new_ms, times->idle_ms),
		.idle_ticks = ticks(clock, times->idle_ms, 0),
		.closing_ticks = ticks(clock, CLOSING_MS, times->idle_ms),
	};

	if (times->mode == MODE_NAT)
		nat_life(clock, times, &life);
	return life;
}

void target_life_set(struct target *target, const struct target_life *life)
{
	target->owner = life->owner;
	target->new_ticks = life->new_ticks;
	target->idle_ticks = life->idle_ticks;
	target->closing_ticks = life->closing_ticks;
	if (target->mode != MODE_NAT)
		return;
	target->nat.idle_ticks = life->nat_idle_ticks;
	target->nat.replied_ticks = life->nat_replied_ticks;
	target->nat.reset_ticks = life->nat_reset_ticks;
}

/* Where an outer header leads to, or, by nat, the packet itself. */
static void put_dst(struct target *out, const struct addr *backend)
{
	bool v4 = addr_is_v4(backend);

	out->outer_version = v4 ? 4 : 6;
	memcpy(out->dst, v4 ? addr_v4(backend) : backend->b, v4 ? 4 : sizeof(out->dst));
}

static void put_outer(const struct target_way *way, const struct addr *backend,
		      const struct nexthop *hop, struct target *out)
{
	__be32 src, dst;

	put_dst(out, backend);
	if (way->mode == MODE_GUE)
		out->port = htons(way->gue_port);
	if (!addr_is_v4(backend)) {
		memcpy(out->src, hop->source.b, sizeof(out->src));
		return;
	}
	memcpy(&src, addr_v4(&hop->source), sizeof(src));
	memcpy(&dst, addr_v4(backend), sizeof(dst));
	memcpy(out->src, &src, sizeof(src));
	out->outer_sum = outer_ipv4_sum(src, dst, outer_protocol(way));
}

static void put_nat(const struct target_way *way, const struct target_end *end, struct target *out)
{
	put_dst(out, &end->addr);
	out->port = htons(end->port ? end->port : way->port);
	if (way->mode != MODE_NAT)
		return;
	out->nat.first_source = end->sources.first;
	out->nat.source_count = end->sources.count;
}

void target_build(const struct target_way *way, const struct target_life *life,
		  const struct target_end *end, const struct nexthop *hop, struct target *out)
{
	memset(out, 0, sizeof(*out));
	out->mode = way->mode;
	target_life_set(out, life);
	out->mtu = hop->mtu > MTU_MAX ? MTU_MAX : hop->mtu;
	out->ifindex = hop->ifindex;
	memcpy(out->dst_mac, hop->dst_mac, ETH_ADDR_SIZE);
	memcpy(out->src_mac, hop->src_mac, ETH_ADDR_SIZE);
	if (way->mode == MODE_LOCAL)
		return;
	if (way->mode == MODE_NAT || way->mode == MODE_NAT_KEEP)
		put_nat(way, end, out);
	else if (way->mode != MODE_L2)
		put_outer(way, &end->addr, hop, out);
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
