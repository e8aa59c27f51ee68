// SPDX-License-Identifier: BSD-2-Clause
/* Mode nat: the backend's address and port as destination, an address and a port of ours as source.
 */
#include <netinet/in.h>

#include "mode/mode_impl.h"
#include "poise/nat.h"

/* Times of netfilter's conntrack: until the SYN is answered, until the client goes on, after FIN,
 * after RST; of datagrams: until both sides have spoken. */
#define SYN_MS     120000
#define REPLIED_MS 60000
#define CLOSING_MS 120000
#define RESET_MS   10000
#define UDP_NEW_MS 30000

/* Datagrams tell of no end: the times of ended flows are those of any other. */
static void flow_times(const struct flow_clock *clock, const struct target_timeouts *timeouts,
		       struct target_flow_times *out)
{
	bool tcp = timeouts->proto == IPPROTO_TCP;
	__u32 max_ms = timeouts->nat_max_ms;
	__u32 idle_ms = max_ms && max_ms < timeouts->nat_idle_ms ? max_ms : timeouts->nat_idle_ms;

	out->new_ticks = timeout_ticks(clock, tcp ? SYN_MS : UDP_NEW_MS, max_ms);
	out->closing_ticks = timeout_ticks(clock, tcp ? CLOSING_MS : idle_ms, max_ms);
	out->nat_replied_ticks = timeout_ticks(clock, tcp ? REPLIED_MS : UDP_NEW_MS, max_ms);
	out->nat_reset_ticks = timeout_ticks(clock, tcp ? RESET_MS : idle_ms, max_ms);
	out->nat_idle_ticks = nat_clock_ticks(clock, idle_ms);
}

static void flow_times_put(const struct target_flow_times *from, struct target *target)
{
	target->nat.idle_ticks = from->nat_idle_ticks;
	target->nat.replied_ticks = from->nat_replied_ticks;
	target->nat.reset_ticks = from->nat_reset_ticks;
}

static void write_target(const struct target_delivery *delivery,
			 const struct target_endpoint *endpoint, const struct nexthop *hop,
			 struct target *target)
{
	(void)hop;
	put_endpoint(delivery, endpoint, target);
	target->nat.first_source = endpoint->sources.first;
	target->nat.source_count = endpoint->sources.count;
}

static const char *const keys[] = { "source", "unavailable", NULL };

const struct mode_ops mode_nat = {
	.word = "nat",
	.source = "nat",
	.label = "nat",
	.keys = keys,
	.listen_kinds = ADDR_HOST,
	.backend_kinds = ADDR_HOST,
	.port = MODE_PORT_OF_SERVICE,
	.one_family = true,
	.service_flags = SERVICE_NAT,
	.write = write_target,
	.show = show_endpoint,
	.flow_times = flow_times,
	.flow_times_put = flow_times_put,
	.flows_text = "each flow is in the NAT table",
};
