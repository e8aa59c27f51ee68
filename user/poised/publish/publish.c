// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows of the services that changed, built and stored.
 *
 * Events only put a service on the list: ten backends that fail in one turn of the loop cost one
 * build. The list is worked off before the loop waits again, some of it per turn, so that checks
 * and the API are not kept waiting when a thousand services change together. What takes packets off
 * a backend that is lost, and what somebody asked for, goes before the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "model.h"
#include "row.h"
#include "sweeper.h"

#define TURN_NS      (20ULL * 1000000)
#define RETRY_MS     1000
#define LATER_MS     100
#define TARGETS_SIZE (1U << 16) /* whatever number a row may name */

static void publish_some(uv_idle_t *idle);

void service_dirty(struct run_service *service, bool urgent)
{
	struct reconcile *rec = service->rec;

	if (service->dirty && (service->urgent || !urgent))
		return;
	service_clean(service);
	service->dirty = true;
	service->urgent = urgent;
	service->dirty_since_ns = now_ns();
	/* One of a thousand that wait for each other says nothing of how long a change takes. */
	service->timed = urgent || TAILQ_EMPTY(&rec->dirty);
	if (urgent)
		TAILQ_INSERT_HEAD(&rec->dirty, service, dirty_entry);
	else
		TAILQ_INSERT_TAIL(&rec->dirty, service, dirty_entry);
	if (!uv_is_active((uv_handle_t *)&rec->publish_retry))
		uv_idle_start(&rec->publisher, publish_some);
}

void service_clean(struct run_service *service)
{
	if (service->dirty)
		TAILQ_REMOVE(&service->rec->dirty, service, dirty_entry);
	service->dirty = service->urgent = false;
}

static void later_due(uv_timer_t *timer)
{
	struct reconcile *rec = timer->data;

	for (size_t i = 0; i < rec->service_count; i++) {
		if (rec->services[i]->later)
			service_dirty(rec->services[i], false);
		rec->services[i]->later = false;
	}
}

void service_dirty_later(struct run_service *service)
{
	uv_timer_t *timer = &service->rec->later;

	service->later = true;
	if (!uv_is_active((uv_handle_t *)timer))
		uv_timer_start(timer, later_due, LATER_MS, 0);
}

