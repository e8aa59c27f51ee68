// SPDX-License-Identifier: BSD-2-Clause
#include <netinet/in.h>
#include <string.h>

#include "mode/mode_impl.h"

#define MTU_MAX       65535
#define ETH_ADDR_SIZE 6

/* At most, and never longer than a flow may be silent. */
#define NEW_TCP_MS 60000
#define NEW_UDP_MS 30000
#define CLOSING_MS 120000

const char *target_trouble(const struct target_delivery *delivery, const struct nexthop *hop,
			   char *buf, unsigned int size)
{
	const struct mode_ops *ops = mode_of(delivery->mode);

	if (hop->state != NEXTHOP_READY)
		return nexthop_format(hop, buf, size);
	return ops->hop_trouble ? ops->hop_trouble(hop, buf, size) : NULL;
}

struct target_flow_times target_flow_times(const struct flow_clock *clock,
					   const struct target_timeouts *timeouts, __u16 service,
					   bool serves)
{
	const struct mode_ops *ops = mode_of(timeouts->mode);
	__u32 new_ms = timeouts->proto == IPPROTO_UDP ? NEW_UDP_MS : NEW_TCP_MS;
	struct target_flow_times flow_times = {
		.owner = service | (serves ? TARGET_SERVES : 0),
		.new_ticks = timeout_ticks(clock, new_ms, timeouts->idle_ms),
		.idle_ticks = timeout_ticks(clock, timeouts->idle_ms, 0),
		.closing_ticks = timeout_ticks(clock, CLOSING_MS, timeouts->idle_ms),
	};

	if (ops->flow_times)
		ops->flow_times(clock, timeouts, &flow_times);
	return flow_times;
}

void target_flow_times_set(struct target *target, const struct target_flow_times *flow_times)
{
	const struct mode_ops *ops = mode_of(target->mode);

	target->owner = flow_times->owner;
	target->new_ticks = flow_times->new_ticks;
	target->idle_ticks = flow_times->idle_ticks;
	target->closing_ticks = flow_times->closing_ticks;
	if (ops->flow_times_put)
		ops->flow_times_put(flow_times, target);
}

void target_build(const struct target_delivery *delivery,
		  const struct target_flow_times *flow_times,
		  const struct target_endpoint *endpoint, const struct nexthop *hop,
		  struct target *out)
{
	const struct mode_ops *ops = mode_of(delivery->mode);

	memset(out, 0, sizeof(*out));
	out->mode = delivery->mode;
	target_flow_times_set(out, flow_times);
	out->mtu = hop->mtu > MTU_MAX ? MTU_MAX : hop->mtu;
	out->ifindex = hop->ifindex;
	memcpy(out->dst_mac, hop->dst_mac, ETH_ADDR_SIZE);
	memcpy(out->src_mac, hop->src_mac, ETH_ADDR_SIZE);
	if (ops->write)
		ops->write(delivery, endpoint, hop, out);
}
