// SPDX-License-Identifier: BSD-2-Clause
/*
 * The first half of a change: finds what stays and gets hold of what is new, so that the second
 * half cannot fail. What it took is given back by plan_undo.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "apply/plan.h"
#include "publish/mode_work.h"
#include "publish/publish.h"
#include "sweeper/sweeper.h"

__attribute__((format(printf, 3, 4))) static int fail(struct conf_error *error, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

/* A copy of the services' pointers, sorted by name. NULL without memory. */
static struct live_service **services_sorted(const struct model *model)
{
	struct live_service **sorted =
		calloc(model->service_count + 1, sizeof(struct live_service *));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < model->service_count; i++)
		sorted[i] = model->services[i];
	qsort(sorted, model->service_count, sizeof(*sorted), service_compare);
	return sorted;
}

static struct live_service *service_sorted_find(struct live_service **sorted, size_t count,
						const char *name)
{
	struct live_service wanted, *key = &wanted, **found;

	snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	found = bsearch(&key, sorted, count, sizeof(*sorted), service_compare);
	return found ? *found : NULL;
}

/* True if backends see other addresses than those that clients send to. */
static bool mode_readdresses(enum poise_mode mode)
{
	return mode_has_replies(mode) || mode_has_sockets(mode);
}

/* Why flows are given other rows, or have other hashes, so that nothing of the old table holds;
 * NULL: it does. */
static const char *table_outdated(const struct live_service *old, const struct conf_service *conf)
{
	enum poise_mode mode = old ? old->delivery.mode : MODE_NONE;

	if (!old)
		return "all";
	if (mode != conf->mode && (mode_readdresses(mode) || mode_readdresses(conf->mode)))
		return strcmp(mode_name(mode), mode_name(conf->mode)) ? "`mode`" : "`source`";
	if (old->key.proto != conf->proto)
		return "the protocol";
	if (nat_renumbers(old, conf))
		return "the address, by nat,";
	if (old->row_count != conf->rows)
		return "`rows`";
	return !(old->flags & SERVICE_HASH_SOURCE) != !conf->hash_source ? "`hash`" : NULL;
}

static int service_plan(struct model *model, struct plan_service *planned, struct live_service *old)
{
	const struct conf_service *conf = planned->conf;

	planned->backends = calloc(conf->backend_count + 1, sizeof(struct live_backend *));
	planned->leaving =
		calloc((old ? service_members(old) : 0) + 1, sizeof(struct live_backend *));
	if (!planned->backends || !planned->leaving)
		return -ENOMEM;
	planned->new_table = table_outdated(old, conf);
	if (old) {
		old->wanted = true;
		planned->service = old;
		return 0;
	}
	planned->service = calloc(1, sizeof(*planned->service));
	if (!planned->service)
		return -ENOMEM;
	planned->is_new = true;
	planned->service->model = model;
	memcpy(planned->service->name, conf->name, sizeof(conf->name));
	planned->service->key = service_key_of(conf);
	return 0;
}

static int backends_match(struct plan_service *planned)
{
	const struct conf_service *conf = planned->conf;
	struct live_service *service = planned->service;
	size_t count = service_members(service);
	struct live_backend **sorted = calloc(count + 1, sizeof(struct live_backend *));

	if (!sorted)
		return -ENOMEM;
	/* One that leaves is taken back with its number and its flows. */
	for (size_t i = 0; i < count; i++)
		sorted[i] = service_member(service, i);
	qsort(sorted, count, sizeof(*sorted), backend_compare);
	for (size_t i = 0; i < conf->backend_count; i++) {
		struct live_backend wanted = { .addr = conf->backends[i].addr,
					       .port = conf->backends[i].port };
		struct live_backend *key = &wanted, **found;

		found = bsearch(&key, sorted, count, sizeof(*sorted), backend_compare);
		if (found) {
			planned->backends[i] = *found;
			(*found)->wanted = true;
		}
	}
	free(sorted);
	return 0;
}

/* A socket of this host has no next hop. */
static int watch(struct live_backend *backend, const struct conf_service *conf)
{
	return mode_has_sockets(conf->mode) ? 0 : backend_watch(backend);
}

/* Makes the backends that are missing; their numbers were counted before. */
static int backends_make(struct model *model, struct plan_service *planned)
{
	const struct conf_service *conf = planned->conf;
	__u32 number;
	int err;

	for (size_t i = 0; i < conf->backend_count; i++) {
		const struct conf_backend *want = &conf->backends[i];
		struct live_backend *backend = planned->backends[i];

		if (!backend) {
			backend = backend_new(&want->addr, want->port, want->weight);
			if (!backend)
				return -ENOMEM;
			backend->fresh = true;
			backend->service = planned->service;
			planned->backends[i] = backend;
			err = numbers_take(&model->target_numbers, &number);
			if (err)
				return err;
			backend->target = number;
		}
		err = watch(backend, conf);
		if (err)
			return err;
	}
	/* Some of these leave, and some may have been found leaving. */
	for (size_t i = 0; i < service_members(planned->service); i++) {
		err = watch(service_member(planned->service, i), conf);
		if (err)
			return err;
	}
	return 0;
}

static size_t leaving_count(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->service_count; i++)
		count += model->services[i]->leaving_count;
	return count;
}

/* Numbers of targets for backends that are new. */
static size_t targets_wanted(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->services[i].conf->backend_count; j++)
			count += !plan->services[i].backends[j];
	return count;
}

