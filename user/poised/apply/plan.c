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

#include "locals.h"
#include "model.h"
#include "pass.h"
#include "sweeper.h"

__attribute__((format(printf, 3, 4))) static int fail(struct conf_error *error, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

struct service_key service_key_of(const struct conf_service *conf)
{
	struct service_key key = { .port = htons(conf->port),
				   .proto = conf->proto,
				   .kind = conf->mode == MODE_LOCAL ? KEY_LOCAL : KEY_SERVICE };

	memcpy(key.addr, conf->addr.b, sizeof(key.addr));
	return key;
}

/* A copy of the services' pointers, sorted by name. NULL without memory. */
static struct run_service **services_sorted(const struct reconcile *rec)
{
	struct run_service **sorted = calloc(rec->service_count + 1, sizeof(struct run_service *));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < rec->service_count; i++)
		sorted[i] = rec->services[i];
	qsort(sorted, rec->service_count, sizeof(*sorted), service_compare);
	return sorted;
}

static struct run_service *service_sorted_find(struct run_service **sorted, size_t count,
					       const char *name)
{
	struct run_service wanted, *key = &wanted, **found;

	snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	found = bsearch(&key, sorted, count, sizeof(*sorted), service_compare);
	return found ? *found : NULL;
}

static bool is_nat(enum poise_mode mode)
{
	return mode == MODE_NAT || mode == MODE_NAT_KEEP;
}

/* Modes by which backends know a connection by other addresses. */
static bool mode_readdresses(enum poise_mode old, enum poise_mode mode)
{
	return old != mode &&
	       (is_nat(old) || is_nat(mode) || old == MODE_LOCAL || mode == MODE_LOCAL);
}

/* Why flows are given other rows, or have other hashes, so that nothing of the old table holds;
 * NULL: it does. */
static const char *table_outdated(const struct run_service *old, const struct conf_service *conf)
{
	if (!old)
		return "all";
	if (mode_readdresses(old->way.mode, conf->mode))
		return is_nat(old->way.mode) && is_nat(conf->mode) ? "`source`" : "`mode`";
	if (old->key.proto != conf->proto)
		return "the protocol";
	if (nat_renumbers(old, conf))
		return "the address, by nat,";
	if (old->row_count != conf->rows)
		return "`rows`";
	return !(old->flags & SERVICE_HASH_SOURCE) != !conf->hash_source ? "`hash`" : NULL;
}

static int service_plan(struct reconcile *rec, struct plan_service *planned,
			struct run_service *old)
{
	const struct conf_service *conf = planned->conf;

	planned->backends = calloc(conf->backend_count + 1, sizeof(struct run_backend *));
	planned->leaving =
		calloc((old ? service_members(old) : 0) + 1, sizeof(struct run_backend *));
	if (!planned->backends || !planned->leaving)
		return -ENOMEM;
	planned->new_table = table_outdated(old, conf);
	if (old) {
		old->wanted = true;
		planned->run = old;
		return 0;
	}
	planned->run = calloc(1, sizeof(*planned->run));
	if (!planned->run)
		return -ENOMEM;
	planned->is_new = true;
	planned->run->rec = rec;
	memcpy(planned->run->name, conf->name, sizeof(conf->name));
	planned->run->key = service_key_of(conf);
	return 0;
}

