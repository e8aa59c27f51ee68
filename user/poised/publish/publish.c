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

#include "base/log.h"
#include "publish/build.h"
#include "publish/publish.h"

#define TURN_NS      (20ULL * 1000000)
#define RETRY_MS     1000
#define TARGETS_SIZE (1U << 16) /* whatever number a row may name */

int publish_reserve(struct model *model, __u32 row_count)
{
	struct row *rows;
	__u16 *built;

	if (row_count <= model->scratch_rows)
		return 0;
	for (size_t i = 0; i < model->builder_count; i++) {
		built = realloc(model->built[i], row_count * sizeof(*built));
		if (!built)
			return -ENOMEM;
		model->built[i] = built;
	}
	rows = realloc(model->rows, row_count * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	model->rows = rows;
	model->scratch_rows = row_count;
	return 0;
}

static void job_prepare(struct build_job *job, struct live_service *service, __u16 *rows)
{
	*job = (struct build_job){ .row_count = service->row_count,
				   .sequence = service->conf->scheduler == SCHEDULER_ROUNDROBIN,
				   .rows = rows };
	job->backends = calloc(service->backend_count + 1, sizeof(*job->backends));
	job->err = job->backends ? serving_evaluate(service) : -ENOMEM;
	for (size_t i = 0; i < service->backend_count && !job->err; i++) {
		const struct live_backend *backend = service->backends[i];

		if (!backend->weight_now)
			continue;
		job->backends[job->count++] = (struct maglev_backend){
			.id = maglev_id(&backend->addr, backend->port),
			.weight = backend->weight_now,
			.target = backend->target,
		};
	}
}

/* Gives the rows to their owners, as far as flows of others allow. */
static void rows_store(struct live_service *service, const __u16 *owners)
{
	const struct row *now = lb_rows_get(service->rows);
	struct model *model = service->model;

	ages_advance(service);
	for (__u32 i = 0; i < service->row_count; i++) {
		struct row row = now[i];

		/* Flows of the table before this one may be known, and are to be followed. */
		if (service->rows_fresh)
			row.previous_target = ROW_TRACKED;
		if (service->track_all)
			row = row_track_all(row, model->serves);
		model->rows[i] = row_next(row, owners[i], service->always, model->serves);
		if (service->untracked)
			model->rows[i] = (struct row){ .current_target = owners[i] };
	}
	ages_follow(service, model->rows);
	if (lb_rows_write(service->rows, model->rows))
		service->stored_ns = now_ns();
	service->rows_fresh = service->track_all = false;
	rows_count(service);
}

static void service_publish(struct live_service *service, const __u16 *owners)
{
	struct model *model = service->model;
	bool began_to_track = service->track_all;

	serving_publish(service);
	rows_store(service, owners);
	if (began_to_track && service->entry_old)
		service_entry_publish(service);
	serving_published(service);
	service_clean(service);
	if (service->timed)
		model->last_publish_us = (now_ns() - service->dirty_since_ns) / 1000;
	model->sweep_due = true;
	model->sweep_soon(model);
}

/* Publishes the first few of the list together. 0 or -errno of one that was not. */
static int publish_batch(struct model *model, bool urgent_only)
{
	struct live_service *batch[BUILDERS_MAX], *service;
	struct build_job jobs[BUILDERS_MAX];
	size_t count = 0;
	int err = 0;

	TAILQ_FOREACH(service, &model->dirty, dirty_entry)
	{
		if (count == model->builder_count || (urgent_only && !service->urgent))
			break;
		job_prepare(&jobs[count], service, model->built[count]);
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

static void publish_some(uv_idle_t *idle);

static void retry(uv_timer_t *timer)
{
	struct model *model = timer->data;

	uv_idle_start(&model->publisher, publish_some);
}

/* Works the list off, or as much of it as the time allows. */
static void publish_until(struct model *model, bool urgent_only, __u64 deadline_ns)
{
	struct live_service *first;

	while ((first = TAILQ_FIRST(&model->dirty)) && (!urgent_only || first->urgent)) {
		if (publish_batch(model, urgent_only)) {
			uv_idle_stop(&model->publisher);
			uv_timer_start(&model->publish_retry, retry, RETRY_MS, 0);
			return;
		}
		if (now_ns() > deadline_ns)
			return;
	}
	if (!first)
		uv_idle_stop(&model->publisher);
}

static void publish_some(uv_idle_t *idle)
{
	publish_until(idle->data, false, now_ns() + TURN_NS);
}

static void publish_soon(struct model *model)
{
	if (!uv_is_active((uv_handle_t *)&model->publish_retry))
		uv_idle_start(&model->publisher, publish_some);
}

void publish_urgent(struct model *model)
{
	publish_until(model, true, UINT64_MAX);
}

int publish_init(struct model *model)
{
	TAILQ_INIT(&model->dirty);
	model->publish_soon = publish_soon;
	model->builder_count = uv_available_parallelism();
	if (model->builder_count > BUILDERS_MAX)
		model->builder_count = BUILDERS_MAX;
	model->rows_of_target = calloc(TARGETS_SIZE, sizeof(*model->rows_of_target));
	model->older_rows_of_target = calloc(TARGETS_SIZE, sizeof(*model->older_rows_of_target));
	model->serves = calloc(TARGETS_SIZE, sizeof(*model->serves));
	return model->rows_of_target && model->older_rows_of_target && model->serves ? 0 : -ENOMEM;
}

void publish_free(struct model *model)
{
	free(model->rows_of_target);
	free(model->older_rows_of_target);
	free(model->serves);
	for (size_t i = 0; i < model->builder_count; i++)
		free(model->built[i]);
	free(model->rows);
}
