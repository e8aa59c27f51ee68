// SPDX-License-Identifier: BSD-2-Clause
/* poise stats: counters read twice from the pinned maps; poised is not asked. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addr.h"
#include "conf.h"
#include "format.h"
#include "nearest.h"
#include "offline.h"
#include "rates.h"
#include "stats.h"
#include "table.h"
#include "tree.h"

#define DEFAULT_INTERVAL_MS 1000

struct snapshot {
	struct names names;
	struct counter *counters; /* names.target_count of them */
	__u64 time_ns;            /* CLOCK_MONOTONIC */
};

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void snapshot_free(struct snapshot *snapshot)
{
	names_free(&snapshot->names);
	free(snapshot->counters);
	snapshot->counters = NULL;
}

static int snapshot_take(const struct maps *maps, struct snapshot *out)
{
	size_t count;
	int err = names_read(maps, &out->names);

	if (err)
		return err;
	count = out->names.target_count;
	out->counters = calloc(count + 1, sizeof(*out->counters));
	err = out->counters ? counters_read(maps, out->counters, count) : -ENOMEM;
	out->time_ns = now_ns();
	if (err)
		snapshot_free(out);
	return err;
}

/* A number may have gone to another backend in between. */
static bool same_target(const struct snapshot *a, const struct snapshot *b, size_t target)
{
	const struct target_name *x, *y;

	if (target >= a->names.target_count)
		return false;
	x = &a->names.targets[target];
	y = &b->names.targets[target];
	return !strcmp(x->service, y->service) && !memcmp(x->addr, y->addr, sizeof(x->addr)) &&
	       x->port == y->port;
}

static void backend_fill(const struct snapshot *before, const struct snapshot *after, size_t target,
			 struct stats_backend *out)
{
	static const struct counter zero;
	bool known = before && same_target(before, after, target);

	out->target = target;
	out->name = &after->names.targets[target];
	out->total = after->counters[target];
	out->delta = rates_delta(known ? &before->counters[target] : &zero, &out->total);
}

/* The backends of one service, in the order of their numbers. 0 or -ENOMEM. */
static int service_fill(const struct snapshot *before, const struct snapshot *after, size_t number,
			struct stats_service *out)
{
	const struct names *names = &after->names;
	const char *name = names->services[number].name;
	__u8 mode = names->services[number].mode;
	size_t i, count = 0;

	for (i = 1; i < names->target_count; i++)
		count += !strcmp(names->targets[i].service, name);
	memset(out, 0, sizeof(*out));
	out->name = name;
	out->replies = mode == MODE_NAT || mode == MODE_NAT_KEEP;
	out->sockets = mode == MODE_LOCAL;
	out->backends = calloc(count + 1, sizeof(*out->backends));
	if (!out->backends)
		return -ENOMEM;
	for (i = 1; i < names->target_count; i++) {
		struct stats_backend *backend = &out->backends[out->backend_count];

		if (strcmp(names->targets[i].service, name))
			continue;
		backend_fill(before, after, i, backend);
		out->backend_count++;
		rates_add(&out->total, &backend->total);
		rates_add(&out->delta, &backend->delta);
		out->weight += rates_weight(backend->name);
	}
	return 0;
}

static void stats_free(struct stats *stats)
{
	size_t i;

	for (i = 0; i < stats->service_count; i++)
		free(stats->services[i].backends);
	free(stats->services);
}

/* All services or the one of that name (NULL: all). 0 or -ENOMEM. */
static int stats_fill(const struct snapshot *before, const struct snapshot *after, const char *only,
		      struct stats *out)
{
	int err = 0;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->time_ns = after->time_ns;
	out->elapsed_ns = before ? after->time_ns - before->time_ns : 0;
	out->services = calloc(POISE_MAX_SERVICES, sizeof(*out->services));
	if (!out->services)
		return -ENOMEM;
	for (i = 0; i < POISE_MAX_SERVICES && !err; i++) {
		const char *name = after->names.services[i].name;

		if (!name[0] || (only && strcmp(name, only)))
			continue;
		err = service_fill(before, after, i, &out->services[out->service_count]);
		out->service_count += !err;
	}
	if (err)
		stats_free(out);
	return err;
}

static int service_unknown(const struct names *names, const char *name)
{
	const char *known[POISE_MAX_SERVICES], *nearest;
	size_t i, count = 0;

	for (i = 0; i < POISE_MAX_SERVICES; i++) {
		if (names->services[i].name[0])
			known[count++] = names->services[i].name;
	}
	nearest = nearest_name(name, known, count);
	if (nearest)
		return command_refuse("no service \"%s\": did you mean \"%s\"?", name, nearest);
	return command_refuse("no service \"%s\"", name);
}

static int stats_print(struct command *cmd, const struct snapshot *before,
		       const struct snapshot *after)
{
	const char *only = cmd->argc ? cmd->argv[0] : NULL;
	struct stats stats;
	int status;

	if (stats_fill(before, after, only, &stats))
		return command_refuse("out of memory");
	if (only && !stats.service_count)
		status = service_unknown(&after->names, only);
	else
		status = cmd->json ? tree_print(stats_encode(&stats)) : stats_table(&stats);
	stats_free(&stats);
	return status;
}

static void wait_ms(__u64 ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

static int measure(struct command *cmd, const struct maps *maps, __u64 interval_ms)
{
	struct snapshot before = { 0 }, after = { 0 };
	int err = interval_ms ? snapshot_take(maps, &before) : 0;
	int status;

	if (!err) {
		wait_ms(interval_ms);
		err = snapshot_take(maps, &after);
	}
	if (err)
		status = command_refuse("pinned maps: %s", strerror(-err));
	else
		status = stats_print(cmd, interval_ms ? &before : NULL, &after);
	snapshot_free(&before);
	snapshot_free(&after);
	return status;
}

static int stats_show(struct command *cmd)
{
	const char *interval = command_option(cmd, "interval");
	__u64 interval_ms = DEFAULT_INTERVAL_MS;
	struct maps maps;
	int status;

	if (interval && (duration_parse(interval, &interval_ms) || !interval_ms))
		return command_misuse("--interval: expected a time like 500ms or 2s, found \"%s\"",
				      interval);
	if (command_option(cmd, "once")) {
		if (interval)
			return command_misuse("--once reads once: there is no --interval");
		interval_ms = 0;
	}
	status = offline_open_maps(cmd, &maps);
	if (status != EXIT_DONE)
		return status;
	status = measure(cmd, &maps, interval_ms);
	maps_close(&maps);
	return status;
}

int cmd_stats(struct command *cmd)
{
	static const struct option_row options[] = {
		{ "interval", "TIME", "between the two reads that rates are made from (1s)" },
		{ "once", NULL, "read once and at once: totals, no rates" },
		{ 0 },
	};
	static const struct verb verb = {
		"stats",
		"[SERVICE] [--interval TIME | --once]",
		"packets, bytes, new flows, rates and shares; needs no poised",
		0,
		1,
		options,
		stats_show,
	};

	return verb_run(cmd, &verb);
}
