// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sweeper/sweep.h"
#include "sweeper/sweeper.h"

#define INTERVAL_NS (1000ULL * 1000000)
#define SHARE       20 /* of its time a sweep may take: one part in so many */
/* A sweep that is waited for finds what was stored just now. Timers may be early by some ms. */
#define SLACK_NS (10ULL * 1000000)
#define FIRST_NS (IN_FLIGHT_NS + SLACK_NS)

struct sweeper {
	struct model *model;
	uv_timer_t timer;
	uv_work_t work;
	uv_sem_t done; /* posted when the thread is through */
	struct sweep sweep;
	bool working; /* work is on its way: its end will be told by the loop */
	bool taken;   /* ... and is already known */
	bool complained;
	__u64 began_ns, took_ns; /* of the last sweep */
	LIST_HEAD(sweep_waits, sweep_wait) waits;
	void (*closed)(struct model *model);
	unsigned int open; /* handles, and work that the loop has to be told of */
};

static void complain(struct sweeper *sweeper, int err)
{
	if (err && !sweeper->complained)
		log_err("flow table: no pass over it: %s", strerror(-err));
	sweeper->complained = err;
}

static void let_go(struct sweeper *sweeper)
{
	if (--sweeper->open)
		return;
	uv_sem_destroy(&sweeper->done);
	sweeper->closed(sweeper->model);
	free(sweeper);
}

static void timer_closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

static void sweep_conclude(struct sweeper *sweeper, struct sweep *sweep)
{
	sweeper->began_ns = sweep->began_ns;
	sweeper->took_ns = sweep->ended_ns - sweep->began_ns;
	if (!sweep->err)
		sweep_end(sweeper->model, sweep);
	complain(sweeper, sweep->err);
	sweep_free(sweep);
}

/* A sweep that began then has ended. */
static void waits_end(struct sweeper *sweeper, __u64 began_ns)
{
	struct sweep_wait *wait = LIST_FIRST(&sweeper->waits);

	while (wait) {
		if (wait->from_ns > began_ns) {
			wait = LIST_NEXT(wait, entry);
			continue;
		}
		LIST_REMOVE(wait, entry);
		wait->done(wait->arg);
		/* Whatever that changed in the list. */
		wait = LIST_FIRST(&sweeper->waits);
	}
}

/* Runs beside the loop, and behind whatever else wants the CPU. */
static void work_run(uv_work_t *work)
{
	struct sweeper *sweeper = work->data;
	const struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_BATCH, &none);
	sweep_run(&sweeper->sweep);
	sched_setscheduler(0, SCHED_OTHER, &none);
	uv_sem_post(&sweeper->done);
}

static void work_ended(uv_work_t *work, int status)
{
	struct sweeper *sweeper = work->data;

	sweeper->working = false;
	if (!sweeper->taken && !status) {
		uv_sem_wait(&sweeper->done);
		sweep_conclude(sweeper, &sweeper->sweep);
	}
	sweeper->taken = false;
	if (sweeper->closed) {
		let_go(sweeper);
		return;
	}
	waits_end(sweeper, sweeper->began_ns);
	sweeper_wake(sweeper);
}

static void due(uv_timer_t *timer)
{
	struct sweeper *sweeper = timer->data;
	int err;

	if (!sweep_wanted(sweeper->model) && LIST_EMPTY(&sweeper->waits))
		return;
	err = sweep_begin(sweeper->model, &sweeper->sweep);
	if (!err)
		err = uv_queue_work(timer->loop, &sweeper->work, work_run, work_ended);
	sweeper->working = !err;
	if (!err)
		return;
	complain(sweeper, err);
	sweep_free(&sweeper->sweep);
	sweeper->began_ns = now_ns();
	waits_end(sweeper, sweeper->began_ns);
	sweeper_wake(sweeper);
}

/* Somebody may wait to serve again until a sweep has cleared what it left in the table. */
static bool is_urgent(const struct model *model)
{
	for (__u32 i = 0; i < lb_max_targets(model->deps.lb); i++)
		if (model->unclean_ns[i] && model->unclean_ns[i] != UNCLEAN_NAMED)
			return true;
	return false;
}

