// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply/commit.h"
#include "apply/reconcile.h"
#include "base/log.h"
#include "publish/local_backends.h"
#include "publish/publish.h"
#include "sweeper/sweeper.h"

static int memory_get(struct model *model)
{
	__u32 targets = lb_max_targets(model->deps.lb);
	int err = numbers_init(&model->service_numbers, 0, POISE_MAX_SERVICES);

	if (!err)
		err = numbers_init(&model->target_numbers, 1, targets);
	model->retired = calloc(targets, sizeof(*model->retired));
	model->unclean_ns = calloc(targets, sizeof(*model->unclean_ns));
	return err || !model->retired || !model->unclean_ns ? -ENOMEM : 0;
}

static void memory_free(struct model *model)
{
	numbers_free(&model->service_numbers);
	numbers_free(&model->target_numbers);
	free(model->retired);
	free(model->unclean_ns);
	publish_free(model);
	free(model);
}

static void handles_open(struct model *model)
{
	uv_idle_init(model->deps.loop, &model->publisher);
	uv_timer_init(model->deps.loop, &model->publish_retry);
	uv_timer_init(model->deps.loop, &model->later);
	uv_timer_init(model->deps.loop, &model->steps);
	model->publisher.data = model->publish_retry.data = model;
	model->later.data = model->steps.data = model;
}

int reconcile_open(const struct model_deps *deps, struct model **out)
{
	struct model *model = calloc(1, sizeof(*model));
	int err;

	if (!model)
		return -ENOMEM;
	model->deps = *deps;
	err = memory_get(model);
	if (!err)
		err = publish_init(model);
	if (!err)
		err = sweeper_open(model, &model->sweeper);
	if (!err)
		err = local_backends_open(model, &model->local_backends);
	if (err) {
		memory_free(model);
		return err;
	}
	handles_open(model);
	*out = model;
	return 0;
}

static void let_go(struct model *model)
{
	if (!--model->open_handles)
		memory_free(model);
}

static void closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

void reconcile_close(struct model *model)
{
	if (!model)
		return;
	model->open_handles = 6;
	sweeper_close(model->sweeper, let_go);
	model->sweeper = NULL;
	local_backends_close(model->local_backends, let_go);
	model->local_backends = NULL;
	for (size_t i = 0; i < model->service_count; i++)
		service_free(model->services[i]);
	free(model->services);
	free(model->extras);
	conf_free(model->conf);
	uv_close((uv_handle_t *)&model->publisher, closed);
	uv_close((uv_handle_t *)&model->publish_retry, closed);
	uv_close((uv_handle_t *)&model->later, closed);
	uv_close((uv_handle_t *)&model->steps, closed);
}

/* After adoption: entries that belong to nothing that is configured. */
static void entries_prune(struct model *model)
{
	size_t count = model->service_count + model->extra_count, at = 0;
	struct service_key *keep = calloc(count + 1, sizeof(*keep));
	int err = keep ? 0 : -ENOMEM;

	for (size_t i = 0; i < model->service_count && !err; i++)
		keep[at++] = model->services[i]->key;
	for (size_t i = 0; i < model->extra_count && !err; i++)
		keep[at++] = model->extras[i].key;
	if (!err)
		err = lb_services_prune(model->deps.lb, keep, count);
	if (err)
		log_err("services: old entries not removed: %s", strerror(-err));
	free(keep);
}

int reconcile_apply(struct model *model, struct conf *conf, struct conf_error *error)
{
	struct commit commit;
	struct plan plan;
	int err = plan_make(model, conf, &plan, error);

	if (err)
		return err;
	err = commit_init(model, &plan, &commit);
	if (err) {
		plan_undo(model, &plan);
		return err;
	}
	commit_run(model, conf, &plan, &commit);
	commit_free(&commit);
	plan_free(&plan);
	if (model->prune) {
		entries_prune(model);
		model->prune = false;
		extra_entries_publish(model, true);
	}
	return 0;
}

int reconcile_room(struct model *model, const struct conf *conf)
{
	return plan_room(model, conf);
}

void reconcile_await(struct model *model, struct sweep_wait *wait)
{
	sweeper_await(model->sweeper, wait);
}

void reconcile_wait(struct model *model)
{
	/* Packets that have read a row before it was stored. */
	wait_ns(IN_FLIGHT_NS);
	sweeper_sweep(model->sweeper);
}

const struct conf *reconcile_conf(const struct model *model)
{
	return model->conf;
}

static json_t *backend_health(const struct live_backend *backend)
{
	char id[ENDPOINT_TEXT_SIZE];

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "service", backend->service->name,
			 "backend", endpoint_format(&backend->addr, backend->port, id), "health",
			 health_name(backend->health), "reason", backend->reason, "since",
			 (json_int_t)backend->since, "ramp_ms", (json_int_t)backend->ramp_ms);
}

json_t *reconcile_health_encode(const struct model *model)
{
	json_t *all = json_array();

	for (size_t i = 0; i < model->service_count; i++)
		for (size_t j = 0; j < model->services[i]->backend_count; j++)
			json_array_append_new(all, backend_health(model->services[i]->backends[j]));
	return all;
}

void reconcile_health_restore(struct model *model, const json_t *health)
{
	const char *service_name, *id, *name, *reason;
	struct live_service *service = NULL;
	struct live_backend *backend;
	json_int_t since, ramp_ms;
	struct addr addr;
	json_t *entry;
	size_t i;
	__u16 port;

	json_array_foreach (health, i, entry) {
		ramp_ms = 0;
		if (json_unpack(entry, "{s:s, s:s, s:s, s:s, s:I, s?I}", "service", &service_name,
				"backend", &id, "health", &name, "reason", &reason, "since", &since,
				"ramp_ms", &ramp_ms) ||
		    endpoint_parse(id, &addr, &port))
			continue;
		/* A service's entries stand together. */
		if (!service || strcmp(service->name, service_name))
			service = service_find(model, service_name);
		backend = service ? backend_find(service, &addr, port) : NULL;
		/* The maps are newer than the file: it only adds why and since when. */
		if (!backend || strcmp(health_name(backend->health), name))
			continue;
		backend->since = since;
		/* One that has no rows has not begun to. */
		backend->ramp_ms = backend->rows ? ramp_ms : 0;
		memset(backend->reason, 0, sizeof(backend->reason));
		strncpy(backend->reason, reason, sizeof(backend->reason) - 1);
	}
}
