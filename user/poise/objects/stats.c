// SPDX-License-Identifier: BSD-2-Clause
/* poise stats: counters read twice from the pinned maps; poised is not asked. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/nearest.h"
#include "cli/numbers.h"
#include "cli/value.h"
#include "objects/objects.h"
#include "pinned/offline.h"
#include "print/json.h"
#include "stats/stats.h"

#define DEFAULT_INTERVAL_MS 1000

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

static int stats_print(struct command *cmd, const struct stats_snapshot *before,
		       const struct stats_snapshot *after)
{
	const char *only = cmd->argc ? cmd->argv[0] : NULL;
	struct stats stats;
	int status;

	if (stats_fill(before, after, only, &stats))
		return command_refuse("out of memory");
	if (only && !stats.service_count)
		status = service_unknown(&after->names, only);
	else
		status = cmd->json ? print_json(stats_encode(&stats)) : stats_table(&stats);
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
	struct stats_snapshot before = { 0 }, after = { 0 };
	int err = interval_ms ? stats_snapshot_take(maps, &before) : 0;
	int status;

	if (!err) {
		wait_ms(interval_ms);
		err = stats_snapshot_take(maps, &after);
	}
	if (err)
		status = command_refuse("pinned maps: %s", strerror(-err));
	else
		status = stats_print(cmd, interval_ms ? &before : NULL, &after);
	stats_snapshot_free(&before);
	stats_snapshot_free(&after);
	return status;
}

static int stats_show(struct command *cmd)
{
	const char *interval = command_option(cmd, "interval");
	__u64 interval_ms = DEFAULT_INTERVAL_MS;
	struct maps maps;
	int status;

	if (interval)
		duration_parse(interval, &interval_ms);
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

static const struct option_row options[] = {
	{ "interval", "TIME", "between the two reads that rates are made from (1s)",
	  .check = value_time, .min = 1 },
	{ "once", NULL, "read once and at once: totals, no rates" },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "stats", "[SERVICE] [--interval TIME | --once]",
	  "packets, bytes, new flows, rates and shares; needs no poised", 0, 1, options,
	  stats_show },
};

const struct object object_stats = {
	"stats",
	"packets, bytes, flows, rates and shares",
	verbs,
	ARRAY_SIZE(verbs),
};
