// SPDX-License-Identifier: BSD-2-Clause
/* The list of services whose rows may have to change. */
#include "model/model.h"

#define LATER_MS 100

void service_dirty(struct live_service *service, bool urgent)
{
	struct model *model = service->model;

	if (service->dirty && (service->urgent || !urgent))
		return;
	service_clean(service);
	service->dirty = true;
	service->urgent = urgent;
	service->dirty_since_ns = now_ns();
	/* One of a thousand that wait for each other says nothing of how long a change takes. */
	service->timed = urgent || TAILQ_EMPTY(&model->dirty);
	if (urgent)
		TAILQ_INSERT_HEAD(&model->dirty, service, dirty_entry);
	else
		TAILQ_INSERT_TAIL(&model->dirty, service, dirty_entry);
	model->publish_soon(model);
}

void service_clean(struct live_service *service)
{
	if (service->dirty)
		TAILQ_REMOVE(&service->model->dirty, service, dirty_entry);
	service->dirty = service->urgent = false;
}

static void later_due(uv_timer_t *timer)
{
	struct model *model = timer->data;

	for (size_t i = 0; i < model->service_count; i++) {
		if (model->services[i]->later)
			service_dirty(model->services[i], false);
		model->services[i]->later = false;
	}
}

void service_dirty_later(struct live_service *service)
{
	uv_timer_t *timer = &service->model->later;

	service->later = true;
	if (!uv_is_active((uv_handle_t *)timer))
		uv_timer_start(timer, later_due, LATER_MS, 0);
}

static bool service_has_rows(const struct live_service *service)
{
	for (size_t i = 0; i < service->backend_count; i++)
		if (service->backends[i]->rows)
			return true;
	return false;
}

/* True once checks and neighbours have answered for all of its backends. */
static bool service_known(const struct live_service *service)
{
	for (size_t i = 0; i < service->backend_count; i++) {
		const struct live_backend *backend = service->backends[i];

		if (backend->health == HEALTH_CHECKING || !backend->hop_told ||
		    backend->hop.state == NEXTHOP_RESOLVING)
			return false;
	}
	return true;
}

/*
 * First news of backends come by the thousand: they wait for each other. So they do for a service
 * that begins, a moment: what the first backend would be given, the others would have to take from
 * it again, and its rows would be moving for as long as flows may be silent.
 */
void service_dirty_news(struct live_service *service, bool first_news)
{
	if (!first_news)
		service_dirty(service, true);
	else if (service_has_rows(service) || !service_known(service))
		service_dirty_later(service);
	else
		service_dirty(service, false);
}
