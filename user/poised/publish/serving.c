// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who serves, in target entries.
 *
 * An entry of the flow table is followed while its target's owner says TARGET_SERVES, and that bit
 * is also what a restarted poised knows of who served. So it changes before the rows do, both ways:
 *
 * - A backend that begins to serve is marked before rows name it: packets that meet such a row find
 *   entries that they may follow.
 * - One that no longer serves loses the mark before rows leave it. Until they have, packets whose
 *   entry is not followed any more go by the row: some to the lost backend as before, some to
 *   another one, but all of them belong to flows that are lost with it. Killed in between, poised
 *   leaves a target without the mark that rows name; the next one takes it out of them. The other
 *   way round it would leave a mark on a backend that was lost, and give it rows again.
 *
 * A backend that did not serve for a while must not begin to as long as entries of the time before
 * are in the table: meanwhile rows may have become stable without it, and flows of these, which
 * nobody has noted down, would follow the old entries. A sweep clears them, see sweep.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "publish/effective.h"
#include "publish/publish.h"

void target_flow_times_of(const struct live_backend *backend, struct target_flow_times *out)
{
	const struct live_service *service = backend->service;
	const struct conf_service *conf = service->conf;
	const struct conf *all = service->model->conf;
	struct target_timeouts timeouts = { .mode = service->published_delivery.mode,
					    .proto = service->key.proto,
					    .idle_ms = conf_idle_ms(all, conf),
					    .nat_idle_ms = conf_nat_idle_ms(all, conf),
					    .nat_max_ms = conf->idle_timeout_ms };

	*out = target_flow_times(lb_clock(service->model->deps.lb), &timeouts,
				 service->published_number, backend->serves);
}

void target_flow_times_update(const struct live_backend *backend)
{
	struct lb *lb = backend->service->model->deps.lb;
	struct target_flow_times flow_times;
	struct target value;
	int err = lb_target_get(lb, backend->target, &value);

	/* One that never led anywhere is written as a whole when it does. */
	if (!err && value.mode == MODE_NONE)
		return;
	target_flow_times_of(backend, &flow_times);
	target_flow_times_set(&value, &flow_times);
	if (!err)
		err = lb_target_set(lb, backend->target, &value);
	if (err)
		log_err("targets: entry %u: %s", backend->target, strerror(-err));
}

static void panic_log(struct live_service *service, const struct effective_service *outcome)
{
	if (outcome->panic && !service->panic)
		log_warn("%s: panic: %zu of %zu backends up, fewer than %u%%: all count as up",
			 service->name, outcome->up, outcome->counted, outcome->panic_percent);
	else if (!outcome->panic && service->panic)
		log_info("%s: panic is over: %zu of %zu backends up", service->name, outcome->up,
			 outcome->counted);
	service->panic = outcome->panic;
}

/* Wakes the loop when the next weight changes. */
static void step_wait(struct model *model, __u64 step_ms, __u64 now_ms)
{
	__u64 delay_ms = step_ms > now_ms ? step_ms - now_ms : 1;

	if (!uv_is_active((uv_handle_t *)&model->steps) ||
	    uv_timer_get_due_in(&model->steps) > delay_ms)
		uv_timer_start(&model->steps, serving_steps, delay_ms, 0);
}

void serving_steps(uv_timer_t *timer)
{
	struct model *model = timer->data;
	__u64 now_ms = wall_ms();

	for (size_t i = 0; i < model->service_count; i++) {
		struct live_service *service = model->services[i];

		if (service->step_ms && service->step_ms <= now_ms)
			service_dirty(service, false);
		else if (service->step_ms)
			step_wait(model, service->step_ms, now_ms);
	}
}

static struct effective_backend backend_state(const struct live_backend *backend)
{
	return (struct effective_backend){
		.weight = backend->weight,
		.admin = backend->admin,
		.health = backend->health,
		.sorry = backend->sorry,
		.leaving = backend->leaving,
		.reachable = backend->reachable,
		.barred = backend->service->model->unclean_ns[backend->target],
		.was_usable = backend->weight_now,
		.by_panic = backend->by_panic,
		.spared_ms = backend->spared_ms,
		.ramp_ms = backend->ramp_ms,
	};
}

/* The first of so many passes in a row may have to wait for one that fails. */
static __u32 recovery_ms(const struct conf_check *check)
{
	return (check->rise + 1) * check->interval_ms + check->timeout_ms;
}

int serving_evaluate(struct live_service *service)
{
	size_t count = service_members(service);
	struct effective_service outcome = { .panic_percent = service->conf->panic_percent,
					     .slow_start_ms = service->conf->slow_start_ms,
					     .recovery_ms = recovery_ms(&service->conf->check),
					     .together_ms = service->together_ms };
	struct effective_backend *states = calloc(count + 1, sizeof(*states));
	struct model *model = service->model;
	__u64 now_ms = wall_ms();
	bool ramps_changed = false;

	if (!states)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		states[i] = backend_state(service_member(service, i));
	effective_evaluate(&outcome, states, count, now_ms);
	for (size_t i = 0; i < count; i++) {
		struct live_backend *backend = service_member(service, i);

		ramps_changed |= backend->ramp_ms != states[i].ramp_ms;
		backend->ramp_ms = states[i].ramp_ms;
		backend->by_panic = states[i].by_panic;
		backend->spared_ms = states[i].spared_ms;
		backend->weight_now = states[i].weight_now;
		backend->serves_next = states[i].serves;
	}
	free(states);
	panic_log(service, &outcome);
	service->together_ms = outcome.together_ms;
	service->step_ms = outcome.next_step_ms;
	if (service->step_ms)
		step_wait(model, service->step_ms, now_ms);
	/* A restart goes on with it. */
	if (ramps_changed)
		model->deps.health_changed(model->deps.arg);
	return 0;
}

void serving_publish(struct live_service *service)
{
	struct model *model = service->model;
	struct load *loads = lb_loads(model->deps.lb);

	for (size_t i = 0; i < service_members(service); i++) {
		struct live_backend *backend = service_member(service, i);
		__u16 target = backend->target;

		if (backend->serves && !backend->serves_next)
			model->unclean_ns[target] = UNCLEAN_NAMED;
		backend->serves = model->serves[target] = backend->serves_next;
		target_flow_times_update(backend);
		if (loads[target].weight != backend->weight_now)
			__atomic_store_n(&loads[target].weight, backend->weight_now,
					 __ATOMIC_RELAXED);
	}
}

void serving_published(struct live_service *service)
{
	struct model *model = service->model;
	__u64 now = now_ns();

	for (size_t i = 0; i < service_members(service); i++) {
		__u16 target = service_member(service, i)->target;

		model->serves[target] = false;
		if (model->unclean_ns[target] == UNCLEAN_NAMED)
			model->unclean_ns[target] = now;
	}
	retired_unnamed(service);
	leaving_lost(service);
}
