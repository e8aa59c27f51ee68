// SPDX-License-Identifier: BSD-2-Clause
#include "health/health.h"
#include "publish/effective.h"

static bool could_relieve(const struct effective_backend *backend)
{
	return backend->sorry && !backend->leaving && backend->admin == ADMIN_READY &&
	       backend->weight && backend->reachable && health_usable(backend->health);
}

/*
 * Those that no check has said anything of yet do not count as down: a service that starts, or is
 * given many backends at once, is not in trouble. And if none is up, sorry backends are what was
 * meant for it.
 */
static void panic_evaluate(struct effective_service *service,
			   const struct effective_backend *backends, size_t count)
{
	bool relieved = false;

	service->up = service->counted = 0;
	for (size_t i = 0; i < count; i++) {
		const struct effective_backend *backend = &backends[i];

		relieved |= could_relieve(backend);
		if (backend->sorry || backend->leaving || backend->admin == ADMIN_MAINT)
			continue;
		service->counted++;
		service->up += backend->health != HEALTH_DOWN;
	}
	service->panic = service->up * 100 < service->panic_percent * service->counted &&
			 (service->up || !relieved);
}

/*
 * Who is down serves in panic; not who is unknown still: that is over in a moment. When panic ends,
 * others that were taken for up may well be: backends recover together, checks find it one by one.
 * For as long as that takes they go on with the flows they have.
 */
static void spare(const struct effective_service *service, struct effective_backend *backend,
		  __u64 now_ms)
{
	bool down = backend->health == HEALTH_DOWN && !backend->sorry;

	if (down && !service->panic && backend->by_panic)
		backend->spared_ms = now_ms + service->recovery_ms;
	backend->by_panic = down && service->panic;
	/* Also when the clock was set back. */
	if (!down || service->panic || now_ms >= backend->spared_ms ||
	    backend->spared_ms - now_ms > service->recovery_ms)
		backend->spared_ms = 0;
}

static bool serves(const struct effective_backend *backend)
{
	bool up = health_usable(backend->health) || backend->by_panic || backend->spared_ms;

	return up && backend->reachable && !backend->barred && backend->admin != ADMIN_MAINT;
}

static bool takes_new(const struct effective_backend *backend)
{
	return backend->serves && !backend->spared_ms && backend->weight &&
	       backend->admin == ADMIN_READY && !backend->leaving;
}

/* Somebody's weight or serving changes then. */
static void step_at(struct effective_service *service, __u64 time_ms)
{
	if (time_ms && (!service->next_step_ms || time_ms < service->next_step_ms))
		service->next_step_ms = time_ms;
}

/* 1 to SLOW_START_STEPS, the last being the whole weight. */
static __u32 ramp_step(const struct effective_service *service,
		       const struct effective_backend *backend, __u64 now_ms)
{
	__u64 since_ms = now_ms - backend->ramp_ms;

	/* Also when the clock was set back. */
	if (!backend->ramp_ms || now_ms < backend->ramp_ms || since_ms >= service->slow_start_ms)
		return SLOW_START_STEPS;
	return since_ms * SLOW_START_STEPS / service->slow_start_ms + 1;
}

/* Begins and ends slow starts. Whether anybody is in one. */
static bool ramps_follow(struct effective_service *service, struct effective_backend *backends,
			 size_t count, __u64 now_ms)
{
	bool anybody = false, somebody_full = false, ramping = false;

	for (size_t i = 0; i < count; i++)
		anybody |= backends[i].was_usable;
	if (!anybody)
		service->together_ms = now_ms + TOGETHER_MS;
	for (size_t i = 0; i < count; i++) {
		struct effective_backend *backend = &backends[i];
		bool usable = backend->weight_now;

		if (usable && !backend->was_usable && now_ms >= service->together_ms)
			backend->ramp_ms = now_ms;
		if (!usable || ramp_step(service, backend, now_ms) == SLOW_START_STEPS)
			backend->ramp_ms = 0;
		somebody_full |= usable && !backend->ramp_ms;
		ramping |= backend->ramp_ms;
	}
	/* Nobody is there who could take the rest of the load. */
	for (size_t i = 0; i < count && !somebody_full; i++)
		backends[i].ramp_ms = 0;
	return ramping && somebody_full;
}

void effective_evaluate(struct effective_service *service, struct effective_backend *backends,
			size_t count, __u64 now_ms)
{
	bool proper = false;

	service->next_step_ms = 0;
	panic_evaluate(service, backends, count);
	for (size_t i = 0; i < count; i++) {
		spare(service, &backends[i], now_ms);
		step_at(service, backends[i].spared_ms);
		backends[i].serves = serves(&backends[i]);
		backends[i].weight_now = takes_new(&backends[i]) ? backends[i].weight : 0;
		proper |= backends[i].weight_now && !backends[i].sorry;
	}
	for (size_t i = 0; i < count && proper; i++)
		if (backends[i].sorry)
			backends[i].weight_now = 0;
	if (!ramps_follow(service, backends, count, now_ms))
		return;
	/* All by the same factor, so that shares are exact. */
	for (size_t i = 0; i < count; i++) {
		__u32 step = ramp_step(service, &backends[i], now_ms);
		__u64 next_ms = backends[i].ramp_ms +
				((__u64)step * service->slow_start_ms + SLOW_START_STEPS - 1) /
					SLOW_START_STEPS;

		backends[i].weight_now *= step;
		step_at(service, backends[i].ramp_ms ? next_ms : 0);
	}
}
