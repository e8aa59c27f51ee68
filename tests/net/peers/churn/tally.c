// SPDX-License-Identifier: BSD-2-Clause
/* Counts of churn_client, and its report. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "churn/churn.h"

#define BACKENDS_MAX 32

static const char *const why_names[WHY_MAX] = { "reset", "closed", "stalled", "other", "refused" };
static const char *const kind_names[KIND_MAX] = { "busy", "idle", "short" };

static struct {
	char name[CHURN_NAME_SIZE];
	bool may_break;
	long connections, open, broken, allowed;
} backends[BACKENDS_MAX];
static int backend_count;

static long broken[WHY_MAX], allowed[WHY_MAX], broken_kinds[KIND_MAX];
static long answers, shorts, replaced;
static long long longest_answer_ms, longest_connect_ms;

int tally_find(const char *name)
{
	for (int i = 0; i < backend_count; i++) {
		if (!strcmp(backends[i].name, name))
			return i;
	}
	return -1;
}

int tally_backend(const char *name)
{
	int found = tally_find(name);

	if (found >= 0 || backend_count == BACKENDS_MAX)
		return found;
	snprintf(backends[backend_count].name, CHURN_NAME_SIZE, "%s", name);
	return backend_count++;
}

void tally_allow(const char *name, bool may_break)
{
	int named = name ? tally_backend(name) : -1;

	for (int i = 0; i < backend_count; i++) {
		if (!name || i == named)
			backends[i].may_break = may_break;
	}
}

/* Nobody knows which backend a connection belonged to that was never answered. */
static bool may_break(int backend)
{
	if (backend >= 0)
		return backends[backend].may_break;
	for (int i = 0; i < backend_count; i++) {
		if (backends[i].may_break)
			return true;
	}
	return false;
}

void tally_assigned(const struct churn_conn *conn)
{
	if (conn->backend < 0)
		return;
	backends[conn->backend].connections++;
	backends[conn->backend].open++;
}

void tally_ended(const struct churn_conn *conn)
{
	if (conn->backend >= 0)
		backends[conn->backend].open--;
}

void tally_broken(const struct churn_conn *conn, enum churn_why why)
{
	bool excused = why != WHY_OTHER && may_break(conn->backend);

	if (excused) {
		allowed[why]++;
	} else {
		broken[why]++;
		broken_kinds[conn->kind]++;
	}
	tally_ended(conn);
	if (conn->backend < 0)
		return;
	if (excused)
		backends[conn->backend].allowed++;
	else
		backends[conn->backend].broken++;
}

void tally_answer(long long took_ms)
{
	answers++;
	if (took_ms > longest_answer_ms)
		longest_answer_ms = took_ms;
}

long tally_answers(void)
{
	return answers;
}

void tally_connected(long long took_ms)
{
	if (took_ms > longest_connect_ms)
		longest_connect_ms = took_ms;
}

void tally_short(void)
{
	shorts++;
}

void tally_replaced(void)
{
	replaced++;
}

long tally_broken_total(void)
{
	long total = 0;

	for (int why = 0; why < WHY_MAX; why++)
		total += broken[why];
	return total;
}

static json_t *counts(const char *const *names, const long *values, size_t count)
{
	json_t *object = json_object();
	long total = 0;

	for (size_t i = 0; i < count; i++) {
		json_object_set_new(object, names[i], json_integer(values[i]));
		total += values[i];
	}
	json_object_set_new(object, "total", json_integer(total));
	return object;
}

static json_t *by_backend(void)
{
	json_t *object = json_object();

	for (int i = 0; i < backend_count; i++)
		json_object_set_new(object, backends[i].name,
				    json_pack("{sI sI sI sI}", "connections",
					      (json_int_t)backends[i].connections, "open",
					      (json_int_t)backends[i].open, "broken",
					      (json_int_t)backends[i].broken, "allowed",
					      (json_int_t)backends[i].allowed));
	return object;
}

void tally_report(const struct churn_options *options, size_t established, double seconds)
{
	long busy = (long)options->long_count * options->busy_percent / 100;
	json_t *report = json_pack(
		"{sf sI sI sI sI sI sI sI so so so so sI sI}", "seconds", seconds, "long",
		(json_int_t)options->long_count, "busy", (json_int_t)busy, "idle",
		(json_int_t)options->long_count - busy, "established", (json_int_t)established,
		"short", (json_int_t)shorts, "replaced", (json_int_t)replaced, "answers",
		(json_int_t)answers, "broken", counts(why_names, broken, WHY_MAX), "broken_kinds",
		counts(kind_names, broken_kinds, KIND_MAX), "allowed",
		counts(why_names, allowed, WHY_MAX), "by_backend", by_backend(),
		"longest_answer_ms", (json_int_t)longest_answer_ms, "longest_connect_ms",
		(json_int_t)longest_connect_ms);

	json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	fflush(stdout);
	json_decref(report);
}
