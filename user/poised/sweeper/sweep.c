// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sweeper/sweep.h"

#define SERVICES_MAX SWEEP_CLEAR /* indices below the two that mean something else */

static bool is_clearable(__u64 unclean_ns, __u64 began_ns)
{
	return unclean_ns && unclean_ns <= began_ns - IN_FLIGHT_NS;
}

/* Its entries went in this sweep, and nobody could have made one since. */
static bool is_cleared(const struct model *model, const struct sweep *sweep, __u16 target)
{
	return sweep->flow_table.service_of_target[target] == SWEEP_CLEAR &&
	       model->unclean_ns[target] <= sweep->began_ns;
}

static int arrays_make(struct sweep *sweep, __u32 targets, size_t services)
{
	struct flow_sweep *table = &sweep->flow_table;
	__u16 *service_of_target = malloc(targets * sizeof(*service_of_target));
	__u16 *closing_ticks = calloc(targets, sizeof(*closing_ticks));

	table->service_of_target = service_of_target;
	table->closing_ticks = closing_ticks;
	table->flows = calloc(targets, sizeof(*table->flows));
	table->services = calloc(services + 1, sizeof(*table->services));
	sweep->services = calloc(services + 1, sizeof(*sweep->services));
	sweep->assigned = calloc(targets, sizeof(*sweep->assigned));
	sweep->dead_services = malloc(POISE_MAX_SERVICES);
	sweep->nat_table.sources_used = calloc(POISE_MAX_NAT_SOURCES, 1);
	if (!service_of_target || !closing_ticks || !table->flows || !table->services ||
	    !sweep->services || !sweep->assigned || !sweep->dead_services ||
	    !sweep->nat_table.sources_used)
		return -ENOMEM;
	table->target_count = targets;
	memset(service_of_target, 0xff, targets * sizeof(*service_of_target));
	return 0;
}

/* Its index if its rows are to be judged, else SWEEP_NO_SERVICE. */
static __u16 service_enter(struct sweep *sweep, struct live_service *service)
{
	size_t at = sweep->service_count;
	__u8 *held;

	if (at == SERVICES_MAX || !ages_begin_sweep(service, sweep->began_ns))
		return SWEEP_NO_SERVICE;
	held = calloc(service->row_count, sizeof(*held));
	if (!held)
		return SWEEP_NO_SERVICE;
	sweep->services[at] =
		(struct swept_service){ .service = service, .rows = lb_rows_hold(service->rows) };
	sweep->flow_table.services[at] = (struct sweep_service){ .rows = lb_rows_get(service->rows),
								 .row_count = service->row_count,
								 .held = held };
	return sweep->service_count++;
}

static void targets_enter(const struct model *model, struct sweep *sweep, __u16 *service_of_target)
{
	const struct load *loads = lb_loads(model->deps.lb);

	for (__u32 i = 0; i < sweep->flow_table.target_count; i++) {
		if (is_clearable(model->unclean_ns[i], sweep->began_ns))
			service_of_target[i] = SWEEP_CLEAR;
		sweep->assigned[i] = __atomic_load_n(&loads[i].assigned, __ATOMIC_RELAXED);
	}
}

/* Flows of a table that another one took the place of have a service's number that is dead. */
static void nat_begin(const struct model *model, struct sweep *sweep)
{
	struct nat_sweep *nat = &sweep->nat_table;

	nat->sets = lb_nat_table(model->deps.lb, &nat->set_count);
	nat->now = nat_clock_tick(lb_clock(model->deps.lb), sweep->began_ns);
	nat->clean = true;
	nat->service_of_target = sweep->flow_table.service_of_target;
	nat->target_count = sweep->flow_table.target_count;
	nat->flows = sweep->flow_table.flows;
	memset(sweep->dead_services, 1, POISE_MAX_SERVICES);
	for (size_t i = 0; i < model->service_count; i++) {
		sweep->dead_services[model->services[i]->number] = 0;
		sweep->dead_services[model->services[i]->published_number] = 0;
	}
	nat->dead_services = sweep->dead_services;
}

int sweep_begin(struct model *model, struct sweep *sweep)
{
	const struct flow_clock *clock = lb_clock(model->deps.lb);
	struct flow_sweep *table = &sweep->flow_table;
	__u16 *service_of_target, *closing_ticks;
	int err;

	memset(sweep, 0, sizeof(*sweep));
	sweep->began_ns = now_ns();
	err = arrays_make(sweep, lb_max_targets(model->deps.lb), model->service_count);
	if (err)
		return err;
	service_of_target = (__u16 *)table->service_of_target;
	closing_ticks = (__u16 *)table->closing_ticks;
	table->sets = lb_flows(model->deps.lb, &table->set_count);
	table->now = flow_clock_tick(clock, sweep->began_ns);
	table->clean = true;
	for (size_t i = 0; i < model->service_count; i++) {
		struct live_service *service = model->services[i];
		__u16 index = service->conf ? service_enter(sweep, service) : SWEEP_NO_SERVICE;

		for (size_t j = 0; service->conf && j < service_members(service); j++) {
			const struct live_backend *backend = service_member(service, j);
			struct target_flow_times flow_times;

			target_flow_times_of(backend, &flow_times);
			closing_ticks[backend->target] = flow_times.closing_ticks;
			service_of_target[backend->target] = index;
		}
	}
	targets_enter(model, sweep, service_of_target);
	nat_begin(model, sweep);
	err = local_sweep_begin(model, &sweep->local);
	if (err)
		return err;
	model->sweep_due = false;
	return 0;
}

