// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lb/flow_case.h"
#include "poise/csum.h"

#define PORT        80
#define PORT_CLIENT 81 /* of services whose flows are clients */
static struct row *service_rows[FLOW_SERVICES];
static struct flow_counter counted;

/* ---- services */

__u32 flow_service(const struct flow *flow)
{
	return (flow->version == 6) * 4 + (flow->proto == IPPROTO_UDP) * 2 + flow->by_client;
}

__u16 flow_target(const struct flow *flow, char backend)
{
	return 1 + flow_service(flow) * FLOW_BACKENDS + (backend - 'A');
}

unsigned int flow_port(const struct flow *flow)
{
	return flow->by_client ? PORT_CLIENT : PORT;
}

static void set_target(struct lb_maps *lb, const struct flow *flow, char backend)
{
	__u16 number = flow_target(flow, backend);
	struct target target = {
		.mode = flow->version == 4 ? MODE_IPIP : MODE_L2,
		.outer_version = flow->version == 4 ? 4 : 0,
		.mtu = 1500,
		.ifindex = HARNESS_LOOPBACK,
		.owner = flow_service(flow) | TARGET_SERVES,
		.new_ticks = FLOW_NEW_TICKS,
		.idle_ticks = FLOW_IDLE_TICKS,
		.closing_ticks = FLOW_CLOSING_TICKS,
	};
	__be32 source, dest;
	char text[INET_ADDRSTRLEN];

	memcpy(target.dst_mac, flow_next_hop_mac, sizeof(target.dst_mac));
	memcpy(target.src_mac, flow_own_mac, sizeof(target.src_mac));
	if (flow->version == 4) {
		snprintf(text, sizeof(text), FLOW_OUTER_DEST, number);
		inet_pton(AF_INET, FLOW_OUTER_SOURCE, &source);
		inet_pton(AF_INET, text, &dest);
		memcpy(target.src, &source, sizeof(source));
		memcpy(target.dst, &dest, sizeof(dest));
		target.outer_sum = outer_ipv4_sum(source, dest, IPPROTO_IPIP);
	} else {
		target.dst_mac[5] = number;
	}
	lb->targets[number] = target;
}

int flow_set_scheduler(struct lb_maps *lb, const struct flow *flow, enum poise_scheduler scheduler)
{
	struct service service = {
		.number = flow_service(flow),
		.row_count = FLOW_ROWS,
		.flags = (flow->by_client ? SERVICE_HASH_SOURCE : 0) |
			 scheduler << SERVICE_SCHEDULER_SHIFT,
	};

	return lb_maps_service(lb, flow->version, flow_port(flow), flow->proto, &service);
}

static int add_service(struct lb_maps *lb, const struct flow *flow)
{
	__u32 number = flow_service(flow);

	for (int i = 0; i < FLOW_BACKENDS; i++)
		set_target(lb, flow, 'A' + i);
	service_rows[number] = lb_maps_rows(lb, number, FLOW_ROWS);
	if (!service_rows[number])
		return -errno;
	return flow_set_scheduler(lb, flow, SCHEDULER_MAGLEV);
}

int flow_case_open(struct lb_maps *lb, __u32 flows)
{
	const struct lb_maps_size size = { .flows = flows, .counters = FLOW_TARGETS };
	int err = lb_maps_open(lb, &size);

	if (err)
		return err;
	for (int i = 0; i < FLOW_SERVICES && !err; i++) {
		struct flow flow = { .version = i & 4 ? 6 : 4,
				     .proto = i & 2 ? IPPROTO_UDP : IPPROTO_TCP,
				     .by_client = i & 1 };

		err = add_service(lb, &flow);
	}
	if (!err)
		err = lb_maps_flow_counters(lb, &counted);
	if (err) {
		fprintf(stderr, "maps of poise_lb: %s\n", strerror(-err));
		lb_maps_close(lb);
	}
	return err;
}

static __u16 row_half(const struct flow *flow, char backend)
{
	return backend == '0' ? 0 : backend == '*' ? ROW_TRACKED : flow_target(flow, backend);
}

void flow_set_rows(const struct flow *flow, const char *row)
{
	struct row want = { row_half(flow, row[0]), row_half(flow, row[1]) };
	struct row *rows = service_rows[flow_service(flow)];

	for (size_t i = 0; i < FLOW_ROWS; i++)
		rows[i] = want;
}

struct row *flow_rows(const struct flow *flow)
{
	return service_rows[flow_service(flow)];
}

void flow_lose(struct lb_maps *lb, const struct flow *flow, const char *backends)
{
	for (int i = 0; i < FLOW_BACKENDS; i++) {
		struct target *target = &lb->targets[flow_target(flow, 'A' + i)];

		target->owner = flow_service(flow) | TARGET_SERVES;
		if (backends && strchr(backends, 'A' + i))
			target->owner = flow_service(flow);
		if (backends && strchr(backends, 'a' + i))
			target->owner = (flow_service(flow) + 1) | TARGET_SERVES;
	}
}

/* ---- the flow table */

__u64 flow_hash(const struct lb_maps *lb, const struct flow *flow)
{
	__be16 source_port = flow->by_client ? 0 : htons(flow->source_port);
	__be16 port = htons(flow_port(flow));
	__be32 source[4], dest[4];
	char text[INET6_ADDRSTRLEN];

	flow_client(flow, text, sizeof(text));
	if (flow->version == 4) {
		inet_pton(AF_INET, text, source);
		inet_pton(AF_INET, VIP4, dest);
		return flow_hash4(&lb->hash_key, source[0], dest[0], source_port, port,
				  flow->proto);
	}
	inet_pton(AF_INET6, text, source);
	inet_pton(AF_INET6, VIP6, dest);
	return flow_hash6(&lb->hash_key, source, dest, source_port, port, flow->proto);
}

struct flow_set *flow_set(const struct lb_maps *lb, const struct flow *flow)
{
	return &lb->flows[flow_set_index(flow_hash(lb, flow), lb->flow_sets - 1)];
}

__u64 *flow_find(const struct lb_maps *lb, const struct flow *flow)
{
	struct flow_set *set = flow_set(lb, flow);
	__u32 tag = flow_tag(flow_hash(lb, flow));

	for (int i = 0; i < FLOWS_PER_SET; i++)
		if (set->entries[i] && flow_entry_tag(set->entries[i]) == tag)
			return &set->entries[i];
	return NULL;
}

struct flow_counter flow_counted(struct lb_maps *lb)
{
	struct flow_counter was = counted, rose;
	int err = lb_maps_flow_counters(lb, &counted);

	if (err)
		harness_ok(&lb->harness, false, "flow counters: %s", strerror(-err));
	rose = (struct flow_counter){ counted.tracked - was.tracked, counted.evicted - was.evicted,
				      counted.lost - was.lost };
	return rose;
}