/* Refuses a plan if there are too few numbers for what is new, or too few rows for the backends. */
static int capacity_check(struct model *model, const struct plan *plan, struct conf_error *error)
{
	size_t targets = targets_wanted(plan), tables = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct conf_service *conf = plan->services[i].conf;

		if (conf->backend_count >= conf->rows) {
			snprintf(error->path, sizeof(error->path), "services[%zu].rows", i);
			return fail(error, -EINVAL,
				    "rows: %u rows are too few for %zu backends: more rows than "
				    "backends are needed, better a hundred times as many",
				    conf->rows, conf->backend_count);
		}
		tables += plan->services[i].new_table != NULL;
	}
	if (targets > numbers_left(&model->target_numbers))
		return fail(error, -EINVAL,
			    "%zu new backends, but only %u of %u numbers for them are free (%zu are"
			    " removed backends' that still have connections): raise `max_backends`"
			    " in the configuration file and restart poised",
			    targets, numbers_left(&model->target_numbers),
			    lb_max_targets(model->deps.lb) - 1, leaving_count(model));
	if (tables > numbers_left(&model->service_numbers))
		return fail(error, -EINVAL,
			    "%zu new services, but only %u of %u numbers for them are free", tables,
			    numbers_left(&model->service_numbers), POISE_MAX_SERVICES);
	return 0;
}

/* All new row tables at once: one wait for RCU in place of a thousand. */
static int tables_make(struct model *model, struct plan *plan, struct conf_error *error)
{
	__u32 *numbers = calloc(plan->count + 1, sizeof(*numbers));
	__u32 *sizes = calloc(plan->count + 1, sizeof(*sizes));
	struct lb_rows **tables = calloc(plan->count + 1, sizeof(*tables));
	size_t count = 0;
	int err = numbers && sizes && tables ? 0 : -ENOMEM;

	for (size_t i = 0; i < plan->count && !err; i++) {
		struct plan_service *planned = &plan->services[i];

		err = publish_reserve(model, planned->conf->rows);
		if (err || !planned->new_table)
			continue;
		err = numbers_take(&model->service_numbers, &planned->number);
		planned->number_taken = !err;
		sweeper_number_taken(model->sweeper, planned->number);
		numbers[count] = planned->number;
		sizes[count++] = planned->conf->rows;
	}
	if (!err && count) {
		err = lb_rows_create(model->deps.lb, numbers, sizes, count, tables);
		if (err)
			fail(error, err, "cannot make %zu row tables: %s", count, strerror(-err));
	}
	count = 0;
	for (size_t i = 0; i < plan->count && !err; i++)
		if (plan->services[i].new_table)
			plan->services[i].rows = tables[count++];
	free(tables);
	free(sizes);
	free(numbers);
	return err;
}

/* Finds what stays and what is new. Nothing is taken yet. 0 or -ENOMEM. */
static int services_plan(struct model *model, const struct conf *conf, struct plan *plan)
{
	struct live_service **sorted = services_sorted(model);
	int err;

	plan->services = calloc(conf->service_count + 1, sizeof(*plan->services));
	plan->count = 0;
	err = sorted && plan->services ? 0 : -ENOMEM;
	for (size_t i = 0; i < conf->service_count && !err; i++) {
		struct plan_service *planned = &plan->services[i];

		planned->conf = &conf->services[i];
		plan->count++;
		err = service_plan(
			model, planned,
			service_sorted_find(sorted, model->service_count, planned->conf->name));
		if (!err)
			err = backends_match(planned);
	}
	free(sorted);
	return err;
}

int plan_room(struct model *model, const struct conf *conf)
{
	size_t backends = 0;
	struct plan plan;
	int err;

	for (size_t i = 0; i < conf->service_count; i++)
		backends += conf->services[i].backend_count;
	if (backends <= numbers_left(&model->target_numbers) ||
	    (!model->retired_count && !leaving_count(model)))
		return 0;
	err = services_plan(model, conf, &plan);
	if (!err && targets_wanted(&plan) > numbers_left(&model->target_numbers))
		err = -EAGAIN;
	plan_undo(model, &plan);
	return err;
}

int plan_make(struct model *model, const struct conf *conf, struct plan *plan,
	      struct conf_error *error)
{
	int err = services_plan(model, conf, plan);

	memset(error, 0, sizeof(*error));
	if (!err)
		err = capacity_check(model, plan, error);
	if (!err)
		err = mode_work_plan(model, conf, error);
	for (size_t i = 0; i < plan->count && !err; i++)
		err = backends_make(model, &plan->services[i]);
	if (!err)
		err = tables_make(model, plan, error);
	if (err && !error->text[0])
		fail(error, err, "cannot prepare the change: %s", strerror(-err));
	if (err)
		plan_undo(model, plan);
	return err;
}

static void service_undo(struct model *model, struct plan_service *planned)
{
	size_t count = planned->backends ? planned->conf->backend_count : 0;

	for (size_t i = 0; i < count; i++) {
		struct live_backend *backend = planned->backends[i];

		if (backend && backend->fresh) {
			if (backend->target)
				numbers_release(&model->target_numbers, backend->target);
			backend_free(backend);
		} else if (backend) {
			backend->wanted = false;
		}
	}
	if (planned->rows) {
		lb_rows_close(planned->rows);
		lb_rows_delete(model->deps.lb, &planned->number, 1);
	}
	if (planned->number_taken)
		numbers_release(&model->service_numbers, planned->number);
	if (planned->is_new)
		service_free(planned->service);
	else if (planned->service)
		planned->service->wanted = false;
}

void plan_undo(struct model *model, struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		service_undo(model, &plan->services[i]);
	plan_free(plan);
	mode_work_undo(model);
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->services[i].backends);
		free(plan->services[i].leaving);
	}
	free(plan->services);
	plan->services = NULL;
	plan->count = 0;
}