void sweep_run(struct sweep *sweep)
{
	sweep->err = flow_sweep_run(&sweep->flow_table);
	if (!sweep->err && sweep->nat_table.sets)
		nat_sweep_run(&sweep->nat_table);
	if (!sweep->err)
		sweep->err = local_sweep_run(&sweep->local, sweep->flow_table.flows);
	sweep->ended_ns = now_ns();
}

static void rows_conclude(struct model *model, struct sweep *sweep)
{
	/* The sweep says nothing of a table that took another's place since. */
	for (size_t i = 0; i < sweep->service_count; i++) {
		struct live_service *service = sweep->services[i].service;

		if (service && service->rows == sweep->services[i].rows)
			rows_judge(service, sweep->flow_table.services[i].held);
	}
	for (size_t i = 0; i < model->service_count; i++)
		if (model->services[i]->conf)
			rows_judge(model->services[i], NULL);
}

static void flows_conclude(const struct sweep *sweep, struct live_backend *backend)
{
	struct load *load = &lb_loads(backend->service->model->deps.lb)[backend->target];

	backend->flows = sweep->flow_table.flows[backend->target].live;
	backend->closing = sweep->flow_table.flows[backend->target].closing;
	/* Flows that packets assigned since the sweep began count on top. */
	__atomic_store_n(&load->base, backend->flows - sweep->assigned[backend->target],
			 __ATOMIC_RELAXED);
}

static bool is_empty(const struct sweep *sweep, const struct live_backend *backend)
{
	const struct sweep_tally *flows = &sweep->flow_table.flows[backend->target];

	/* One that a change in the making has found again stays. */
	return !flows->live && !flows->closing && !backend->wanted && backend->unnamed_ns &&
	       backend->unnamed_ns <= sweep->began_ns - IN_FLIGHT_NS;
}

static void service_conclude(const struct sweep *sweep, struct live_service *service)
{
	for (size_t i = 0; i < service_members(service); i++) {
		struct live_backend *backend = service_member(service, i);

		flows_conclude(sweep, backend);
		/* It may have waited for this. */
		if (!backend->serves && backend->reachable &&
		    is_cleared(service->model, sweep, backend->target))
			service_dirty(service, false);
	}
	for (size_t i = service->leaving_count; i-- > 0;)
		if (is_empty(sweep, service->leaving[i]))
			leaving_empty(service, i);
}

void sweep_end(struct model *model, struct sweep *sweep)
{
	const struct flow_sweep *table = &sweep->flow_table;

	rows_conclude(model, sweep);
	for (size_t i = 0; i < model->service_count; i++)
		if (model->services[i]->conf)
			service_conclude(sweep, model->services[i]);
	for (__u32 i = 0; i < table->target_count; i++)
		if (is_cleared(model, sweep, i))
			model->unclean_ns[i] = 0;
	retired_release(model);
	nat_conclude(model, sweep->nat_table.sources_used, sweep->began_ns);
	if (model->extras_due)
		extra_entries_publish(model, true);
	model->nat_table =
		(struct nat_table_found){ .flows = sweep->nat_table.live,
					  .new_flows = sweep->nat_table.new_flows,
					  .closing = sweep->nat_table.closing,
					  .size = sweep->nat_table.set_count * (NAT_PER_SET / 2) };
	model->flow_table =
		(struct flow_table_found){ .occupied = table->occupied,
					   .new_flows = table->new_flows,
					   .size = table->set_count * FLOWS_PER_SET,
					   .sweep_us = (sweep->ended_ns - sweep->began_ns) / 1000,
					   .swept_ns = sweep->ended_ns };
}

void sweep_free(struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->service_count; i++) {
		lb_rows_close(sweep->services[i].rows);
		free(sweep->flow_table.services[i].held);
	}
	local_sweep_free(&sweep->local);
	free(sweep->services);
	free(sweep->flow_table.services);
	free(sweep->flow_table.flows);
	free((void *)sweep->flow_table.service_of_target);
	free((void *)sweep->flow_table.closing_ticks);
	free(sweep->assigned);
	free(sweep->dead_services);
	free(sweep->nat_table.sources_used);
	memset(sweep, 0, sizeof(*sweep));
}

bool sweep_wanted(const struct model *model)
{
	if (!model->flow_table.swept_ns || model->sweep_due || model->flow_table.occupied ||
	    model->nat_table.flows || model->nat_table.closing || model->retired_count)
		return true;
	for (size_t i = 0; i < model->service_count; i++) {
		const struct live_service *service = model->services[i];

		if (service->always || mode_has_sockets(service->delivery.mode) ||
		    service->moving_rows || service->tracked_rows || service->leaving_count ||
		    service->flags & SERVICE_NAT)
			return true;
	}
	for (__u32 i = 0; i < lb_max_targets(model->deps.lb); i++)
		if (model->unclean_ns[i])
			return true;
	return false;
}
