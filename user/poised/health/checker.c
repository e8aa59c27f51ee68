// SPDX-License-Identifier: BSD-2-Clause
/* When checks happen, and what their results do. */
#include "checker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "check_due.h"
#include "check_request.h"

/* Checks that start together are spread over this much, so that a reload is no burst of SYNs. */
#define FIRST_MS 50
/* A timeout found this late says that the daemon was busy, not that the backend was slow. */
#define LATE_MS 50

struct check {
	struct checker *checker;
	struct conf_check conf;
	struct addr addr;
	__u16 port; /* host order */
	struct health_state state;
	char reason[REASON_SIZE]; /* as told last */
	check_changed changed;
	void *arg;
	uv_timer_t timer;
	__u64 due_ms; /* uv_now's time of the next check: keeps its phase however late one is */
	__u64 began_ns;
	bool spread;   /* the first check has begun, due_ms is in its final phase */
	bool overdue;  /* came due while the one before was in flight */
	bool excused;  /* the last result was not counted: the next one will be */
	CURL *request; /* in flight, else NULL */
	struct request_note note;
};

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

	check->overdue = check->request != NULL;
	if (check->overdue)
		return;
	check->began_ns = uv_hrtime();
	check->note = (struct request_note){ .check = check };
	err = request_begin(check->checker, &check->conf, &check->addr, check->port, &check->note,
			    &check->request);
	if (err)
		checker_complain(check->checker, err);
}

static void due(uv_timer_t *timer)
{
	struct check *check = timer->data;

	begin(check);
	schedule_next(check);
}

/* The loop came so late to a timeout that the answer may be waiting, unread. Once in a row. */
static bool is_excused(struct check *check, CURLcode code)
{
	__u64 took_ms = (uv_hrtime() - check->began_ns) / 1000000;

	check->excused = code == CURLE_OPERATION_TIMEDOUT && !check->excused &&
			 took_ms > check->conf.timeout_ms + LATE_MS;
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

void check_done(struct check *check, CURLcode code)
{
	struct request_result result;
	enum poise_health before = check->state.health;
	bool excused;

	request_judge(check->request, code, &check->conf, &check->note, &result);
	request_end(check->checker, check->request);
	check->request = NULL;
	excused = is_excused(check, code);
	if (excused || check->overdue)
		begin(check);
	/* Our own trouble says nothing about the backend. */
	if (result.local_error) {
		checker_complain(check->checker, result.local_error);
	} else if (!excused) {
		health_next(&check->state, result.passed, &check->conf);
		/* A pass on the way up is no reason to be down. */
		if (!result.passed || check->state.health != HEALTH_DOWN)
			tell(check, before, result.reason);
	}
}

/* The request target goes into the request as it is: nothing that would end it or its line. */
static bool path_is_sound(const char *path)
{
	const unsigned char *byte = (const unsigned char *)path;

	if (!path || *byte != '/')
		return false;
	while (*byte > ' ' && *byte != 0x7f)
		byte++;
	return !*byte;
}

int check_start(struct checker *checker, const struct conf_check *conf, const struct addr *addr,
		__u16 port, enum poise_health health, check_changed changed, void *arg,
		struct check **out)
{
	struct check *check;

	if (!port || !conf->interval_ms || !conf->timeout_ms ||
	    (conf->type != CHECK_TCP && conf->type != CHECK_HTTP) ||
	    (conf->type == CHECK_HTTP && !path_is_sound(conf->path)))
		return -EINVAL;
	check = calloc(1, sizeof(*check));
	if (!check)
		return -ENOMEM;
	check->conf = *conf;
	check->conf.path = NULL;
	if (conf->type == CHECK_HTTP && !(check->conf.path = strdup(conf->path))) {
		free(check);
		return -ENOMEM;
	}
	check->checker = checker;
	check->addr = *addr;
	check->port = port;
	check->state.health = health;
	check->changed = changed;
	check->arg = arg;
	uv_timer_init(checker->loop, &check->timer);
	check->timer.data = check;
	uv_update_time(
		checker->loop); /* reading a long configuration is not time in which to be late */
	check->due_ms = uv_now(checker->loop) +
			random_below(conf->interval_ms < FIRST_MS ? conf->interval_ms : FIRST_MS);
	schedule(check);
	*out = check;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct check *check = handle->data;

	free(check->conf.path);
	free(check);
}

void check_stop(struct check *check)
{
	if (!check)
		return;
	if (check->request)
		request_end(check->checker, check->request);
	check->request = NULL;
	uv_close((uv_handle_t *)&check->timer, timer_closed);
}
