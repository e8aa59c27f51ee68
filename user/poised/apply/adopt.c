// SPDX-License-Identifier: BSD-2-Clause
/*
 * The services and backends that an earlier poised left in the maps, as if this one had made them:
 * the first reconcile_apply then changes nothing but what differs from the configuration.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "apply/reconcile.h"
#include "publish/publish.h"

/* True if packets are led to this number: a service that was being made or replaced has none. */
static bool service_live(const struct model *model, const struct service_name *name, __u32 number,
			 __u16 *flags)
{
	struct service value;

	if (lb_service_get(model->deps.lb, &name->key, &value))
		return false;
	*flags = value.flags;
	return value.number == number && value.row_count == name->row_count;
}

static int service_adopt(struct model *model, const struct service_name *name, __u32 number,
			 __u16 flags)
{
	struct live_service *service = calloc(1, sizeof(*service));
	struct addr addr;
	int err = -ENOMEM;

	if (!service)
		return -ENOMEM;
	service->model = model;
	memcpy(service->name, name->name, sizeof(service->name));
	service->name[sizeof(service->name) - 1] = '\0';
	service->key = name->key;
	service->number = service->published_number = number;
	service->flags = flags;
	service->row_count = name->row_count;
	service->delivery.mode = name->mode;
	service->delivery.port = ntohs(name->key.port);
	service->untracked = rows_untracked(name->mode, name->key.proto, flags);
	service->always = flags & SERVICE_TRACK && !service->untracked;
	memcpy(addr.b, name->key.addr, sizeof(addr.b));
	service->delivery.service_v4 = addr_is_v4(&addr);
	service->published_delivery = service->delivery;
	err = lb_rows_open(model->deps.lb, number, name->row_count, &service->rows);
	if (!err)
		err = numbers_mark(&model->service_numbers, number);
	if (err) {
		service_free(service);
		return err;
	}
	model->services[model->service_count++] = service;
	return 0;
}

/* Numbers whose service cannot be used: their leavings are removed. */
static void service_discard(struct model *model, __u32 number)
{
	const struct service_name none = { .name = "" };

	lb_rows_delete(model->deps.lb, &number, 1);
	lb_service_name_set(model->deps.lb, number, &none);
}

static int services_adopt(struct model *model)
{
	struct service_name *names = calloc(POISE_MAX_SERVICES, sizeof(*names));
	int err = -ENOMEM;
	__u16 flags;

	model->services = calloc(POISE_MAX_SERVICES, sizeof(struct live_service *));
	if (!names || !model->services)
		goto out;
	err = service_names_read(lb_maps(model->deps.lb), names, POISE_MAX_SERVICES);
	for (__u32 i = 0; i < POISE_MAX_SERVICES && !err; i++) {
		if (!names[i].name[0])
			continue;
		if (service_live(model, &names[i], i, &flags)) {
			err = service_adopt(model, &names[i], i, flags);
			if (!err || err == -ENOMEM)
				continue;
			log_warn("%s: its rows cannot be taken over: %s; made anew", names[i].name,
				 strerror(-err));
			err = 0;
		}
		service_discard(model, i);
	}
	qsort(model->services, model->service_count, sizeof(*model->services), service_compare);
out:
	free(names);
	return err;
}

static struct live_service *sorted_find(struct model *model, const char *name)
{
	struct live_service wanted, *key = &wanted, **found;

	memcpy(wanted.name, name, sizeof(wanted.name));
	wanted.name[sizeof(wanted.name) - 1] = '\0';
	found = bsearch(&key, model->services, model->service_count, sizeof(*model->services),
			service_compare);
	return found ? *found : NULL;
}

/* True if its flows were not lost when the maps were last written; see serving.c. */
static bool target_serves(const struct model *model, __u16 target)
{
	struct target value;

	return !lb_target_get(model->deps.lb, target, &value) && value.owner & TARGET_SERVES;
}

/*
 * Whoever serves was reachable, and stays so until a hop says no. Of one that does not serve rows
 * may speak as they did before, and the flow table, too.
 */
