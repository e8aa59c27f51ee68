// SPDX-License-Identifier: BSD-2-Clause
/*
 * The second half of a change, in the order that keeps every packet on its way: targets before the
 * rows that name them, rows before the service that leads to them; then the other way round what is
 * gone: services, tables, targets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply/commit.h"
#include "base/log.h"
#include "publish/mode_work.h"
#include "publish/publish.h"
#include "sweeper/sweeper.h"

int commit_init(const struct model *model, const struct plan *plan, struct commit *commit)
{
	memset(commit, 0, sizeof(*commit));
	commit->services = calloc(plan->count + 1, sizeof(struct live_service *));
	commit->keys = calloc(plan->count + 1, sizeof(*commit->keys));
	commit->removed = calloc(model->service_count + 1, sizeof(struct live_service *));
	if (commit->services && commit->keys && commit->removed)
		return 0;
	commit_free(commit);
	return -ENOMEM;
}

void commit_free(struct commit *commit)
{
	free(commit->services);
	free(commit->keys);
	free(commit->removed);
}

static int key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct service_key));
}

/* Packets go on counting up what they assigned: a load of 0 is less that. */
static void load_clear(struct lb *lb, __u16 target)
{
	struct load *load = &lb_loads(lb)[target];

	__atomic_store_n(&load->base, -__atomic_load_n(&load->assigned, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&load->weight, 0, __ATOMIC_RELAXED);
}

static void backend_commit(struct live_backend *backend, const struct conf_service *conf,
			   const struct conf_backend *want, bool recheck)
{
	const struct target none = { .mode = MODE_NONE };
	enum poise_health health = backend->health;
	bool changed = backend->fresh || backend->leaving || backend->weight != want->weight ||
		       backend->admin != want->state || backend->sorry != want->sorry;
	struct lb *lb = backend->service->model->deps.lb;

	backend->weight = want->weight;
	backend->admin = want->state;
	backend->sorry = want->sorry;
	backend->leaving = backend->wanted = false;
	backend_check_update(backend, conf, recheck);
	if (changed || health_usable(health) != health_usable(backend->health))
		service_dirty(backend->service, true);
	if (backend->fresh) {
		if (lb_counter_zero(lb, backend->target) ||
		    lb_target_set(lb, backend->target, &none))
			log_err("target %u: cannot be cleared", backend->target);
		load_clear(lb, backend->target);
	}
	backend->fresh = false;
	if (changed || health != backend->health)
		target_name_write(backend);
}

static void leaving_commit(struct live_backend *backend, const struct conf_service *conf,
			   bool recheck)
{
	enum poise_health health = backend->health;

	backend_check_update(backend, conf, recheck);
	if (health != backend->health)
		target_name_write(backend);
}

static __u16 service_flags(const struct conf_service *conf)
{
	__u16 flags = conf->scheduler << SERVICE_SCHEDULER_SHIFT;

	if (conf->hash_source)
		flags |= SERVICE_HASH_SOURCE;
	if (conf_tracks_always(conf))
		flags |= SERVICE_TRACK;
	if (conf->reject)
		flags |= SERVICE_REJECT;
	return flags | mode_of(conf->mode)->service_flags;
}

static void table_replace(struct live_service *service, const struct plan_service *planned)
{
	service->old_rows = service->rows;
	service->old_number = service->number;
	service->rows = planned->rows;
	service->number = planned->number;
	service->row_count = planned->conf->rows;
	free(service->ages);
	service->ages = NULL;
	if (planned->is_new)
		service->published_number = service->number;
	else
		log_warn("%s: %s changed, which breaks the connections that it has", service->name,
			 planned->new_table);
	service_dirty(service, true);
}

/* This changes what packets see of a service besides its backends. */
static void service_attributes(struct live_service *service, const struct plan_service *planned)
{
	const struct conf_service *conf = planned->conf;
	struct service_key key = service_key_of(conf);
	__u16 flags = service_flags(conf);
	bool untracked = rows_untracked(conf->mode, conf->proto, flags);
	bool always = conf_tracks_always(conf) && !untracked;

	/* One that was refused, or waits for its rows, is not published yet. */
	service->entry_old = service->entry_old || planned->new_table ||
			     key_compare(&key, &service->key) || flags != service->flags;
	/* If the hash or the protocol has changed, no known flow belongs to the service any more.
	 */
	service->rows_fresh = planned->new_table && !planned->is_new && !service->untracked &&
			      key.proto == service->key.proto &&
			      !((flags ^ service->flags) & SERVICE_HASH_SOURCE);
	service->entry_early = !planned->new_table && service->always && !always;
	service->key_old = !planned->is_new;
	service->old_key = service->key;
	service->key = key;
	if (flags != service->flags)
		service_dirty(service, true);
	service->track_all =
		!planned->new_table && always && (service->track_all || !service->always);
	service->flags = flags;
	service->always = always;
	service->untracked = untracked;
	if (planned->new_table)
		table_replace(service, planned);
}

/* Some keys change who serves, or how rows go on, but packets do not see them. */
static void service_rules(struct live_service *service, const struct conf_service *old)
{
	const struct conf_service *conf = service->conf;

	/* Adopted rows are seen to when there is time: they are right but for what was lost since.
	 */
	if (!old) {
		service_dirty(service, !service->key_old);
		for (size_t i = 0; i < service_members(service); i++)
			service_member(service, i)->by_panic &= conf->panic_percent != 0;
		return;
	}
	if (old->panic_percent != conf->panic_percent || old->slow_start_ms != conf->slow_start_ms)
		service_dirty(service, true);
	if (old->settle_ms < conf->settle_ms)
		ages_restart(service);
}

static void service_commit(struct plan_service *planned)
{
	struct live_service *service = planned->service;
	const struct conf_service *conf = planned->conf, *old = service->conf;
	const struct target_delivery delivery = { .mode = conf->mode,
						  .service_v4 = addr_is_v4(&conf->addr),
						  .gue_port = conf->gue_port,
						  .port = conf->port,
						  .outer_v4 = conf->outer_v4,
						  .outer_v6 = conf->outer_v6 };
	bool delivery_changed = !target_delivery_equal(&delivery, &service->delivery);
	bool other_hops =
		mode_has_sockets(delivery.mode) != mode_has_sockets(service->delivery.mode);
	bool recheck =
		old && (!conf_check_equal(&old->check, &conf->check) || old->port != conf->port);

	service->conf = conf;
	backends_leave(service, planned->leaving);
	planned->leaving = NULL;
	free(service->backends);
	service->backends = planned->backends;
	service->backend_count = conf->backend_count;
	planned->backends = NULL;
	service->delivery = delivery;
	service->wanted = false;
	service_attributes(service, planned);
	if (planned->is_new || !service->entry_old)
		service->published_delivery = delivery;
	service_rules(service, old);
	for (size_t i = 0; i < service->backend_count; i++)
		backend_commit(service->backends[i], conf, &conf->backends[i], recheck);
	for (size_t i = 0; i < service->leaving_count; i++)
		leaving_commit(service->leaving[i], conf, recheck);
	for (size_t i = 0; i < service_members(service) && !planned->is_new; i++) {
		struct live_backend *member = service_member(service, i);

		/* A look-up for a socket tells nothing of a next hop, nor the other way round. */
		member->hop_told = member->hop_told && !other_hops;
		if (delivery_changed)
			backend_hop_update(member, false);
		target_flow_times_update(member);
	}
	if (service->entry_old || delivery_changed)
		service_name_write(service);
}

static void key_remove(struct model *model, const struct commit *commit,
		       const struct service_key *key)
{
	int err;

	/* Another service may listen there now. */
	if (bsearch(key, commit->keys, model->service_count, sizeof(*key), key_compare))
		return;
	err = lb_service_del(model->deps.lb, key);
	if (err)
		log_err("services: entry cannot be removed: %s", strerror(-err));
}

static void old_key_remove(struct live_service *service, const struct commit *commit)
{
	if (service->key_old && key_compare(&service->old_key, &service->key))
		key_remove(service->model, commit, &service->old_key);
	service->key_old = false;
}

/*
 * A service that gets a scheduler has its rows stored first: the scheduler may place a flow that
 * the table does not know anywhere, so no row may be left whose current target has flows that are
 * not in the table. They are {B, B} by then, see row_track_all().
 *
 * One that loses its scheduler is led by its rows first, and only then do these change: all its
 * flows are in the table, or a previous target's, so that rows may come to mean more.
 *
 * An entry that another one replaces goes with it: after a change to or from mode local its targets
 * are nothing for it any more.
 */
static void entries_publish(struct model *model, const struct commit *commit, bool early)
{
	for (size_t i = 0; i < model->service_count; i++) {
		struct live_service *service = model->services[i];

		/* Rows that could not be stored are tried again, and the entry follows them. */
		if (!service->entry_old || service->track_all || (early && !service->entry_early))
			continue;
		service_entry_publish(service);
		old_key_remove(service, commit);
	}
}

/* Removed services and tables that were replaced; both no longer reached by packets. */
static void tables_remove(struct model *model, struct commit *commit)
{
	__u32 *numbers = calloc(model->service_count + commit->removed_count + 1, sizeof(*numbers));
	const struct service_name none = { .name = "" };
	size_t count = 0;
	int err = numbers ? 0 : -ENOMEM;

	for (size_t i = 0; i < model->service_count && !err; i++) {
		struct live_service *service = model->services[i];

		if (!service->old_rows)
			continue;
		lb_rows_close(service->old_rows);
		service->old_rows = NULL;
		numbers[count++] = service->old_number;
	}
	for (size_t i = 0; i < commit->removed_count && !err; i++)
		numbers[count++] = commit->removed[i]->number;
	if (!err && count)
		err = lb_rows_delete(model->deps.lb, numbers, count);
	if (err)
		log_err("row tables cannot be removed: %s", strerror(-err));
	for (size_t i = 0; i < count; i++) {
		lb_service_name_set(model->deps.lb, numbers[i], &none);
		numbers_release(&model->service_numbers, numbers[i]);
	}
	free(numbers);
}

static void leavings_remove(struct model *model, struct commit *commit)
{
	for (size_t i = 0; i < model->service_count; i++)
		old_key_remove(model->services[i], commit);
	for (size_t i = 0; i < commit->removed_count; i++)
		key_remove(model, commit, &commit->removed[i]->key);
	extra_entries_publish(model, true);
	tables_remove(model, commit);
	for (size_t i = 0; i < commit->removed_count; i++) {
		struct live_service *service = commit->removed[i];

		for (size_t j = 0; j < service_members(service); j++)
			target_retire(model, service_member(service, j)->target, NULL);
		retired_unnamed(service);
		service_clean(service);
		sweeper_forget(model->sweeper, service);
		service_free(service);
	}
}

void commit_run(struct model *model, struct conf *conf, struct plan *plan, struct commit *commit)
{
	struct live_service **old = model->services;
	struct conf *old_conf = model->conf;

	for (size_t i = 0; i < model->service_count; i++)
		if (!old[i]->wanted)
			commit->removed[commit->removed_count++] = old[i];
	model->conf = conf;
	mode_work_conf_changed(model);
	for (size_t i = 0; i < plan->count; i++) {
		commit->services[i] = plan->services[i].service;
		service_commit(&plan->services[i]);
		commit->keys[i] = plan->services[i].service->key;
	}
	qsort(commit->keys, plan->count, sizeof(*commit->keys), key_compare);
	model->services = commit->services;
	commit->services = NULL;
	model->service_count = plan->count;
	free(old);
	mode_work_services_changed(model);
	extra_entries_publish(model, false);
	entries_publish(model, commit, true);
	publish_urgent(model);
	entries_publish(model, commit, false);
	mode_work_published(model);
	leavings_remove(model, commit);
	conf_free(old_conf);
	/* Also if nothing changed: whoever asked for it may wait for what is left from now on. */
	model->sweep_due = true;
	sweeper_wake(model->sweeper);
}
