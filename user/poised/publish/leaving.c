// SPDX-License-Identifier: BSD-2-Clause
/*
 * The end of a backend. One that serves when it is removed leaves: rows give new flows to others,
 * and it goes on with those it has until no row and no entry of the flow table names it. One that
 * does not serve is gone at once; its number is given out again once nothing names it, either.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "locals.h"
#include "log.h"
#include "model.h"
#include "sweeper.h"

/* Entries first, the name last: killed in between, the next poised does the rest. */
static void target_clear(struct reconcile *rec, __u16 target)
{
	const struct target none = { .mode = MODE_NONE };
	int err = lb_target_set(rec->deps.lb, target, &none);

	if (err)
		log_err("targets: entry %u: %s", target, strerror(-err));
}

static void target_name_clear(struct reconcile *rec, __u16 target)
{
	const struct target_name none = { .service = "" };
	int err = lb_target_name_set(rec->deps.lb, target, &none);

	if (err)
		log_err("target_names: entry %u: %s", target, strerror(-err));
}

void target_retire(struct reconcile *rec, __u16 target, struct run_service *named_by)
{
	const struct target_life lost = { 0 };
	struct target value;

	/* Its packets find their way for as long as a row names it, but its entries are nothing any
	 * more. */
	if (!lb_target_get(rec->deps.lb, target, &value)) {
		target_life_set(&value, &lost);
		lb_target_set(rec->deps.lb, target, &value);
	}
	target_name_clear(rec, target);
	rec->unclean_ns[target] = named_by ? UNCLEAN_NAMED : now_ns();
	/* As many as there are numbers, so that it never has to grow. */
	rec->retired[rec->retired_count++] =
		(struct retired){ .target = target, .service = named_by };
	sweeper_wake(rec->sweeper);
}

void retired_unnamed(struct run_service *service)
{
	struct reconcile *rec = service->rec;
	__u64 now = now_ns();

	for (size_t i = 0; i < rec->retired_count; i++) {
		struct retired *retired = &rec->retired[i];

		if (retired->service != service)
			continue;
		retired->service = NULL;
		rec->unclean_ns[retired->target] = now;
	}
}

void retired_release(struct reconcile *rec)
{
	size_t kept = 0;

	for (size_t i = 0; i < rec->retired_count; i++) {
		struct retired retired = rec->retired[i];

		if (retired.service || rec->unclean_ns[retired.target]) {
			rec->retired[kept++] = retired;
			continue;
		}
		target_clear(rec, retired.target);
		numbers_release(&rec->target_numbers, retired.target);
	}
	rec->retired_count = kept;
}

/* room: for all members. */
void backends_leave(struct run_service *service, struct run_backend **room)
{
	size_t count = 0;

	for (size_t i = 0; i < service_members(service); i++) {
		struct run_backend *backend = service_member(service, i);

		if (backend->wanted)
			continue;
		service_dirty(service, true);
		if (!backend->serves) {
			target_retire(service->rec, backend->target, service);
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

static void leaving_drop(struct run_service *service, size_t i)
{
	struct run_backend *backend = service->leaving[i];

	service->leaving[i] = service->leaving[--service->leaving_count];
	service->rec->sides_due = true;
	backend_free(backend);
}

void leaving_lost(struct run_service *service)
{
	/* Only new ones are led by rows and targets. */
	bool kept = locals_has(service) && service->key.proto == IPPROTO_TCP;
	char id[ENDPOINT_TEXT_SIZE];

	for (size_t i = service->leaving_count; i-- > 0;) {
		struct run_backend *backend = service->leaving[i];

		if (backend->serves)
			continue;
		log_info("%s: removed backend %s serves no more: its connections %s", service->name,
			 endpoint_format(&backend->addr, backend->port, id),
			 kept ? "are the kernel's, and not counted any more" : "are lost");
		target_retire(service->rec, backend->target, NULL);
		leaving_drop(service, i);
	}
}

void leaving_empty(struct run_service *service, size_t i)
{
	struct reconcile *rec = service->rec;
	struct run_backend *backend = service->leaving[i];
	char id[ENDPOINT_TEXT_SIZE];

	log_info("%s: removed backend %s has no connections left", service->name,
		 endpoint_format(&backend->addr, backend->port, id));
	target_clear(rec, backend->target);
	target_name_clear(rec, backend->target);
	numbers_release(&rec->target_numbers, backend->target);
	leaving_drop(service, i);
}
