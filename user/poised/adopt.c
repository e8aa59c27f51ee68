// SPDX-License-Identifier: BSD-2-Clause
/*
 * The services and backends that an earlier poised left in the maps, as if this one had made them:
 * the first reconcile_apply then changes nothing but what differs from the configuration.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "model.h"

/* Whether packets are led to this number: a service that was being made or replaced is not. */
static bool service_live(const struct reconcile *rec, const struct service_name *name, __u32 number)
{
	struct service value;

	if (lb_service_get(rec->deps.lb, &name->key, &value))
		return false;
	return value.number == number && value.row_count == name->row_count;
}

static int service_adopt(struct reconcile *rec, const struct service_name *name, __u32 number)
{
	struct run_service *run = calloc(1, sizeof(*run));
	struct addr addr;
	int err = -ENOMEM;

	if (!run)
		return -ENOMEM;
	run->rec = rec;
	memcpy(run->name, name->name, sizeof(run->name));
	run->name[sizeof(run->name) - 1] = '\0';
	run->key = name->key;
	run->number = number;
	run->row_count = name->row_count;
	run->way.mode = name->mode;
	memcpy(addr.b, name->key.addr, sizeof(addr.b));
	run->way.service_v4 = addr_is_v4(&addr);
	err = lb_rows_open(rec->deps.lb, number, name->row_count, &run->rows);
	if (!err)
		err = numbers_mark(&rec->service_numbers, number);
	if (err) {
		service_free(run);
		return err;
	}
	rec->services[rec->service_count++] = run;
	return 0;
}

/* Numbers whose service cannot be used: their leavings are removed. */
static void service_discard(struct reconcile *rec, __u32 number)
{
	const struct service_name none = { .name = "" };

	lb_rows_delete(rec->deps.lb, &number, 1);
	lb_service_name_set(rec->deps.lb, number, &none);
}

static int services_adopt(struct reconcile *rec)
{
	struct service_name *names = calloc(POISE_MAX_SERVICES, sizeof(*names));
	int err = -ENOMEM;

	rec->services = calloc(POISE_MAX_SERVICES, sizeof(struct run_service *));
	if (!names || !rec->services)
		goto out;
	err = service_names_read(lb_maps(rec->deps.lb), names, POISE_MAX_SERVICES);
	for (__u32 i = 0; i < POISE_MAX_SERVICES && !err; i++) {
		if (!names[i].name[0])
			continue;
		if (service_live(rec, &names[i], i)) {
			err = service_adopt(rec, &names[i], i);
			if (!err || err == -ENOMEM)
				continue;
			log_warn("%s: its rows cannot be taken over: %s; made anew", names[i].name,
				 strerror(-err));
			err = 0;
		}
		service_discard(rec, i);
	}
	qsort(rec->services, rec->service_count, sizeof(*rec->services), service_compare);
out:
	free(names);
	return err;
}

static struct run_service *sorted_find(struct reconcile *rec, const char *name)
{
	struct run_service wanted, *key = &wanted, **found;

	memcpy(wanted.name, name, sizeof(wanted.name));
	wanted.name[sizeof(wanted.name) - 1] = '\0';
	found = bsearch(&key, rec->services, rec->service_count, sizeof(*rec->services),
			service_compare);
	return found ? *found : NULL;
}

static int backend_adopt(struct run_service *service, const struct target_name *name, __u16 target)
{
	struct run_backend *backend;
	struct addr addr;
	int err;

	memcpy(addr.b, name->addr, sizeof(addr.b));
	backend = backend_new(&addr, ntohs(name->port), name->weight);
	if (!backend)
		return -ENOMEM;
	backend->target = target;
	if (name->health < HEALTH_MAX)
		backend->health = name->health;
	err = service_append(service, backend);
	if (err)
		backend_free(backend);
	return err;
}

static int backends_adopt(struct reconcile *rec)
{
	__u32 count = lb_max_targets(rec->deps.lb);
	struct target_name *names = calloc(count, sizeof(*names));
	const struct target_name none = { .service = "" };
	struct run_service *service;
	struct addr addr;
	int err;

	if (!names)
		return -ENOMEM;
	err = target_names_read(lb_maps(rec->deps.lb), names, count);
	for (__u32 i = 1; i < count && !err; i++) {
		if (!names[i].service[0])
			continue;
		memcpy(addr.b, names[i].addr, sizeof(addr.b));
		service = sorted_find(rec, names[i].service);
		if (!service || backend_find(service, &addr, ntohs(names[i].port))) {
			lb_target_name_set(rec->deps.lb, i, &none);
			continue;
		}
		err = numbers_mark(&rec->target_numbers, i);
		if (!err)
			err = backend_adopt(service, &names[i], i);
	}
	free(names);
	return err;
}

/* Those with rows were reachable when these were written; they stay so until a hop says no. */
static void rows_adopt(struct reconcile *rec, struct run_service *service)
{
	const struct row *rows = lb_rows_get(service->rows);
	__u32 targets = lb_max_targets(rec->deps.lb);

	memset(rec->rows_of_target, 0, targets * sizeof(*rec->rows_of_target));
	for (__u32 i = 0; i < service->row_count; i++)
		if (rows[i].current_target < targets)
			rec->rows_of_target[rows[i].current_target]++;
	for (size_t i = 0; i < service->backend_count; i++) {
		struct run_backend *backend = service->backends[i];

		backend->rows = rec->rows_of_target[backend->target];
		backend->reachable = backend->rows;
	}
}

int reconcile_adopt(struct reconcile *rec)
{
	int err = services_adopt(rec);

	if (!err)
		err = backends_adopt(rec);
	if (err)
		return err;
	rec->prune = true;
	for (size_t i = 0; i < rec->service_count; i++)
		rows_adopt(rec, rec->services[i]);
	return 0;
}
