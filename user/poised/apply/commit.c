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

#include "locals.h"
#include "log.h"
#include "model.h"
#include "sweeper.h"

int commit_init(const struct reconcile *rec, const struct plan *plan, struct commit *commit)
{
	memset(commit, 0, sizeof(*commit));
	commit->services = calloc(plan->count + 1, sizeof(struct run_service *));
	commit->keys = calloc(plan->count + 1, sizeof(*commit->keys));
	commit->removed = calloc(rec->service_count + 1, sizeof(struct run_service *));
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

static bool check_equal(const struct conf_check *a, const struct conf_check *b)
{
	if (a->type != b->type || a->port != b->port || a->interval_ms != b->interval_ms ||
	    a->timeout_ms != b->timeout_ms || a->rise != b->rise || a->fall != b->fall)
		return false;
	return a->type != CHECK_HTTP || !strcmp(a->path, b->path);
}

/* Packets go on counting up what they assigned: a load of 0 is less that. */
static void load_clear(struct lb *lb, __u16 target)
{
	struct load *load = &lb_loads(lb)[target];

	__atomic_store_n(&load->base, -__atomic_load_n(&load->assigned, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&load->weight, 0, __ATOMIC_RELAXED);
}

static void backend_commit(struct run_backend *backend, const struct conf_service *conf,
			   const struct conf_backend *want, bool recheck)
{
	const struct target none = { .mode = MODE_NONE };
	enum poise_health health = backend->health;
	bool changed = backend->fresh || backend->leaving || backend->weight != want->weight ||
		       backend->admin != want->state || backend->sorry != want->sorry;
	struct lb *lb = backend->service->rec->deps.lb;

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

static void leaving_commit(struct run_backend *backend, const struct conf_service *conf,
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
	if (conf->mode == MODE_NAT)
		flags |= SERVICE_NAT;
	if (conf->mode == MODE_NAT_KEEP)
		flags |= SERVICE_NAT_KEEP;
	return flags;
}

static void table_replace(struct run_service *run, const struct plan_service *planned)
{
	run->old_rows = run->rows;
	run->old_number = run->number;
	run->rows = planned->rows;
	run->number = planned->number;
	run->row_count = planned->conf->rows;
	free(run->ages);
	run->ages = NULL;
	if (planned->is_new)
		run->live_number = run->number;
	else
		log_warn("%s: %s changed, which breaks the connections that it has", run->name,
			 planned->new_table);
	service_dirty(run, true);
}

/* What packets see of a service besides its backends. */
static void service_attributes(struct run_service *run, const struct plan_service *planned)
{
	const struct conf_service *conf = planned->conf;
	struct service_key key = service_key_of(conf);
	__u16 flags = service_flags(conf);
	bool untracked = rows_untracked(conf->mode, conf->proto, flags);
	bool always = conf_tracks_always(conf) && !untracked;

	/* One that was refused, or waits for its rows, is not published yet. */
	run->entry_old = run->entry_old || planned->new_table || key_compare(&key, &run->key) ||
			 flags != run->flags;
	/* With another hash, or of another protocol, flows that are known are none of these. */
	run->rows_fresh = planned->new_table && !planned->is_new && !run->untracked &&
			  key.proto == run->key.proto &&
			  !((flags ^ run->flags) & SERVICE_HASH_SOURCE);
	run->entry_early = !planned->new_table && run->always && !always;
	run->key_old = !planned->is_new;
	run->old_key = run->key;
	run->key = key;
	if (flags != run->flags)
		service_dirty(run, true);
	run->track_all = !planned->new_table && always && (run->track_all || !run->always);
	run->flags = flags;
	run->always = always;
	run->untracked = untracked;
	if (planned->new_table)
		table_replace(run, planned);
}

/* What changes who serves, or how rows go on, without being seen by packets itself. */
static void service_rules(struct run_service *run, const struct conf_service *old)
{
	const struct conf_service *conf = run->conf;

	/* Adopted rows are seen to when there is time: they are right but for what was lost since.
	 */
	if (!old) {
		service_dirty(run, !run->key_old);
		for (size_t i = 0; i < service_members(run); i++)
			service_member(run, i)->by_panic &= conf->panic_percent != 0;
		return;
	}
	if (old->panic_percent != conf->panic_percent || old->slow_start_ms != conf->slow_start_ms)
		service_dirty(run, true);
	if (old->settle_ms < conf->settle_ms)
		ages_restart(run);
}

static void service_commit(struct plan_service *planned)
{
	struct run_service *run = planned->run;
	const struct conf_service *conf = planned->conf, *old = run->conf;
	const struct target_way way = { .mode = conf->mode,
					.service_v4 = addr_is_v4(&conf->addr),
					.gue_port = conf->gue_port,
					.port = conf->port };
	bool way_changed = !target_way_equal(&way, &run->way);
	bool other_hops = (way.mode == MODE_LOCAL) != locals_has(run);
	bool recheck = old && (!check_equal(&old->check, &conf->check) || old->port != conf->port);

	run->conf = conf;
	backends_leave(run, planned->leaving);
	planned->leaving = NULL;
	free(run->backends);
	run->backends = planned->backends;
	run->backend_count = conf->backend_count;
	planned->backends = NULL;
	run->way = way;
	run->wanted = false;
	service_attributes(run, planned);
	if (planned->is_new || !run->entry_old)
		run->live_way = way;
	service_rules(run, old);
	for (size_t i = 0; i < run->backend_count; i++)
		backend_commit(run->backends[i], conf, &conf->backends[i], recheck);
	for (size_t i = 0; i < run->leaving_count; i++)
		leaving_commit(run->leaving[i], conf, recheck);
	for (size_t i = 0; i < service_members(run) && !planned->is_new; i++) {
		struct run_backend *member = service_member(run, i);

		/* A look-up for a socket tells nothing of a next hop, nor the other way round. */
		member->hop_told = member->hop_told && !other_hops;
		if (way_changed)
			backend_hop_update(member, false);
		target_life_update(member);
	}
	if (run->entry_old || way_changed)
		service_name_write(run);
}

/*
 * A packet that meets an entry by nat and a target that is not, or the other way round, is dropped:
 * the service's targets change with its entry, not before rows of a thousand services are built.
 * Entries of targets are followed while they name the number that packets are led to.
 */
void service_entry_publish(struct run_service *run)
{
	const struct service value = { .number = run->number,
				       .row_count = run->row_count,
				       .flags = run->flags };
	bool way_changed = !target_way_equal(&run->way, &run->live_way);
	int err = lb_service_set(run->rec->deps.lb, &run->key, &value);
	char text[ENDPOINT_TEXT_SIZE];

	if (err)
		log_err("%s: not published at %s: %s", run->name,
			listen_format(&run->conf->addr, run->conf->port, run->conf->proto, text),
			strerror(-err));
	/* The next change tries again. */
	run->entry_old = err;
	if (run->live_number == run->number && !way_changed)
		return;
	run->live_number = run->number;
	run->live_way = run->way;
	for (size_t i = 0; i < service_members(run); i++) {
		if (way_changed)
			backend_hop_update(service_member(run, i), false);
		target_life_update(service_member(run, i));
	}
}

static void key_remove(struct reconcile *rec, const struct commit *commit,
		       const struct service_key *key)
{
	int err;

	/* Another service may listen there now. */
	if (bsearch(key, commit->keys, rec->service_count, sizeof(*key), key_compare))
		return;
	err = lb_service_del(rec->deps.lb, key);
	if (err)
		log_err("services: entry cannot be removed: %s", strerror(-err));
}

static void old_key_remove(struct run_service *run, const struct commit *commit)
{
	if (run->key_old && key_compare(&run->old_key, &run->key))
		key_remove(run->rec, commit, &run->old_key);
	run->key_old = false;
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
static void entries_publish(struct reconcile *rec, const struct commit *commit, bool early)
{
	for (size_t i = 0; i < rec->service_count; i++) {
		struct run_service *run = rec->services[i];

		/* Rows that could not be stored are tried again, and the entry follows them. */
		if (!run->entry_old || run->track_all || (early && !run->entry_early))
			continue;
		service_entry_publish(run);
		old_key_remove(run, commit);
	}
}

/* Removed services and tables that were replaced; both no longer reached by packets. */
static void tables_remove(struct reconcile *rec, struct commit *commit)
{
	__u32 *numbers = calloc(rec->service_count + commit->removed_count + 1, sizeof(*numbers));
	const struct service_name none = { .name = "" };
	size_t count = 0;
	int err = numbers ? 0 : -ENOMEM;

	for (size_t i = 0; i < rec->service_count && !err; i++) {
		struct run_service *run = rec->services[i];

		if (!run->old_rows)
			continue;
		lb_rows_close(run->old_rows);
		run->old_rows = NULL;
		numbers[count++] = run->old_number;
	}
	for (size_t i = 0; i < commit->removed_count && !err; i++)
		numbers[count++] = commit->removed[i]->number;
	if (!err && count)
		err = lb_rows_delete(rec->deps.lb, numbers, count);
	if (err)
		log_err("row tables cannot be removed: %s", strerror(-err));
	for (size_t i = 0; i < count; i++) {
		lb_service_name_set(rec->deps.lb, numbers[i], &none);
		numbers_release(&rec->service_numbers, numbers[i]);
	}
	free(numbers);
}

static void leavings_remove(struct reconcile *rec, struct commit *commit)
{
	for (size_t i = 0; i < rec->service_count; i++)
		old_key_remove(rec->services[i], commit);
	for (size_t i = 0; i < commit->removed_count; i++)
		key_remove(rec, commit, &commit->removed[i]->key);
	sides_publish(rec, true);
	tables_remove(rec, commit);
	for (size_t i = 0; i < commit->removed_count; i++) {
		struct run_service *run = commit->removed[i];

		for (size_t j = 0; j < service_members(run); j++)
			target_retire(rec, service_member(run, j)->target, NULL);
		retired_unnamed(run);
		service_clean(run);
		service_free(run);
	}
}

void commit_run(struct reconcile *rec, struct conf *conf, struct plan *plan, struct commit *commit)
{
	struct run_service **old = rec->services;
	struct conf *old_conf = rec->conf;

	for (size_t i = 0; i < rec->service_count; i++)
		if (!old[i]->wanted)
			commit->removed[commit->removed_count++] = old[i];
	rec->conf = conf;
	nat_commit(rec);
	for (size_t i = 0; i < plan->count; i++) {
		commit->services[i] = plan->services[i].run;
		service_commit(&plan->services[i]);
		commit->keys[i] = plan->services[i].run->key;
	}
	qsort(commit->keys, plan->count, sizeof(*commit->keys), key_compare);
	rec->services = commit->services;
	commit->services = NULL;
	rec->service_count = plan->count;
	free(old);
	nat_targets_update(rec);
	locals_commit(rec);
	sides_publish(rec, false);
	entries_publish(rec, commit, true);
	publish_urgent(rec);
	entries_publish(rec, commit, false);
	locals_committed(rec);
	leavings_remove(rec, commit);
	conf_free(old_conf);
	/* Also if nothing changed: whoever asked for it may wait for what is left from now on. */
	rec->pass_due = true;
	sweeper_wake(rec->sweeper);
}