static int backends_match(struct plan_service *planned)
{
	const struct conf_service *conf = planned->conf;
	struct run_service *run = planned->run;
	size_t count = service_members(run);
	struct run_backend **sorted = calloc(count + 1, sizeof(struct run_backend *));

	if (!sorted)
		return -ENOMEM;
	/* One that leaves is taken back with its number and its flows. */
	for (size_t i = 0; i < count; i++)
		sorted[i] = service_member(run, i);
	qsort(sorted, count, sizeof(*sorted), backend_compare);
	for (size_t i = 0; i < conf->backend_count; i++) {
		struct run_backend wanted = { .addr = conf->backends[i].addr,
					      .port = conf->backends[i].port };
		struct run_backend *key = &wanted, **found;

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
static int watch(struct run_backend *backend, const struct conf_service *conf)
{
	return conf->mode == MODE_LOCAL ? 0 : backend_watch(backend);
}

/* Makes the backends that are missing; their numbers were counted before. */
static int backends_make(struct reconcile *rec, struct plan_service *planned)
{
	const struct conf_service *conf = planned->conf;
	__u32 number;
	int err;

	for (size_t i = 0; i < conf->backend_count; i++) {
		const struct conf_backend *want = &conf->backends[i];
		struct run_backend *backend = planned->backends[i];

		if (!backend) {
			backend = backend_new(&want->addr, want->port, want->weight);
			if (!backend)
				return -ENOMEM;
			backend->fresh = true;
			backend->service = planned->run;
			planned->backends[i] = backend;
			err = numbers_take(&rec->target_numbers, &number);
			if (err)
				return err;
			backend->target = number;
		}
		err = watch(backend, conf);
		if (err)
			return err;
	}
	/* Some of these leave, and some may have been found leaving. */
	for (size_t i = 0; i < service_members(planned->run); i++) {
		err = watch(service_member(planned->run, i), conf);
		if (err)
			return err;
	}
	return 0;
}

static size_t leaving_count(const struct reconcile *rec)
{
	size_t count = 0;

	for (size_t i = 0; i < rec->service_count; i++)
		count += rec->services[i]->leaving_count;
	return count;
}

/* Those of backends that are gone may only wait for a pass over the flow table, the latest of them
 * for packets that are on their way. */
static void numbers_free_up(struct reconcile *rec, size_t wanted)
{
	for (int try = 0; try < 2 && wanted > numbers_left(&rec->target_numbers) &&
			  (rec->retired_count || leaving_count(rec));
	     try++) {
		if (try)
			wait_ns(IN_FLIGHT_NS);
		sweeper_pass(rec->sweeper);
	}
}

/* Whether there are numbers for what is new, and rows for what there is. */
static int capacity_check(struct reconcile *rec, const struct plan *plan, struct conf_error *error)
{
	size_t targets = 0, tables = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct conf_service *conf = plan->services[i].conf;

		if (conf->backend_count >= conf->rows) {
			snprintf(error->path, sizeof(error->path), "services[%zu].rows", i);
			return fail(error, -EINVAL,
				    "rows: %u rows are too few for %zu backends: more rows than "
				    "backends are needed, better a hundred times as many",
				    conf->rows, conf->backend_count);
		}
		for (size_t j = 0; j < conf->backend_count; j++)
			targets += !plan->services[i].backends[j];
		tables += plan->services[i].new_table != NULL;
	}
	numbers_free_up(rec, targets);
	if (targets > numbers_left(&rec->target_numbers))
		return fail(error, -EINVAL,
			    "%zu new backends, but only %u of %u numbers for them are free (%zu are"
			    " removed backends' that still have connections): raise `max_backends`"
			    " in the configuration file and restart poised",
			    targets, numbers_left(&rec->target_numbers),
			    lb_max_targets(rec->deps.lb) - 1, leaving_count(rec));
	if (tables > numbers_left(&rec->service_numbers))
		return fail(error, -EINVAL,
			    "%zu new services, but only %u of %u numbers for them are free", tables,
			    numbers_left(&rec->service_numbers), POISE_MAX_SERVICES);
	return 0;
}

/* All new row tables at once: one wait for RCU in place of a thousand. */
static int tables_make(struct reconcile *rec, struct plan *plan, struct conf_error *error)
{
	__u32 *numbers = calloc(plan->count + 1, sizeof(*numbers));
	__u32 *sizes = calloc(plan->count + 1, sizeof(*sizes));
	struct lb_rows **tables = calloc(plan->count + 1, sizeof(*tables));
	size_t count = 0;
	int err = numbers && sizes && tables ? 0 : -ENOMEM;

	for (size_t i = 0; i < plan->count && !err; i++) {
		struct plan_service *planned = &plan->services[i];

		err = publish_reserve(rec, planned->conf->rows);
		if (err || !planned->new_table)
			continue;
		err = numbers_take(&rec->service_numbers, &planned->number);
		planned->number_taken = !err;
		sweeper_number_taken(rec->sweeper, planned->number);
		numbers[count] = planned->number;
		sizes[count++] = planned->conf->rows;
	}
	if (!err && count) {
		err = lb_rows_create(rec->deps.lb, numbers, sizes, count, tables);
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

int plan_make(struct reconcile *rec, const struct conf *conf, struct plan *plan,
	      struct conf_error *error)
{
	struct run_service **sorted = services_sorted(rec);
	int err = -ENOMEM;

	memset(error, 0, sizeof(*error));
	plan->services = calloc(conf->service_count + 1, sizeof(*plan->services));
	plan->count = 0;
	if (!sorted || !plan->services)
		goto out;
	for (size_t i = 0; i < conf->service_count; i++) {
		struct plan_service *planned = &plan->services[i];

		planned->conf = &conf->services[i];
		plan->count++;
		err = service_plan(
			rec, planned,
			service_sorted_find(sorted, rec->service_count, planned->conf->name));
		if (!err)
			err = backends_match(planned);
		if (err)
			goto out;
	}
	err = capacity_check(rec, plan, error);
	if (!err)
		err = nat_plan(rec, conf, error);
	if (!err)
		err = locals_plan(rec, conf, error);
	for (size_t i = 0; i < plan->count && !err; i++)
		err = backends_make(rec, &plan->services[i]);
	if (!err)
		err = tables_make(rec, plan, error);
out:
	free(sorted);
	if (err && !error->text[0])
		fail(error, err, "cannot prepare the change: %s", strerror(-err));
	if (err)
		plan_undo(rec, plan);
	return err;
}

static void service_undo(struct reconcile *rec, struct plan_service *planned)
{
	size_t count = planned->backends ? planned->conf->backend_count : 0;

	for (size_t i = 0; i < count; i++) {
		struct run_backend *backend = planned->backends[i];

		if (backend && backend->fresh) {
			if (backend->target)
				numbers_release(&rec->target_numbers, backend->target);
			backend_free(backend);
		} else if (backend) {
			backend->wanted = false;
		}
	}
	if (planned->rows) {
		lb_rows_close(planned->rows);
		lb_rows_delete(rec->deps.lb, &planned->number, 1);
	}
	if (planned->number_taken)
		numbers_release(&rec->service_numbers, planned->number);
	if (planned->is_new)
		service_free(planned->run);
	else if (planned->run)
		planned->run->wanted = false;
}

void plan_undo(struct reconcile *rec, struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		service_undo(rec, &plan->services[i]);
	plan_free(plan);
	locals_undo(rec);
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
