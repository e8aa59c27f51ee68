// SPDX-License-Identifier: BSD-2-Clause
/* Counters of services and backends, and of drops. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api_call.h"
#include "config/control.h"
#include "maps/answer.h"
#include "maps/drop.h"
#include "model/model.h"

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

/* In mode local no packets are counted, as they pass between two sockets. Replies are counted in
 * mode nat alone, as in the others they go past us. */
static void counter_put(const struct counter *counter, enum poise_mode mode, json_t *tree)
{
	bool packets = !mode_has_sockets(mode), replies = mode_has_replies(mode);

	json_object_set_new(tree, "packets", count_tree(packets, counter->packets));
	json_object_set_new(tree, "bytes", count_tree(packets, counter->bytes));
	json_object_set_new(tree, "new_flows", json_integer(counter->new_flows));
	json_object_set_new(tree, "reply_packets", count_tree(replies, counter->reply_packets));
	json_object_set_new(tree, "reply_bytes", count_tree(replies, counter->reply_bytes));
	json_object_set_new(tree, "icmp_errors", count_tree(packets, counter->icmp_errors));
}

/* Adds the figures of some of a service's backends to a list, and to their sum. */
static void backends_stats(struct live_backend *const *list, size_t count, enum poise_mode mode,
			   const struct counter *counters, json_t *backends, struct counter *sum)
{
	char id[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		const struct counter *counter = &counters[list[i]->target];
		json_t *backend = json_pack("{s:s, s:i}", "id",
					    endpoint_format(&list[i]->addr, list[i]->port, id),
					    "target", list[i]->target);

		counter_put(counter, mode, backend);
		json_array_append_new(backends, backend);
		sum->packets += counter->packets;
		sum->bytes += counter->bytes;
		sum->new_flows += counter->new_flows;
		sum->reply_packets += counter->reply_packets;
		sum->reply_bytes += counter->reply_bytes;
		sum->icmp_errors += counter->icmp_errors;
	}
}

static json_t *service_stats(const struct live_service *service, const struct counter *counters)
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
	const struct model *model = control_reconcile(call->control);
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
	for (size_t i = 0; i < model->service_count; i++)
		json_array_append_new(services, service_stats(model->services[i], counters));
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

void api_answers(struct api_call *call)
{
	json_t *tree = json_object();
	struct answer_counter answers[ANSWER_MAX];
	int err = answers_read(lb_maps(control_lb(call->control)), answers);

	if (err) {
		json_decref(tree);
		refuse_kernel(call, "answers", err);
		return;
	}
	for (size_t i = 0; i < ANSWER_MAX; i++)
		json_object_set_new(tree, answer_name(i),
				    json_pack("{s:I, s:I}", "sent", (json_int_t)answers[i].sent,
					      "limited", (json_int_t)answers[i].limited));
	api_answer(call, 200, tree);
}
