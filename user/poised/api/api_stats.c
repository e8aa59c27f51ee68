// SPDX-License-Identifier: BSD-2-Clause
/* Counters of services and backends, and of drops. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api_call.h"
#include "control.h"
#include "drop.h"
#include "model.h"

static void refuse_kernel(struct api_call *call, const char *what, int err)
{
	struct refusal refusal;

	refuse(&refusal, 500, NULL, "%s cannot be read: %s", what, strerror(-err));
	api_refuse(call, &refusal);
}

/* null where nobody counts. */
static json_t *count_tree(bool counted, __u64 count)
{
	return counted || count ? json_integer((json_int_t)count) : json_null();
}

/* Of mode local packets pass between two sockets, in others than nat replies go past us. */
static void counter_put(const struct counter *counter, enum poise_mode mode, json_t *tree)
{
	bool packets = mode != MODE_LOCAL, replies = mode == MODE_NAT || mode == MODE_NAT_KEEP;

	json_object_set_new(tree, "packets", count_tree(packets, counter->packets));
	json_object_set_new(tree, "bytes", count_tree(packets, counter->bytes));
	json_object_set_new(tree, "new_flows", json_integer(counter->new_flows));
	json_object_set_new(tree, "reply_packets", count_tree(replies, counter->reply_packets));
	json_object_set_new(tree, "reply_bytes", count_tree(replies, counter->reply_bytes));
}

/* Adds the figures of some of a service's backends to a list, and to their sum. */
static void backends_stats(struct run_backend *const *run, size_t count, enum poise_mode mode,
			   const struct counter *counters, json_t *backends, struct counter *sum)
{
	char id[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		const struct counter *counter = &counters[run[i]->target];
		json_t *backend = json_pack("{s:s, s:i}", "id",
					    endpoint_format(&run[i]->addr, run[i]->port, id),
					    "target", run[i]->target);

		counter_put(counter, mode, backend);
		json_array_append_new(backends, backend);
		sum->packets += counter->packets;
		sum->bytes += counter->bytes;
		sum->new_flows += counter->new_flows;
		sum->reply_packets += counter->reply_packets;
		sum->reply_bytes += counter->reply_bytes;
	}
}

static json_t *service_stats(const struct run_service *service, const struct counter *counters)
{
	json_t *backends = json_array(), *tree = json_pack("{s:s}", "name", service->name);
	enum poise_mode mode = service->conf->mode;
	struct counter sum = { 0 };

	backends_stats(service->backends, service->backend_count, mode, counters, backends, &sum);
	/* They are not gone before their last flow is. */
	backends_stats(service->leaving, service->leaving_count, mode, counters, backends, &sum);
	counter_put(&sum, mode, tree);
	json_object_set_new(tree, "backends", backends);
	return tree;
}

void api_stats(struct api_call *call)
{
	const struct reconcile *rec = control_reconcile(call->control);
	struct lb *lb = control_lb(call->control);
	__u32 count = lb_max_targets(lb);
	struct counter *counters = calloc(count, sizeof(*counters));
	json_t *services = json_array();
	__u64 read_ns = now_ns();
	int err = counters ? counters_read(lb_maps(lb), counters, count) : -ENOMEM;

	if (err) {
		free(counters);
		json_decref(services);
		refuse_kernel(call, "counters", err);
		return;
	}
	for (size_t i = 0; i < rec->service_count; i++)
		json_array_append_new(services, service_stats(rec->services[i], counters));
	free(counters);
	api_answer(call, 200,
		   json_pack("{s:I, s:o}", "time_ns", (json_int_t)read_ns, "services", services));
}

void api_drops(struct api_call *call)
{
	json_t *tree = json_object();
	__u64 drops[DROP_MAX];
	int err = drops_read(lb_maps(control_lb(call->control)), drops);

	if (err) {
		json_decref(tree);
		refuse_kernel(call, "drops", err);
		return;
	}
	for (size_t i = DROP_NONE + 1; i < DROP_MAX; i++)
		json_object_set_new(tree, drop_name(i), json_integer(drops[i]));
	api_answer(call, 200, tree);
}