static int backend_adopt(struct live_service *service, const struct target_name *name, __u16 target)
{
	struct model *model = service->model;
	struct live_backend *backend;
	struct addr addr;
	int err;

	memcpy(addr.b, name->addr, sizeof(addr.b));
	backend = backend_new(&addr, ntohs(name->port), name->weight);
	if (!backend)
		return -ENOMEM;
	backend->target = target;
	if (name->health < HEALTH_MAX)
		backend->health = name->health;
	if (name->admin < ADMIN_MAX)
		backend->admin = name->admin;
	backend->sorry = name->flags & TARGET_NAME_SORRY;
	backend->serves = backend->reachable = target_serves(model, target);
	/* Or it was about to be left; whoever knows of panic decides. */
	backend->by_panic = backend->serves && backend->health == HEALTH_DOWN;
	if (!backend->serves)
		model->unclean_ns[target] = UNCLEAN_NAMED;
	backend->leaving = name->flags & TARGET_NAME_LEAVING;
	err = service_append(service, backend);
	if (err)
		backend_free(backend);
	return err;
}

/* The service of a number that somebody has; NULL: nobody, or no longer. */
static struct live_service *target_owner(struct model *model, const struct target_name *name,
					 __u16 target)
{
	struct live_service *service = name->service[0] ? sorted_find(model, name->service) : NULL;
	struct addr addr;

	memcpy(addr.b, name->addr, sizeof(addr.b));
	if (!service || backend_find(service, &addr, ntohs(name->port)))
		return NULL;
	if (name->flags & TARGET_NAME_LEAVING && !target_serves(model, target))
		return NULL;
	return service;
}

static int backends_adopt(struct model *model)
{
	__u32 count = lb_max_targets(model->deps.lb);
	struct target_name *names = calloc(count, sizeof(*names));
	struct live_service *service;
	int err;

	if (!names)
		return -ENOMEM;
	err = target_names_read(lb_maps(model->deps.lb), names, count);
	for (__u32 i = 1; i < count && !err; i++) {
		service = target_owner(model, &names[i], i);
		if (!service)
			continue;
		err = numbers_mark(&model->target_numbers, i);
		if (!err)
			err = backend_adopt(service, &names[i], i);
	}
	free(names);
	return err;
}

/* Numbers that nobody has may be in the flow table still, and in rows that were not stored. */
static void rest_retire(struct model *model)
{
	__u32 count = lb_max_targets(model->deps.lb), *places = model->rows_of_target;

	for (__u32 i = 1; i < count; i++) {
		if (model->target_numbers.used[i])
			continue;
		numbers_hold(&model->target_numbers, i);
		target_retire(model, i, NULL);
		places[i] = model->retired_count;
	}
	for (size_t i = 0; i < model->service_count; i++) {
		struct live_service *service = model->services[i];
		const struct row *rows = lb_rows_get(service->rows);

		for (__u32 j = 0; j < service->row_count; j++) {
			const __u16 named[] = { rows[j].current_target, rows[j].previous_target };

			for (int k = 0; k < 2; k++) {
				if (!places[named[k]])
					continue;
				model->retired[places[named[k]] - 1].service = service;
				model->unclean_ns[named[k]] = UNCLEAN_NAMED;
			}
		}
	}
	memset(places, 0, count * sizeof(*places));
}

static void rows_adopt(struct live_service *service)
{
	service->stored_ns = now_ns();
	rows_count(service);
	for (size_t i = 0; i < service_members(service); i++) {
		struct live_backend *backend = service_member(service, i);

		/* One that had rows does not begin to be usable. */
		backend->weight_now = backend->rows;
	}
}

int reconcile_adopt(struct model *model)
{
	int err = services_adopt(model);

	if (!err)
		err = backends_adopt(model);
	if (!err)
		err = nat_adopt(model);
	if (err)
		return err;
	model->prune = true;
	rest_retire(model);
	for (size_t i = 0; i < model->service_count; i++)
		rows_adopt(model->services[i]);
	return 0;
}
