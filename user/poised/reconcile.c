// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "locals.h"
#include "log.h"
#include "model.h"
#include "sweeper.h"

static int memory_get(struct reconcile *rec)
{
	__u32 targets = lb_max_targets(rec->deps.lb);
	int err = numbers_init(&rec->service_numbers, 0, POISE_MAX_SERVICES);

	if (!err)
		err = numbers_init(&rec->target_numbers, 1, targets);
	rec->retired = calloc(targets, sizeof(*rec->retired));
	rec->unclean_ns = calloc(targets, sizeof(*rec->unclean_ns));
	return err || !rec->retired || !rec->unclean_ns ? -ENOMEM : 0;
}

static void memory_free(struct reconcile *rec)
{
	numbers_free(&rec->service_numbers);
	numbers_free(&rec->target_numbers);
	free(rec->retired);
	free(rec->unclean_ns);
	publish_free(rec);
	free(rec);
}

static void handles_open(struct reconcile *rec)
{
	uv_idle_init(rec->deps.loop, &rec->publisher);
	uv_timer_init(rec->deps.loop, &rec->publish_retry);
	uv_timer_init(rec->deps.loop, &rec->later);
	uv_timer_init(rec->deps.loop, &rec->steps);
	rec->publisher.data = rec->publish_retry.data = rec;
	rec->later.data = rec->steps.data = rec;
}

int reconcile_open(const struct reconcile_deps *deps, struct reconcile **out)
{
	struct reconcile *rec = calloc(1, sizeof(*rec));
	int err;

	if (!rec)
		return -ENOMEM;
	rec->deps = *deps;
	err = memory_get(rec);
	if (!err)
		err = publish_init(rec);
	if (!err)
		err = sweeper_open(rec, &rec->sweeper);
	if (!err)
		err = locals_open(rec, &rec->locals);
	if (err) {
		memory_free(rec);
		return err;
	}
	handles_open(rec);
	*out = rec;
	return 0;
}

static void let_go(struct reconcile *rec)
{
	if (!--rec->open_handles)
		memory_free(rec);
}

static void closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

void reconcile_close(struct reconcile *rec)
{
	if (!rec)
		return;
	rec->open_handles = 6;
	sweeper_close(rec->sweeper, let_go);
	rec->sweeper = NULL;
	locals_close(rec->locals, let_go);
	rec->locals = NULL;
	for (size_t i = 0; i < rec->service_count; i++)
		service_free(rec->services[i]);
	free(rec->services);
	free(rec->sides);
	conf_free(rec->conf);
	uv_close((uv_handle_t *)&rec->publisher, closed);
	uv_close((uv_handle_t *)&rec->publish_retry, closed);
	uv_close((uv_handle_t *)&rec->later, closed);
	uv_close((uv_handle_t *)&rec->steps, closed);
}

/* After adoption: entries that belong to nothing that is configured. */
static void entries_prune(struct reconcile *rec)
{
	size_t count = rec->service_count + rec->side_count, at = 0;
	struct service_key *keep = calloc(count + 1, sizeof(*keep));
	int err = keep ? 0 : -ENOMEM;

	for (size_t i = 0; i < rec->service_count && !err; i++)
		keep[at++] = rec->services[i]->key;
	for (size_t i = 0; i < rec->side_count && !err; i++)
		keep[at++] = rec->sides[i].key;
	if (!err)
		err = lb_services_prune(rec->deps.lb, keep, count);
	if (err)
		log_err("services: old entries not removed: %s", strerror(-err));
	free(keep);
}

int reconcile_apply(struct reconcile *rec, struct conf *conf, struct conf_error *error)
{
	struct commit commit;
	struct plan plan;
	int err = plan_make(rec, conf, &plan, error);

	if (err)
		return err;
	err = commit_init(rec, &plan, &commit);
	if (err) {
		plan_undo(rec, &plan);
		return err;
	}
	commit_run(rec, conf, &plan, &commit);
	commit_free(&commit);
	plan_free(&plan);
	if (rec->prune) {
		entries_prune(rec);
		rec->prune = false;
		sides_publish(rec, true);
	}
	return 0;
}

const struct conf *reconcile_conf(const struct reconcile *rec)
{
	return rec->conf;
}

static json_t *backend_health(const struct run_backend *backend)
{
	char id[ENDPOINT_TEXT_SIZE];

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "service", backend->service->name,
			 "backend", endpoint_format(&backend->addr, backend->port, id), "health",
			 health_name(backend->health), "reason", backend->reason, "since",
			 (json_int_t)backend->since, "ramp_ms", (json_int_t)backend->ramp_ms);
}

json_t *reconcile_health_encode(const struct reconcile *rec)
{
	json_t *all = json_array();

	for (size_t i = 0; i < rec->service_count; i++)
		for (size_t j = 0; j < rec->services[i]->backend_count; j++)
			json_array_append_new(all, backend_health(rec->services[i]->backends[j]));
	return all;
}

void reconcile_health_restore(struct reconcile *rec, const json_t *health)
{
	const char *service_name, *id, *name, *reason;
	struct run_service *service = NULL;
	struct run_backend *backend;
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
			service = service_find(rec, service_name);
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
