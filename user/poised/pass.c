// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pass.h"

#define SERVICES_MAX SWEEP_CLEAR /* indices below the two that mean something else */

static bool is_clearable(__u64 unclean_ns, __u64 began_ns)
{
	return unclean_ns && unclean_ns <= began_ns - IN_FLIGHT_NS;
}

/* Its entries went in this pass, and nobody could have made one since. */
static bool is_cleared(const struct reconcile *rec, const struct pass *pass, __u16 target)
{
	return pass->sweep.service_of_target[target] == SWEEP_CLEAR &&
	       rec->unclean_ns[target] <= pass->began_ns;
}

static int arrays_make(struct pass *pass, __u32 targets, size_t services)
{
	struct sweep *sweep = &pass->sweep;
	__u16 *service_of_target = malloc(targets * sizeof(*service_of_target));
	__u16 *closing_ticks = calloc(targets, sizeof(*closing_ticks));

	sweep->service_of_target = service_of_target;
	sweep->closing_ticks = closing_ticks;
	sweep->flows = calloc(targets, sizeof(*sweep->flows));
	sweep->services = calloc(services + 1, sizeof(*sweep->services));
	pass->services = calloc(services + 1, sizeof(*pass->services));
	pass->assigned = calloc(targets, sizeof(*pass->assigned));
	pass->dead_services = malloc(POISE_MAX_SERVICES);
	pass->nat.sources_used = calloc(POISE_MAX_NAT_SOURCES, 1);
	if (!service_of_target || !closing_ticks || !sweep->flows || !sweep->services ||
	    !pass->services || !pass->assigned || !pass->dead_services || !pass->nat.sources_used)
		return -ENOMEM;
	sweep->target_count = targets;
	memset(service_of_target, 0xff, targets * sizeof(*service_of_target));
	return 0;
}

/* Its index if its rows are to be judged, else SWEEP_NO_SERVICE. */
static __u16 service_enter(struct pass *pass, struct run_service *service)
{
	size_t at = pass->service_count;
	__u8 *held;

	if (at == SERVICES_MAX || !ages_begin_pass(service, pass->began_ns))
		return SWEEP_NO_SERVICE;
	held = calloc(service->row_count, sizeof(*held));
	if (!held)
		return SWEEP_NO_SERVICE;
	pass->services[at] =
		(struct pass_service){ .run = service, .rows = lb_rows_hold(service->rows) };
	pass->sweep.services[at] = (struct sweep_service){ .rows = lb_rows_get(service->rows),
							   .row_count = service->row_count,
							   .held = held };
	return pass->service_count++;
}

static void targets_enter(const struct reconcile *rec, struct pass *pass, __u16 *service_of_target)
{
	const struct load *loads = lb_loads(rec->deps.lb);

	for (__u32 i = 0; i < pass->sweep.target_count; i++) {
		if (is_clearable(rec->unclean_ns[i], pass->began_ns))
			service_of_target[i] = SWEEP_CLEAR;
		pass->assigned[i] = __atomic_load_n(&loads[i].assigned, __ATOMIC_RELAXED);
	}
}

/* Flows of a table that another one took the place of have a service's number that is dead. */
static void nat_begin(const struct reconcile *rec, struct pass *pass)
{
	struct nat_sweep *nat = &pass->nat;

	nat->sets = lb_nat_table(rec->deps.lb, &nat->set_count);
	nat->now = nat_clock_tick(lb_clock(rec->deps.lb), pass->began_ns);
	nat->clean = true;
	nat->service_of_target = pass->sweep.service_of_target;
	nat->target_count = pass->sweep.target_count;
	nat->flows = pass->sweep.flows;
	memset(pass->dead_services, 1, POISE_MAX_SERVICES);
	for (size_t i = 0; i < rec->service_count; i++) {
		pass->dead_services[rec->services[i]->number] = 0;
		pass->dead_services[rec->services[i]->live_number] = 0;
	}
	nat->dead_services = pass->dead_services;
}

int pass_begin(struct reconcile *rec, struct pass *pass)
{
	const struct flow_clock *clock = lb_clock(rec->deps.lb);
	struct sweep *sweep = &pass->sweep;
	__u16 *service_of_target, *closing_ticks;
	int err;

	memset(pass, 0, sizeof(*pass));
	pass->began_ns = now_ns();
	err = arrays_make(pass, lb_max_targets(rec->deps.lb), rec->service_count);
	if (err)
		return err;
	service_of_target = (__u16 *)sweep->service_of_target;
	closing_ticks = (__u16 *)sweep->closing_ticks;
	sweep->sets = lb_flows(rec->deps.lb, &sweep->set_count);
	sweep->now = flow_clock_tick(clock, pass->began_ns);
	sweep->clean = true;
	for (size_t i = 0; i < rec->service_count; i++) {
		struct run_service *service = rec->services[i];
		__u16 index = service->conf ? service_enter(pass, service) : SWEEP_NO_SERVICE;

		for (size_t j = 0; service->conf && j < service_members(service); j++) {
			const struct run_backend *backend = service_member(service, j);
			struct target_life life;

			target_life_of(backend, &life);
			closing_ticks[backend->target] = life.closing_ticks;
			service_of_target[backend->target] = index;
		}
	}
	targets_enter(rec, pass, service_of_target);
	nat_begin(rec, pass);
	err = locals_pass_begin(rec, &pass->locals);
	if (err)
		return err;
	rec->pass_due = false;
	return 0;
}