void sweeper_wake(struct sweeper *sweeper)
{
	__u64 now = now_ns(), due_ns = now + FIRST_NS, interval_ns = SHARE * sweeper->took_ns;
	struct sweep_wait *wait;
	__u64 delay_ms;

	/* While work is on its way its end wakes us. */
	if (sweeper->working)
		return;
	if (interval_ns < INTERVAL_NS && !is_urgent(sweeper->model))
		interval_ns = INTERVAL_NS;
	if (sweeper->began_ns && due_ns < sweeper->began_ns + interval_ns)
		due_ns = sweeper->began_ns + interval_ns;
	LIST_FOREACH(wait, &sweeper->waits, entry)
	if (wait->from_ns + SLACK_NS < due_ns)
		due_ns = wait->from_ns + SLACK_NS;
	delay_ms = due_ns > now ? (due_ns - now) / 1000000 : 0;
	if (!uv_is_active((uv_handle_t *)&sweeper->timer) ||
	    uv_timer_get_due_in(&sweeper->timer) > delay_ms)
		uv_timer_start(&sweeper->timer, due, delay_ms, 0);
}

void sweeper_await(struct sweeper *sweeper, struct sweep_wait *wait)
{
	wait->from_ns = now_ns() + IN_FLIGHT_NS;
	LIST_INSERT_HEAD(&sweeper->waits, wait, entry);
	sweeper_wake(sweeper);
}

void sweeper_await_cancel(struct sweep_wait *wait)
{
	LIST_REMOVE(wait, entry);
}

static void sweep_soon(struct model *model)
{
	sweeper_wake(model->sweeper);
}

/* Takes what the thread found, without waiting for the loop to tell. */
static void work_take(struct sweeper *sweeper)
{
	if (!sweeper->working || sweeper->taken)
		return;
	uv_sem_wait(&sweeper->done);
	sweep_conclude(sweeper, &sweeper->sweep);
	sweeper->taken = true;
}

void sweeper_sweep(struct sweeper *sweeper)
{
	struct sweep sweep;
	int err;

	work_take(sweeper);
	err = sweep_begin(sweeper->model, &sweep);
	if (err) {
		complain(sweeper, err);
		sweep_free(&sweep);
		return;
	}
	sweep_run(&sweep);
	sweep_conclude(sweeper, &sweep);
	sweeper_wake(sweeper);
}

void sweeper_number_taken(struct sweeper *sweeper, __u32 number)
{
	/* A sweep in flight spares what packets enter by it from now on. */
	if (sweeper->sweep.dead_services)
		__atomic_store_n(&sweeper->sweep.dead_services[number], 0, __ATOMIC_RELEASE);
}

void sweeper_forget(struct sweeper *sweeper, const struct live_service *service)
{
	for (size_t i = 0; i < sweeper->sweep.service_count; i++)
		if (sweeper->sweep.services[i].service == service)
			sweeper->sweep.services[i].service = NULL;
}

int sweeper_open(struct model *model, struct sweeper **out)
{
	struct sweeper *sweeper = calloc(1, sizeof(*sweeper));
	int err;

	if (!sweeper)
		return -ENOMEM;
	err = uv_sem_init(&sweeper->done, 0);
	if (err) {
		free(sweeper);
		return err;
	}
	sweeper->model = model;
	uv_timer_init(model->deps.loop, &sweeper->timer);
	sweeper->timer.data = sweeper->work.data = sweeper;
	model->sweep_soon = sweep_soon;
	*out = sweeper;
	return 0;
}

void sweeper_close(struct sweeper *sweeper, void (*closed)(struct model *model))
{
	sweeper->closed = closed;
	sweeper->open = 1 + sweeper->working;
	if (sweeper->working && !sweeper->taken && uv_cancel((uv_req_t *)&sweeper->work)) {
		/* The maps are about to go: not before the thread is through. */
		uv_sem_wait(&sweeper->done);
		sweeper->taken = true;
	}
	sweep_free(&sweeper->sweep);
	uv_close((uv_handle_t *)&sweeper->timer, timer_closed);
}
