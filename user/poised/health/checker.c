// SPDX-License-Identifier: BSD-2-Clause
/* When checks happen, and what their results do. */
#include "health/checker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uv.h>

#include "health/check_due.h"
#include "base/log.h"
#include "check/probe.h"

/* Checks that start together are spread over this much, so that a reload is no burst of SYNs. */
#define FIRST_MS 50
/* A timeout found this late says that the daemon was busy, not that the backend was slow. */
#define LATE_MS     50
#define COMPLAIN_MS 60000

struct checker {
	uv_loop_t *loop;
	struct prober *prober;
	bool complained;
	__u64 complained_ms; /* uv_now's time of the last complaint */
};

struct check {
	struct probe probe; /* the first member: see done() */
	struct checker *checker;
	struct conf_check conf;
	struct health_state state;
	char reason[PROBE_REASON_SIZE]; /* as told last */
	check_changed changed;
	void *arg;
	uv_timer_t timer;
	__u64 due_ms; /* uv_now's time of the next check: keeps its phase however late one is */
	__u64 began_ns;
	bool spread;  /* the first check has begun, due_ms is in its final phase */
	bool overdue; /* came due while the one before was in flight */
	bool excused; /* the last result was not counted: the next one will be */
};

/* Says, once a minute, that checks cannot be made. err is a negative errno. */
static void complain(struct checker *checker, int err)
{
	__u64 now_ms = uv_now(checker->loop);

	if (checker->complained && now_ms < checker->complained_ms + COMPLAIN_MS)
		return;
	checker->complained = true;
	checker->complained_ms = now_ms;
	log_warn("health checks cannot be made: %s; backends keep the health they have",
		 strerror(-err));
}

/* 0 to limit - 1 */
static __u32 random_below(__u32 limit)
{
	__u32 value = 0;

	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value))
		value = (__u32)uv_hrtime();
	return limit ? value % limit : 0;
}

static void due(uv_timer_t *timer);

static void schedule(struct check *check)
{
	__u64 now_ms = uv_now(check->timer.loop);

	uv_timer_start(&check->timer, due, check->due_ms > now_ms ? check->due_ms - now_ms : 0, 0);
}

/*
 * The second check comes after a random half to whole of the interval, all others a whole one
 * after it: thousands of checks that began together do not stay together.
 */
static void schedule_next(struct check *check)
{
	__u32 interval_ms = check->conf.interval_ms;
	__u64 now_ms = uv_now(check->timer.loop);

	if (check->spread)
		check->due_ms = check_due_after(check->due_ms, now_ms, interval_ms);
	else
		check->due_ms = now_ms + interval_ms / 2 + random_below(interval_ms / 2);
	check->spread = true;
	schedule(check);
}

static void begin(struct check *check)
{
	int err;

	check->overdue = check->probe.state != NULL;
	if (check->overdue)
		return;
	check->began_ns = uv_hrtime();
	err = check->conf.kind->start(&check->probe);
	if (err)
		complain(check->checker, err);
}

static void due(uv_timer_t *timer)
{
	struct check *check = timer->data;

	begin(check);
	schedule_next(check);
}

/* The loop came so late to a timeout that the answer may be waiting, unread. Once in a row. */
static bool is_excused(struct check *check, const struct probe_result *result)
{
	__u64 took_ms = (uv_hrtime() - check->began_ns) / 1000000;

	check->excused =
		result->timed_out && !check->excused && took_ms > check->conf.timeout_ms + LATE_MS;
	return check->excused;
}

/* Tells what is new: the health, or why it is down. The callee may stop the check. */
static void tell(struct check *check, enum poise_health before, const char *reason)
{
	bool down = check->state.health == HEALTH_DOWN;

	if (check->state.health == before && (!down || !strcmp(check->reason, reason)))
		return;
	snprintf(check->reason, sizeof(check->reason), "%s", reason);
	check->changed(check->arg, check->state.health, reason);
}

static void done(struct probe *probe, const struct probe_result *result)
{
	struct check *check = (struct check *)probe;
	enum poise_health before = check->state.health;
	bool excused = is_excused(check, result);

	if (excused || check->overdue)
		begin(check);
	/* Our own trouble says nothing about the backend. */
	if (result->local_error) {
		complain(check->checker, result->local_error);
	} else if (!excused) {
		health_next(&check->state, result->passed, &check->conf);
		/* A pass on the way up is no reason to be down. */
		if (!result->passed || check->state.health != HEALTH_DOWN)
			tell(check, before, result->reason);
	}
}

int check_start(struct checker *checker, const struct conf_check *conf, const struct addr *addr,
		__u16 port, enum poise_health health, check_changed changed, void *arg,
		struct check **out)
{
	struct check *check;

	if (!port || !conf->interval_ms || !conf->timeout_ms || !conf->kind ||
	    !conf->kind->valid(conf->value))
		return -EINVAL;
	check = calloc(1, sizeof(*check));
	if (!check)
		return -ENOMEM;
	check->conf = *conf;
	json_incref(check->conf.value);
	check->checker = checker;
	check->probe = (struct probe){ .prober = checker->prober,
				       .loop = checker->loop,
				       .value = conf->value,
				       .addr = *addr,
				       .port = port,
				       .timeout_ms = conf->timeout_ms,
				       .done = done };
	check->state.health = health;
	check->changed = changed;
	check->arg = arg;
	uv_timer_init(checker->loop, &check->timer);
	check->timer.data = check;
	/* The time that it took to read a long configuration makes no check late. */
	uv_update_time(checker->loop);
	check->due_ms = uv_now(checker->loop) +
			random_below(conf->interval_ms < FIRST_MS ? conf->interval_ms : FIRST_MS);
	schedule(check);
	*out = check;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct check *check = handle->data;

	json_decref(check->conf.value);
	free(check);
}

void check_stop(struct check *check)
{
	if (!check)
		return;
	if (check->probe.state)
		check->conf.kind->stop(&check->probe);
	uv_close((uv_handle_t *)&check->timer, timer_closed);
}

int checker_open(struct uv_loop_s *loop, struct checker **out)
{
	struct checker *checker = calloc(1, sizeof(*checker));
	int err = checker ? prober_open(loop, &checker->prober) : -ENOMEM;

	if (err) {
		free(checker);
		return err;
	}
	checker->loop = loop;
	*out = checker;
	return 0;
}

void checker_close(struct checker *checker)
{
	if (!checker)
		return;
	prober_close(checker->prober);
	free(checker);
}