int publish_reserve(struct reconcile *rec, __u32 row_count)
{
	struct row *rows;
	__u16 *built;

	if (row_count <= rec->scratch_rows)
		return 0;
	for (size_t i = 0; i < rec->builder_count; i++) {
		built = realloc(rec->built[i], row_count * sizeof(*built));
		if (!built)
			return -ENOMEM;
		rec->built[i] = built;
	}
	rows = realloc(rec->rows, row_count * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	rec->rows = rows;
	rec->scratch_rows = row_count;
	return 0;
}

static void job_prepare(struct build_job *job, struct run_service *service, __u16 *rows)
{
	*job = (struct build_job){ .row_count = service->row_count,
				   .sequence = service->conf->scheduler == SCHEDULER_ROUNDROBIN,
				   .rows = rows };
	job->backends = calloc(service->backend_count + 1, sizeof(*job->backends));
	job->err = job->backends ? serving_evaluate(service) : -ENOMEM;
	for (size_t i = 0; i < service->backend_count && !job->err; i++) {
		const struct run_backend *backend = service->backends[i];

		if (!backend->weight_now)
			continue;
		job->backends[job->count++] = (struct maglev_backend){
			.id = backend_id(&backend->addr, backend->port),
			.weight = backend->weight_now,
			.target = backend->target,
		};
	}
}

/* Gives the rows to their owners, as far as flows of others allow. */
static void rows_store(struct run_service *service, const __u16 *owners)
{
	const struct row *now = lb_rows_get(service->rows);
	struct reconcile *rec = service->rec;

	ages_advance(service);
	for (__u32 i = 0; i < service->row_count; i++) {
		struct row row = now[i];

		/* Flows of the table before this one may be known, and are to be followed. */
		if (service->rows_fresh)
			row.previous_target = ROW_TRACKED;
		if (service->track_all)
			row = row_track_all(row, rec->serves);
		rec->rows[i] = row_next(row, owners[i], service->always, rec->serves);
		if (service->untracked)
			rec->rows[i] = (struct row){ .current_target = owners[i] };
	}
	ages_follow(service, rec->rows);
	if (lb_rows_write(service->rows, rec->rows))
		service->stored_ns = now_ns();
	service->rows_fresh = service->track_all = false;
	rows_count(service);
}

static void service_publish(struct run_service *service, const __u16 *owners)
{
	struct reconcile *rec = service->rec;
	bool began_to_track = service->track_all;

	serving_publish(service);
	rows_store(service, owners);
	if (began_to_track && service->entry_old)
		service_entry_publish(service);
	serving_published(service);
	service_clean(service);
	if (service->timed)
		rec->last_publish_us = (now_ns() - service->dirty_since_ns) / 1000;
	rec->pass_due = true;
	sweeper_wake(rec->sweeper);
}

/* Publishes the first few of the list together. 0 or -errno of one that was not. */
static int publish_batch(struct reconcile *rec, bool urgent_only)
{
	struct run_service *batch[BUILDERS_MAX], *service;
	struct build_job jobs[BUILDERS_MAX];
	size_t count = 0;
	int err = 0;

	TAILQ_FOREACH(service, &rec->dirty, dirty_entry)
	{
		if (count == rec->builder_count || (urgent_only && !service->urgent))
			break;
		job_prepare(&jobs[count], service, rec->built[count]);
		batch[count++] = service;
	}
	build_run(jobs, count);
	for (size_t i = 0; i < count; i++) {
		free(jobs[i].backends);
		if (jobs[i].err) {
			err = jobs[i].err;
			log_err("%s: rows not built, tried again in a second: %s", batch[i]->name,
				strerror(-err));
			continue;
		}
		service_publish(batch[i], jobs[i].rows);
	}
	return err;
}

static void retry(uv_timer_t *timer)
{
	struct reconcile *rec = timer->data;

	uv_idle_start(&rec->publisher, publish_some);
}

/* Works the list off, or as much of it as the time allows. */
static void publish_until(struct reconcile *rec, bool urgent_only, __u64 deadline_ns)
{
	struct run_service *first;

	while ((first = TAILQ_FIRST(&rec->dirty)) && (!urgent_only || first->urgent)) {
		if (publish_batch(rec, urgent_only)) {
			uv_idle_stop(&rec->publisher);
			uv_timer_start(&rec->publish_retry, retry, RETRY_MS, 0);
			return;
		}
		if (now_ns() > deadline_ns)
			return;
	}
	if (!first)
		uv_idle_stop(&rec->publisher);
}

static void publish_some(uv_idle_t *idle)
{
	publish_until(idle->data, false, now_ns() + TURN_NS);
}

void publish_urgent(struct reconcile *rec)
{
	publish_until(rec, true, UINT64_MAX);
}

int publish_init(struct reconcile *rec)
{
	TAILQ_INIT(&rec->dirty);
	rec->builder_count = uv_available_parallelism();
	if (rec->builder_count > BUILDERS_MAX)
		rec->builder_count = BUILDERS_MAX;
	rec->rows_of_target = calloc(TARGETS_SIZE, sizeof(*rec->rows_of_target));
	rec->older_rows_of_target = calloc(TARGETS_SIZE, sizeof(*rec->older_rows_of_target));
	rec->serves = calloc(TARGETS_SIZE, sizeof(*rec->serves));
	return rec->rows_of_target && rec->older_rows_of_target && rec->serves ? 0 : -ENOMEM;
}

void publish_free(struct reconcile *rec)
{
	free(rec->rows_of_target);
	free(rec->older_rows_of_target);
	free(rec->serves);
	for (size_t i = 0; i < rec->builder_count; i++)
		free(rec->built[i]);
	free(rec->rows);
}
