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
static bool service_live(const struct reconcile *rec, const struct service_name *name, __u32 number,
			 __u16 *flags)
{
	struct service value;

	if (lb_service_get(rec->deps.lb, &name->key, &value))
		return false;
	*flags = value.flags;
	return value.number == number && value.row_count == name->row_count;
}

static int service_adopt(struct reconcile *rec, const struct service_name *name, __u32 number,
			 __u16 flags)
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
	run->number = run->live_number = number;
	run->flags = flags;
	run->row_count = name->row_count;
	run->way.mode = name->mode;
	run->way.port = ntohs(name->key.port);
	run->untracked = rows_untracked(name->mode, name->key.proto, flags);
	run->always = flags & SERVICE_TRACK && !run->untracked;
	memcpy(addr.b, name->key.addr, sizeof(addr.b));
	run->way.service_v4 = addr_is_v4(&addr);
	run->live_way = run->way;
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
	__u16 flags;

	rec->services = calloc(POISE_MAX_SERVICES, sizeof(struct run_service *));
	if (!names || !rec->services)
		goto out;
	err = service_names_read(lb_maps(rec->deps.lb), names, POISE_MAX_SERVICES);
	for (__u32 i = 0; i < POISE_MAX_SERVICES && !err; i++) {
		if (!names[i].name[0])
			continue;
		if (service_live(rec, &names[i], i, &flags)) {
			err = service_adopt(rec, &names[i], i, flags);
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

/* Whether its flows were not lost when the maps were last written; see serving.c. */
static bool target_serves(const struct reconcile *rec, __u16 target)
{
	struct target value;

	return !lb_target_get(rec->deps.lb, target, &value) && value.owner & TARGET_SERVES;
}

/*
 * Whoever serves was reachable, and stays so until a hop says no. Of one that does not serve rows
 * may speak as they did before, and the flow table, too.
 */
static int backend_adopt(struct run_service *service, const struct target_name *name, __u16 target)
{
	struct reconcile *rec = service->rec;
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
	if (name->admin < ADMIN_MAX)
		backend->admin = name->admin;
	backend->sorry = name->flags & TARGET_NAME_SORRY;
	backend->serves = backend->reachable = target_serves(rec, target);
	/* Or it was about to be left; whoever knows of panic decides. */
	backend->by_panic = backend->serves && backend->health == HEALTH_DOWN;
	if (!backend->serves)
		rec->unclean_ns[target] = UNCLEAN_NAMED;
	backend->leaving = name->flags & TARGET_NAME_LEAVING;
	err = service_append(service, backend);
	if (err)
		backend_free(backend);
	return err;
}

/* The service of a number that somebody has; NULL: nobody, or no longer. */
static struct run_service *target_owner(struct reconcile *rec, const struct target_name *name,
					__u16 target)
{
	struct run_service *service = name->service[0] ? sorted_find(rec, name->service) : NULL;
	struct addr addr;

	memcpy(addr.b, name->addr, sizeof(addr.b));
	if (!service || backend_find(service, &addr, ntohs(name->port)))
		return NULL;
	if (name->flags & TARGET_NAME_LEAVING && !target_serves(rec, target))
		return NULL;
	return service;
}

static int backends_adopt(struct reconcile *rec)
{
	__u32 count = lb_max_targets(rec->deps.lb);
	struct target_name *names = calloc(count, sizeof(*names));
	struct run_service *service;
	int err;

	if (!names)
		return -ENOMEM;
	err = target_names_read(lb_maps(rec->deps.lb), names, count);
	for (__u32 i = 1; i < count && !err; i++) {
		service = target_owner(rec, &names[i], i);
		if (!service)
			continue;
		err = numbers_mark(&rec->target_numbers, i);
		if (!err)
			err = backend_adopt(service, &names[i], i);
	}
	free(names);
	return err;
}

/* Numbers that nobody has may be in the flow table still, and in rows that were not stored. */
static void rest_retire(struct reconcile *rec)
{
	__u32 count = lb_max_targets(rec->deps.lb), *places = rec->rows_of_target;

	for (__u32 i = 1; i < count; i++) {
		if (rec->target_numbers.used[i])
			continue;
		numbers_hold(&rec->target_numbers, i);
		target_retire(rec, i, NULL);
		places[i] = rec->retired_count;
	}
	for (size_t i = 0; i < rec->service_count; i++) {
		struct run_service *run = rec->services[i];
		const struct row *rows = lb_rows_get(run->rows);

		for (__u32 j = 0; j < run->row_count; j++) {
			const __u16 named[] = { rows[j].current_target, rows[j].previous_target };

			for (int k = 0; k < 2; k++) {
				if (!places[named[k]])
					continue;
				rec->retired[places[named[k]] - 1].service = run;
				rec->unclean_ns[named[k]] = UNCLEAN_NAMED;
			}
		}
	}
	memset(places, 0, count * sizeof(*places));
}

static void rows_adopt(struct run_service *service)
{
	service->stored_ns = now_ns();
	rows_count(service);
	for (size_t i = 0; i < service_members(service); i++) {
		struct run_backend *backend = service_member(service, i);

		/* One that had rows does not begin to be usable. */
		backend->weight_now = backend->rows;
	}
}

int reconcile_adopt(struct reconcile *rec)
{
	int err = services_adopt(rec);

	if (!err)
		err = backends_adopt(rec);
	if (!err)
		err = nat_adopt(rec);
	if (err)
		return err;
	rec->prune = true;
	rest_retire(rec);
	for (size_t i = 0; i < rec->service_count; i++)
		rows_adopt(rec->services[i]);
	return 0;
}
