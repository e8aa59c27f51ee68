// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mode/mode.h"
#include "print/rates.h"
#include "stats/stats.h"

void stats_snapshot_free(struct stats_snapshot *snapshot)
{
	names_free(&snapshot->names);
	free(snapshot->counters);
	snapshot->counters = NULL;
}

int stats_snapshot_take(const struct maps *maps, struct stats_snapshot *out)
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
		stats_snapshot_free(out);
	return err;
}

/* A number may have gone to another backend in between. */
static bool same_target(const struct stats_snapshot *a, const struct stats_snapshot *b,
			size_t target)
{
	const struct target_name *x, *y;

	if (target >= a->names.target_count)
		return false;
	x = &a->names.targets[target];
	y = &b->names.targets[target];
	return !strcmp(x->service, y->service) && !memcmp(x->addr, y->addr, sizeof(x->addr)) &&
	       x->port == y->port;
}

static void backend_fill(const struct stats_snapshot *before, const struct stats_snapshot *after,
			 size_t target, struct stats_backend *out)
{
	static const struct counter zero;
	bool known = before && same_target(before, after, target);

	out->target = target;
	out->name = &after->names.targets[target];
	out->total = after->counters[target];
	out->delta = rates_delta(known ? &before->counters[target] : &zero, &out->total);
}

/* The backends of one service, in the order of their numbers. 0 or -ENOMEM. */
static int service_fill(const struct stats_snapshot *before, const struct stats_snapshot *after,
			size_t number, struct stats_service *out)
{
	const struct names *names = &after->names;
	const char *name = names->services[number].name;
	__u8 mode = names->services[number].mode;
	size_t i, count = 0;

	for (i = 1; i < names->target_count; i++)
		count += !strcmp(names->targets[i].service, name);
	memset(out, 0, sizeof(*out));
	out->name = name;
	out->replies = mode_has_replies(mode);
	out->sockets = mode_has_sockets(mode);
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

void stats_free(struct stats *stats)
{
	size_t i;

	for (i = 0; i < stats->service_count; i++)
		free(stats->services[i].backends);
	free(stats->services);
}

int stats_fill(const struct stats_snapshot *before, const struct stats_snapshot *after,
	       const char *only, struct stats *out)
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
