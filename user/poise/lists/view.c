// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "check/check_kind.h"
#include "print/columns.h"
#include "print/format.h"
#include "lists/listing.h"
#include "print/json.h"
#include "lists/view.h"

/* "http:/healthz, interval 2s": the words that --check and its sisters take. */
static const char *check_text(const json_t *service, char *buf, size_t size)
{
	json_t *check = json_object_get(service, "check"), *value;
	const struct check_kind *kind = check_kind_of(check);
	const char *key;
	size_t used;

	if (!check_kind_format(check, buf, size))
		return "-";
	json_object_foreach (check, key, value) {
		used = strlen(buf);
		if (!strcmp(key, kind->word))
			continue;
		if (json_is_string(value))
			snprintf(buf + used, size - used, ", %s %s", key, json_string_value(value));
		else
			snprintf(buf + used, size - used, ", %s %lld", key,
				 (long long)json_integer_value(value));
	}
	return buf;
}

static enum table_color up_color(size_t up, size_t all)
{
	if (!up)
		return TABLE_BAD;
	return up < all ? TABLE_UNSURE : TABLE_GOOD;
}

static const char *up_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	snprintf(buf, COLUMN_SIZE, "%zu of %zu", listing_count_up(row->object, NULL),
		 json_array_size(json_object_get(row->object, key)));
	return buf;
}

static enum table_color up_paint(const struct column_row *row)
{
	return up_color(listing_count_up(row->object, NULL),
			json_array_size(json_object_get(row->object, "backends")));
}

static const char *mode_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	(void)key;
	(void)buf;
	return listing_mode_text(row->object);
}

static const char *check_cell(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	(void)key;
	return check_text(row->object, buf, COLUMN_SIZE);
}

static const struct column service_columns[] = {
	{ "name", "NAME" },
	{ "listen", "LISTEN" },
	{ "mode", "MODE", .text = mode_text },
	{ "scheduler", "SCHEDULER" },
	{ "hash", "HASH" },
	{ "track", "TRACK" },
	{ "backends", "UP", .text = up_text, .color = up_paint },
	{ "check", "CHECK", TABLE_WRAP, .text = check_cell },
};

int view_services(const json_t *services)
{
	const json_t *service;
	struct columns table;
	size_t i;

	columns_begin(&table, service_columns, ARRAY_SIZE(service_columns), 0);
	json_array_foreach (services, i, service)
		columns_row(&table, service, NULL);
	return columns_print(&table);
}

/* A backend that is up and wanted and still gets no traffic: its next hop says why. */
static bool is_unreachable(const json_t *backend)
{
	const char *health = member_text(backend, "health");

	return json_is_false(json_object_get(backend, "usable")) &&
	       (!strcmp(health, "up") || !strcmp(health, "unchecked")) &&
	       !strcmp(member_text(backend, "state"), "ready") &&
	       !json_is_true(json_object_get(backend, "sorry")) && member_number(backend, "weight");
}

static const char *since_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	if (!json_is_integer(json_object_get(row->object, key)))
		return "-";
	return format_duration(member_number(row->object, key), buf);
}

/* Flows of a service whose rows are all stable are not tracked. */
static const char *flows_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	return listing_tracks(row->parent) ? column_count(row, key, buf) : "-";
}

static const char *state_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	(void)key;
	return listing_state(row->object, json_is_true(json_object_get(row->object, "leaving")),
			     buf);
}

static enum table_color state_paint(const struct column_row *row)
{
	char buf[COLUMN_SIZE];

	return listing_state_color(state_text(row, "state", buf));
}

static enum table_color health_paint(const struct column_row *row)
{
	return listing_health_color(member_text(row->object, "health"));
}

static enum table_color hop_paint(const struct column_row *row)
{
	return is_unreachable(row->object) ? TABLE_UNSURE : TABLE_PLAIN;
}

/* Empty where there is none. */
static const char *reason_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	const char *reason = column_text(row, key, buf);

	return strcmp(reason, "-") ? reason : "";
}

/* The first names the service: a table of one service leaves it out. */
static const struct column backend_columns[] = {
	{ "service", "SERVICE" },
	{ "id", "BACKEND" },
	{ "weight", "WEIGHT", TABLE_RIGHT, .text = column_number },
	{ "state", "STATE", .text = state_text, .color = state_paint },
	{ "health", "HEALTH", .color = health_paint },
	{ "since_s", "SINCE", TABLE_RIGHT, .text = since_text },
	{ "share", "SHARE", TABLE_RIGHT, .text = column_share },
	{ "flows", "FLOWS", TABLE_RIGHT, .text = flows_text },
	{ "next_hop", "NEXT HOP", .color = hop_paint },
	{ "reason", "REASON", TABLE_WRAP, .text = reason_text },
};

/* The rows of a service's backends, those that leave last. */
static void backend_rows(struct columns *table, const json_t *service)
{
	json_t *one = json_pack("[O]", service), *flat = listing_backends(one), *backend;
	size_t i;

	json_array_foreach (flat, i, backend)
		columns_row(table, backend, service);
	json_decref(flat);
	json_decref(one);
}