void pass_run(struct pass *pass)
{
	pass->err = sweep_run(&pass->sweep);
	if (!pass->err && pass->nat.sets)
		nat_sweep_run(&pass->nat);
	if (!pass->err)
		pass->err = locals_pass_run(&pass->locals, pass->sweep.flows);
	pass->ended_ns = now_ns();
}

static void rows_conclude(struct reconcile *rec, struct pass *pass)
{
	/* What a pass found says nothing of a table that took another's place since. */
	for (size_t i = 0; i < pass->service_count; i++) {
		struct run_service *service = pass->services[i].run;

		if (service && service->rows == pass->services[i].rows)
			rows_judge(service, pass->sweep.services[i].held);
	}
	for (size_t i = 0; i < rec->service_count; i++)
		if (rec->services[i]->conf)
			rows_judge(rec->services[i], NULL);
}

static void flows_conclude(const struct pass *pass, struct run_backend *backend)
{
	struct load *load = &lb_loads(backend->service->rec->deps.lb)[backend->target];

	backend->flows = pass->sweep.flows[backend->target].live;
	backend->closing = pass->sweep.flows[backend->target].closing;
	/* What packets assigned since the pass began counts on top. */
	__atomic_store_n(&load->base, backend->flows - pass->assigned[backend->target],
			 __ATOMIC_RELAXED);
}

static bool is_empty(const struct pass *pass, const struct run_backend *backend)
{
	const struct sweep_flows *flows = &pass->sweep.flows[backend->target];

	/* One that a change in the making has found again stays. */
	return !flows->live && !flows->closing && !backend->wanted && backend->unnamed_ns &&
	       backend->unnamed_ns <= pass->began_ns - IN_FLIGHT_NS;
}

static void service_conclude(const struct pass *pass, struct run_service *service)
{
	for (size_t i = 0; i < service_members(service); i++) {
		struct run_backend *backend = service_member(service, i);

		flows_conclude(pass, backend);
		/* It may have waited for this. */
		if (!backend->serves && backend->reachable &&
		    is_cleared(service->rec, pass, backend->target))
			service_dirty(service, false);
	}
	for (size_t i = service->leaving_count; i-- > 0;)
		if (is_empty(pass, service->leaving[i]))
			leaving_empty(service, i);
}

void pass_end(struct reconcile *rec, struct pass *pass)
{
	const struct sweep *sweep = &pass->sweep;

	rows_conclude(rec, pass);
	for (size_t i = 0; i < rec->service_count; i++)
		if (rec->services[i]->conf)
			service_conclude(pass, rec->services[i]);
	for (__u32 i = 0; i < sweep->target_count; i++)
		if (is_cleared(rec, pass, i))
			rec->unclean_ns[i] = 0;
	retired_release(rec);
	nat_conclude(rec, pass->nat.sources_used, pass->began_ns);
	if (rec->sides_due)
		sides_publish(rec, true);
	rec->nat_sweep = (struct nat_health){ .flows = pass->nat.live,
					      .new_flows = pass->nat.new_flows,
					      .closing = pass->nat.closing,
					      .size = pass->nat.set_count * (NAT_PER_SET / 2) };
	rec->sweep = (struct sweep_health){ .occupied = sweep->occupied,
					    .new_flows = sweep->new_flows,
					    .size = sweep->set_count * FLOWS_PER_SET,
					    .sweep_us = (pass->ended_ns - pass->began_ns) / 1000,
					    .swept_ns = pass->ended_ns };
}

void pass_free(struct pass *pass)
{
	for (size_t i = 0; i < pass->service_count; i++) {
		lb_rows_close(pass->services[i].rows);
		free(pass->sweep.services[i].held);
	}
	locals_pass_free(&pass->locals);
	free(pass->services);
	free(pass->sweep.services);
	free(pass->sweep.flows);
	free((void *)pass->sweep.service_of_target);
	free((void *)pass->sweep.closing_ticks);
	free(pass->assigned);
	free(pass->dead_services);
	free(pass->nat.sources_used);
	memset(pass, 0, sizeof(*pass));
}

bool pass_wanted(const struct reconcile *rec)
{
	if (!rec->sweep.swept_ns || rec->pass_due || rec->sweep.occupied || rec->nat_sweep.flows ||
	    rec->nat_sweep.closing || rec->retired_count)
		return true;
	for (size_t i = 0; i < rec->service_count; i++) {
		const struct run_service *service = rec->services[i];

		if (service->always || locals_has(service) || service->moving_rows ||
		    service->tracked_rows || service->leaving_count || service->flags & SERVICE_NAT)
			return true;
	}
	for (__u32 i = 0; i < lb_max_targets(rec->deps.lb); i++)
		if (rec->unclean_ns[i])
			return true;
	return false;
}
