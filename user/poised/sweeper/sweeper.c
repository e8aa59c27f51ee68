// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pass.h"
#include "sweeper.h"

#define INTERVAL_NS (1000ULL * 1000000)
#define SHARE       20 /* of its time a pass may take: one part in so many */
/* A pass that is waited for finds what was stored just now. */
#define FIRST_NS (IN_FLIGHT_NS + 10 * 1000000)

struct sweeper {
	struct reconcile *rec;
	uv_timer_t timer;
	uv_work_t work;
	uv_sem_t done; /* posted when the thread is through */
	struct pass pass;
	bool working; /* work is on its way: its end will be told by the loop */
	bool taken;   /* ... and is already known */
	bool complained;
	__u64 began_ns, took_ns; /* of the last pass */
	void (*closed)(struct reconcile *rec);
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
	sweeper->closed(sweeper->rec);
	free(sweeper);
}

static void timer_closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

static void pass_conclude(struct sweeper *sweeper, struct pass *pass)
{
	sweeper->began_ns = pass->began_ns;
	sweeper->took_ns = pass->ended_ns - pass->began_ns;
	if (!pass->err)
		pass_end(sweeper->rec, pass);
	complain(sweeper, pass->err);
	pass_free(pass);
}

/* Runs beside the loop, and behind whatever else wants the CPU. */
static void work_run(uv_work_t *work)
{
	struct sweeper *sweeper = work->data;
	const struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_BATCH, &none);
	pass_run(&sweeper->pass);
	sched_setscheduler(0, SCHED_OTHER, &none);
	uv_sem_post(&sweeper->done);
}

static void work_ended(uv_work_t *work, int status)
{
	struct sweeper *sweeper = work->data;

	sweeper->working = false;
	if (!sweeper->taken && !status) {
		uv_sem_wait(&sweeper->done);
		pass_conclude(sweeper, &sweeper->pass);
	}
	sweeper->taken = false;
	if (sweeper->closed)
		let_go(sweeper);
	else
		sweeper_wake(sweeper);
}

static void due(uv_timer_t *timer)
{
	struct sweeper *sweeper = timer->data;
	int err;

	if (!pass_wanted(sweeper->rec))
		return;
	err = pass_begin(sweeper->rec, &sweeper->pass);
	if (!err)
		err = uv_queue_work(timer->loop, &sweeper->work, work_run, work_ended);
	sweeper->working = !err;
	if (!err)
		return;
	complain(sweeper, err);
	pass_free(&sweeper->pass);
	sweeper->began_ns = now_ns();
	sweeper_wake(sweeper);
}

/* Somebody may wait to serve again until a pass has cleared what it left in the table. */
static bool is_urgent(const struct reconcile *rec)
{
	for (__u32 i = 0; i < lb_max_targets(rec->deps.lb); i++)
		if (rec->unclean_ns[i] && rec->unclean_ns[i] != UNCLEAN_NAMED)
			return true;
	return false;
}

void sweeper_wake(struct sweeper *sweeper)
{
	__u64 now = now_ns(), due_ns = now + FIRST_NS, interval_ns = SHARE * sweeper->took_ns;
	__u64 delay_ms;

	/* While work is on its way its end wakes us. */
	if (sweeper->working)
		return;
	if (interval_ns < INTERVAL_NS && !is_urgent(sweeper->rec))
		interval_ns = INTERVAL_NS;
	if (sweeper->began_ns && due_ns < sweeper->began_ns + interval_ns)
		due_ns = sweeper->began_ns + interval_ns;
	delay_ms = (due_ns - now) / 1000000;
	if (!uv_is_active((uv_handle_t *)&sweeper->timer) ||
	    uv_timer_get_due_in(&sweeper->timer) > delay_ms)
		uv_timer_start(&sweeper->timer, due, delay_ms, 0);
}

/* What the thread found, without waiting for the loop to tell. */
static void work_take(struct sweeper *sweeper)
{
	if (!sweeper->working || sweeper->taken)
		return;
	uv_sem_wait(&sweeper->done);
	pass_conclude(sweeper, &sweeper->pass);
	sweeper->taken = true;
}

void sweeper_pass(struct sweeper *sweeper)
{
	struct pass pass;
	int err;

	work_take(sweeper);
	err = pass_begin(sweeper->rec, &pass);
	if (err) {
		complain(sweeper, err);
		pass_free(&pass);
		return;
	}
	pass_run(&pass);
	pass_conclude(sweeper, &pass);
	sweeper_wake(sweeper);
}

void sweeper_number_taken(struct sweeper *sweeper, __u32 number)
{
	/* A pass in flight spares what packets enter by it from now on. */
	if (sweeper->pass.dead_services)
		__atomic_store_n(&sweeper->pass.dead_services[number], 0, __ATOMIC_RELEASE);
}

void sweeper_forget(struct sweeper *sweeper, const struct run_service *service)
{
	for (size_t i = 0; i < sweeper->pass.service_count; i++)
		if (sweeper->pass.services[i].run == service)
			sweeper->pass.services[i].run = NULL;
}

int sweeper_open(struct reconcile *rec, struct sweeper **out)
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
	sweeper->rec = rec;
	uv_timer_init(rec->deps.loop, &sweeper->timer);
	sweeper->timer.data = sweeper->work.data = sweeper;
	*out = sweeper;
	return 0;
}

void sweeper_close(struct sweeper *sweeper, void (*closed)(struct reconcile *rec))
{
	sweeper->closed = closed;
	sweeper->open = 1 + sweeper->working;
	if (sweeper->working && !sweeper->taken && uv_cancel((uv_req_t *)&sweeper->work)) {
		/* The maps are about to go: not before the thread is through. */
		uv_sem_wait(&sweeper->done);
		sweeper->taken = true;
	}
	pass_free(&sweeper->pass);
	uv_close((uv_handle_t *)&sweeper->timer, timer_closed);
}
