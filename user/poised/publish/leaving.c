// SPDX-License-Identifier: BSD-2-Clause
/*
 * The end of a backend. One that serves when it is removed leaves: rows give new flows to others,
 * and it goes on with those it has until no row and no entry of the flow table names it. One that
 * does not serve is gone at once; its number is given out again once nothing names it, either.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "publish/publish.h"

/* Entries first, the name last: killed in between, the next poised does the rest. */
static void target_clear(struct model *model, __u16 target)
{
	const struct target none = { .mode = MODE_NONE };
	int err = lb_target_set(model->deps.lb, target, &none);

	if (err)
		log_err("targets: entry %u: %s", target, strerror(-err));
}

static void target_name_clear(struct model *model, __u16 target)
{
	const struct target_name none = { .service = "" };
	int err = lb_target_name_set(model->deps.lb, target, &none);

	if (err)
		log_err("target_names: entry %u: %s", target, strerror(-err));
}

void target_retire(struct model *model, __u16 target, struct live_service *named_by)
{
	const struct target_flow_times lost = { 0 };
	struct target value;

	/* Its packets find their way for as long as a row names it, but its entries are nothing any
	 * more. */
	if (!lb_target_get(model->deps.lb, target, &value)) {
		target_flow_times_set(&value, &lost);
		lb_target_set(model->deps.lb, target, &value);
	}
	target_name_clear(model, target);
	model->unclean_ns[target] = named_by ? UNCLEAN_NAMED : now_ns();
	/* As many as there are numbers, so that it never has to grow. */
	model->retired[model->retired_count++] =
		(struct retired){ .target = target, .service = named_by };
	model->sweep_soon(model);
}

void retired_unnamed(struct live_service *service)
{
	struct model *model = service->model;
	__u64 now = now_ns();

	for (size_t i = 0; i < model->retired_count; i++) {
		struct retired *retired = &model->retired[i];

		if (retired->service != service)
			continue;
		retired->service = NULL;
		model->unclean_ns[retired->target] = now;
	}
}

void retired_release(struct model *model)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->retired_count; i++) {
		struct retired retired = model->retired[i];

		if (retired.service || model->unclean_ns[retired.target]) {
			model->retired[kept++] = retired;
			continue;
		}
		target_clear(model, retired.target);
		numbers_release(&model->target_numbers, retired.target);
	}
	model->retired_count = kept;
}

/* room: for all members. */
void backends_leave(struct live_service *service, struct live_backend **room)
{
	size_t count = 0;

	for (size_t i = 0; i < service_members(service); i++) {
		struct live_backend *backend = service_member(service, i);

		if (backend->wanted)
			continue;
		service_dirty(service, true);
		if (!backend->serves) {
			target_retire(service->model, backend->target, service);
			backend_free(backend);
			continue;
		}
		room[count++] = backend;
		if (!backend->leaving) {
			backend->leaving = true;
			target_name_write(backend);
		}
	}
	free(service->leaving);
	service->leaving = room;
	service->leaving_count = count;
}

static void leaving_drop(struct live_service *service, size_t i)
{
	struct live_backend *backend = service->leaving[i];

	service->leaving[i] = service->leaving[--service->leaving_count];
	service->model->extras_due = true;
	backend_free(backend);
}

void leaving_lost(struct live_service *service)
{
	/* Only new ones are led by rows and targets. */
	bool kept = mode_has_sockets(service->delivery.mode) && service->key.proto == IPPROTO_TCP;
	char id[ENDPOINT_TEXT_SIZE];

	for (size_t i = service->leaving_count; i-- > 0;) {
		struct live_backend *backend = service->leaving[i];

		if (backend->serves)
			continue;
		log_info("%s: removed backend %s serves no more: its connections %s", service->name,
			 endpoint_format(&backend->addr, backend->port, id),
			 kept ? "are the kernel's, and not counted any more" : "are lost");
		target_retire(service->model, backend->target, NULL);
		leaving_drop(service, i);
	}
}

void leaving_empty(struct live_service *service, size_t i)
{
	struct model *model = service->model;
	struct live_backend *backend = service->leaving[i];
	char id[ENDPOINT_TEXT_SIZE];

	log_info("%s: removed backend %s has no connections left", service->name,
		 endpoint_format(&backend->addr, backend->port, id));
	target_clear(model, backend->target);
	target_name_clear(model, backend->target);
	numbers_release(&model->target_numbers, backend->target);
	leaving_drop(service, i);
}
