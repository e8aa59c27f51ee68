// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows of the services that changed, built and stored.
 *
 * Events only put a service on the list: ten backends that fail in one turn of the loop cost one
 * build. The list is worked off before the loop waits again, some of it per turn, so that checks
 * and the API are not kept waiting when a thousand services change together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "maglev.h"
#include "model.h"

#define TURN_NS    (20ULL * 1000000)
#define RETRY_MS   1000
#define RETIRED_MS 100

static void publish_some(uv_idle_t *idle);

void service_dirty(struct run_service *service)
{
	struct reconcile *rec = service->rec;

	if (service->dirty)
		return;
	service->dirty = true;
	service->dirty_since_ns = now_ns();
	service->next_dirty = NULL;
	if (rec->dirty_last)
		rec->dirty_last->next_dirty = service;
	else
		rec->dirty_first = service;
	rec->dirty_last = service;
	if (!uv_is_active((uv_handle_t *)&rec->publish_retry))
		uv_idle_start(&rec->publisher, publish_some);
}

void service_clean(struct run_service *service)
{
	struct reconcile *rec = service->rec;
	struct run_service **at = &rec->dirty_first, *before = NULL;

	if (!service->dirty)
		return;
	while (*at != service) {
		before = *at;
		at = &before->next_dirty;
	}
	*at = service->next_dirty;
	if (rec->dirty_last == service)
		rec->dirty_last = before;
	service->dirty = false;
}

int publish_reserve(struct reconcile *rec, __u32 row_count)
{
	struct row *rows;
	__u16 *built;

	if (row_count <= rec->scratch_rows)
		return 0;
	built = realloc(rec->built, row_count * sizeof(*built));
	if (!built)
		return -ENOMEM;
	rec->built = built;
	rows = realloc(rec->rows, row_count * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	rec->rows = rows;
	rec->scratch_rows = row_count;
	return 0;
}

/* Who owns each row, into rec->built. 0 or -errno. */
static int build(struct run_service *service)
{
	struct reconcile *rec = service->rec;
	struct maglev_backend *usable;
	size_t count = 0;
	int err = 0;

	usable = calloc(service->backend_count + 1, sizeof(*usable));
	if (!usable)
		return -ENOMEM;
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct run_backend *backend = service->backends[i];

		if (!backend_usable(backend))
			continue;
		usable[count].id = backend_id(&backend->addr, backend->port);
		usable[count].weight = backend->weight;
		usable[count++].target = backend->target;
	}
	if (count)
		err = maglev_build(usable, count, service->row_count, rec->built);
	else
		memset(rec->built, 0, service->row_count * sizeof(*rec->built));
	free(usable);
	return err;
}

static int publish(struct run_service *service)
{
	struct reconcile *rec = service->rec;
	int err = build(service);

	if (err)
		return err;
	for (size_t i = 0; i < service->backend_count; i++)
		rec->rows_of_target[service->backends[i]->target] = 0;
	for (__u32 i = 0; i < service->row_count; i++) {
		rec->rows[i] = (struct row){ .current_target = rec->built[i] };
		rec->rows_of_target[rec->built[i]]++;
	}
	lb_rows_write(service->rows, rec->rows);
	for (size_t i = 0; i < service->backend_count; i++)
		service->backends[i]->rows = rec->rows_of_target[service->backends[i]->target];
	rec->last_publish_us = (now_ns() - service->dirty_since_ns) / 1000;
	return 0;
}

static void retry(uv_timer_t *timer)
{
	struct reconcile *rec = timer->data;

	uv_idle_start(&rec->publisher, publish_some);
}

/* Works the list off, or as much of it as the time allows. */
static void publish_until(struct reconcile *rec, __u64 deadline_ns)
{
	while (rec->dirty_first) {
		struct run_service *service = rec->dirty_first;
		int err = publish(service);

		if (err) {
			log_err("%s: rows not built, tried again in a second: %s", service->name,
				strerror(-err));
			uv_idle_stop(&rec->publisher);
			uv_timer_start(&rec->publish_retry, retry, RETRY_MS, 0);
			return;
		}
		service_clean(service);
		if (now_ns() > deadline_ns)
			return;
	}
	uv_idle_stop(&rec->publisher);
}

static void publish_some(uv_idle_t *idle)
{
	publish_until(idle->data, now_ns() + TURN_NS);
}

void publish_all(struct reconcile *rec)
{
	uv_timer_stop(&rec->publish_retry);
	publish_until(rec, UINT64_MAX);
}

void retired_flush(struct reconcile *rec)
{
	struct retired *retired = &rec->retired;
	const struct target none = { .mode = MODE_NONE };

	for (size_t i = 0; i < retired->count; i++) {
		int err = lb_target_set(rec->deps.lb, retired->targets[i], &none);

		if (err)
			log_err("targets: entry %u: %s", retired->targets[i], strerror(-err));
		numbers_release(&rec->target_numbers, retired->targets[i]);
	}
	retired->count = 0;
	uv_timer_stop(&retired->timer);
}

static void retired_due(uv_timer_t *timer)
{
	retired_flush(timer->data);
}

void target_retire(struct reconcile *rec, __u16 target)
{
	const struct target_name none = { .service = "" };
	struct retired *retired = &rec->retired;

	lb_target_name_set(rec->deps.lb, target, &none);
	/* As many as there are numbers, so that it never has to grow. */
	retired->targets[retired->count++] = target;
	/* Rows are stored without waiting for packets that have read them: give these time. */
	uv_timer_start(&retired->timer, retired_due, RETIRED_MS, 0);
}

int publish_init(struct reconcile *rec)
{
	__u32 targets = lb_max_targets(rec->deps.lb);

	rec->rows_of_target = calloc(targets, sizeof(*rec->rows_of_target));
	rec->retired.targets = calloc(targets, sizeof(*rec->retired.targets));
	if (!rec->rows_of_target || !rec->retired.targets)
		return -ENOMEM;
	uv_idle_init(rec->deps.loop, &rec->publisher);
	uv_timer_init(rec->deps.loop, &rec->publish_retry);
	uv_timer_init(rec->deps.loop, &rec->retired.timer);
	rec->publisher.data = rec->publish_retry.data = rec->retired.timer.data = rec;
	return 0;
}

void publish_free(struct reconcile *rec)
{
	free(rec->rows_of_target);
	free(rec->retired.targets);
	free(rec->built);
	free(rec->rows);
}