int view_backends(const json_t *services)
{
	const json_t *service;
	struct columns table;
	size_t i;

	columns_begin(&table, backend_columns, ARRAY_SIZE(backend_columns), 0);
	json_array_foreach (services, i, service)
		backend_rows(&table, service);
	return columns_print(&table);
}

static void print_line(const char *name, const char *text)
{
	printf("  %-11s%s\n", name, text);
}

static void print_tracking(const json_t *service)
{
	const json_t *rows = json_object_get(service, "tracking");

	if (mode_has_nat_table(listing_mode(service)) && !member_number(rows, "moving") &&
	    !member_number(rows, "tracked")) {
		print_line("track", "always, in the NAT table");
		return;
	}
	printf("  %-11s%s: of %llu rows %llu are stable, %llu moving, %llu tracked\n", "track",
	       member_text(service, "track"), (unsigned long long)member_number(service, "rows"),
	       (unsigned long long)member_number(rows, "stable"),
	       (unsigned long long)member_number(rows, "moving"),
	       (unsigned long long)member_number(rows, "tracked"));
}

/* Prints the times that are set. None of them is known without poised. */
static void print_times(const json_t *service)
{
	static const struct {
		const char *key, *name;
	} rows[] = {
		{ "idle_timeout", "idle" },
		{ "settle", "settle" },
		{ "slow_start", "slow start" },
		{ "panic", "panic" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (json_is_string(json_object_get(service, rows[i].key)))
			print_line(rows[i].name, member_text(service, rows[i].key));
	}
}

static void print_service(const json_t *service)
{
	size_t unreachable, up = listing_count_up(service, &unreachable);
	size_t all = json_array_size(json_object_get(service, "backends"));
	size_t leaving = json_array_size(json_object_get(service, "leaving"));
	char text[256];

	printf("%s %s\n", member_text(service, "name"), member_text(service, "listen"));
	print_line("mode", member_text(service, "mode"));
	if (json_object_get(service, "source"))
		print_line("source", member_text(service, "source"));
	if (json_object_get(service, "gue_port"))
		printf("  %-11s%llu\n", "gue port",
		       (unsigned long long)member_number(service, "gue_port"));
	if (json_object_get(service, "outer_sources"))
		print_line("outer from", member_text(service, "outer_sources"));
	print_line("scheduler", member_text(service, "scheduler"));
	print_line("hash", member_text(service, "hash"));
	print_tracking(service);
	if (json_object_get(service, "unavailable"))
		print_line("unavailable", member_text(service, "unavailable"));
	print_times(service);
	print_line("check", check_text(service, text, sizeof(text)));
	printf("  %-11s%s%zu of %zu up%s", "backends", color_start(up_color(up, all)), up, all,
	       color_end(up_color(up, all)));
	if (unreachable)
		printf(", %zu unreachable: see NEXT HOP", unreachable);
	if (leaving)
		printf(", %zu leaving", leaving);
	putchar('\n');
}

int view_service(const json_t *service)
{
	struct columns table;

	print_service(service);
	if (!json_array_size(json_object_get(service, "backends")) &&
	    !json_array_size(json_object_get(service, "leaving")))
		return EXIT_DONE;
	putchar('\n');
	columns_begin(&table, backend_columns + 1, ARRAY_SIZE(backend_columns) - 1, 0);
	backend_rows(&table, service);
	return columns_print(&table);
}

struct troubles {
	size_t down, unreachable;
	const char *name; /* of the last service with any */
	bool stale;       /* from maps: no reasons are known */
};

static void troubles_count(const json_t *service, struct troubles *troubles)
{
	const json_t *backend;
	size_t i;

	json_array_foreach (json_object_get(service, "backends"), i, backend) {
		bool down = !strcmp(member_text(backend, "health"), "down");

		if (!down && !is_unreachable(backend))
			continue;
		troubles->down += down;
		troubles->unreachable += !down;
		troubles->name = member_text(service, "name");
		troubles->stale = json_is_null(json_object_get(backend, "since_s"));
	}
}

void view_hint(const json_t *services)
{
	struct troubles troubles = { 0 };
	const json_t *service;
	size_t i;

	json_array_foreach (services, i, service)
		troubles_count(service, &troubles);
	fflush(stdout);
	if (troubles.down && troubles.stale)
		fprintf(stderr, "hint: %zu down when poised last checked\n", troubles.down);
	else if (troubles.down == 1)
		fprintf(stderr, "hint: 1 backend is down: `poise backend list %s` says why\n",
			troubles.name);
	else if (troubles.down)
		fprintf(stderr, "hint: %zu backends are down: `poise backend list` says why\n",
			troubles.down);
	else if (troubles.unreachable)
		fprintf(stderr,
			"hint: %zu backend%s no traffic: see the next hop in `poise backend "
			"list`\n",
			troubles.unreachable, troubles.unreachable == 1 ? " gets" : "s get");
}
