// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "format.h"
#include "listing.h"
#include "tree.h"
#include "view.h"

/* "http:/healthz, interval 2s": the words that --check and its sisters take. */
static const char *check_text(const json_t *service, char *buf, size_t size)
{
	json_t *check = json_object_get(service, "check"), *value;
	const char *http = json_string_value(json_object_get(check, "http")), *key;
	size_t used;

	if (!check)
		return "-";
	used = http ? snprintf(buf, size, "http:%s", http) : snprintf(buf, size, "tcp");
	json_object_foreach (check, key, value) {
		if (!strcmp(key, "http") || !strcmp(key, "tcp") || used >= size)
			continue;
		if (json_is_string(value))
			used += snprintf(buf + used, size - used, ", %s %s", key,
					 json_string_value(value));
		else
			used += snprintf(buf + used, size - used, ", %s %lld", key,
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

int view_services(const json_t *services)
{
	static const struct table_column columns[] = {
		{ "NAME" }, { "LISTEN" }, { "MODE" }, { "SCHEDULER" },
		{ "HASH" }, { "TRACK" },  { "UP" },   { "CHECK", TABLE_WRAP },
	};
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const json_t *service;
	char check[256];
	size_t i;

	json_array_foreach (services, i, service) {
		size_t all = json_array_size(json_object_get(service, "backends"));
		size_t up = listing_count_up(service, NULL);

		table_row(table);
		table_cell(table, "%s", tree_text(service, "name"));
		table_cell(table, "%s", tree_text(service, "listen"));
		table_cell(table, "%s", listing_mode(service));
		table_cell(table, "%s", tree_text(service, "scheduler"));
		table_cell(table, "%s", tree_text(service, "hash"));
		table_cell(table, "%s", tree_text(service, "track"));
		table_cell(table, "%zu of %zu", up, all);
		table_paint(table, up_color(up, all));
		table_cell(table, "%s", check_text(service, check, sizeof(check)));
	}
	return table_print(table);
}

static void cell_since(struct table *table, const json_t *backend)
{
	char text[FORMAT_SIZE];

	if (json_is_integer(json_object_get(backend, "since_s")))
		table_cell(table, "%s", format_duration(tree_number(backend, "since_s"), text));
	else
		table_cell(table, "-");
}

static void cell_share(struct table *table, const json_t *backend)
{
	const json_t *share = json_object_get(backend, "share");
	char text[FORMAT_SIZE];

	table_cell(table, "%s",
		   format_share(json_is_number(share) ? json_number_value(share) : -1, text));
}

/* Up and wanted, and still without traffic: then the next hop says why. */
static bool is_unreachable(const json_t *backend)
{
	const char *health = tree_text(backend, "health");

	return json_is_false(json_object_get(backend, "usable")) &&
	       (!strcmp(health, "up") || !strcmp(health, "unchecked")) &&
	       !strcmp(tree_text(backend, "state"), "ready") &&
	       !json_is_true(json_object_get(backend, "sorry")) && tree_number(backend, "weight");
}

/* Those of a service whose rows are all stable are not tracked. */
static void cell_flows(struct table *table, const json_t *service, const json_t *backend)
{
	char text[FORMAT_SIZE];

	if (listing_tracks(service) && json_is_integer(json_object_get(backend, "flows")))
		table_cell(table, "%s", format_count(tree_number(backend, "flows"), text));
	else
		table_cell(table, "-");
}

static void backend_cells(struct table *table, const json_t *service, const json_t *backend,
			  bool leaving)
{
	const char *health = tree_text(backend, "health");
	const char *reason = tree_text(backend, "reason");
	char state[LISTING_STATE_SIZE];

	table_cell(table, "%s", tree_text(backend, "id"));
	table_cell(table, "%llu", (unsigned long long)tree_number(backend, "weight"));
	table_cell(table, "%s", listing_state(backend, leaving, state));
	table_paint(table, listing_state_color(state));
	table_cell(table, "%s", health);
	table_paint(table, listing_health_color(health));
	cell_since(table, backend);
	cell_share(table, backend);
	cell_flows(table, service, backend);
	table_cell(table, "%s", tree_text(backend, "next_hop"));
	table_paint(table, is_unreachable(backend) ? TABLE_UNSURE : TABLE_PLAIN);
	table_cell(table, "%s", strcmp(reason, "-") ? reason : "");
}

/* A service's backends, those that leave last; named: with its name first. */
static void backend_rows(struct table *table, const json_t *service, bool named)
{
	static const char *const lists[] = { "backends", "leaving" };
	const json_t *backend;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		json_array_foreach (json_object_get(service, lists[i]), k, backend) {
			table_row(table);
			if (named)
				table_cell(table, "%s", tree_text(service, "name"));
			backend_cells(table, service, backend, i);
		}
	}
}

int view_backends(const json_t *services)
{
	static const struct table_column columns[] = {
		{ "SERVICE" },
		{ "BACKEND" },
		{ "WEIGHT", TABLE_RIGHT },
		{ "STATE" },
		{ "HEALTH" },
		{ "SINCE", TABLE_RIGHT },
		{ "SHARE", TABLE_RIGHT },
		{ "FLOWS", TABLE_RIGHT },
		{ "NEXT HOP" },
		{ "REASON", TABLE_WRAP },
	};
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const json_t *service;
	size_t i;

	json_array_foreach (services, i, service)
		backend_rows(table, service, true);
	return table_print(table);
}

static void print_line(const char *name, const char *text)
{
	printf("  %-11s%s\n", name, text);
}

static void print_tracking(const json_t *service)
{
	const json_t *rows = json_object_get(service, "tracking");

	if (listing_nat(service) && !tree_number(rows, "moving") && !tree_number(rows, "tracked")) {
		print_line("track", "always, in the NAT table");
		return;
	}
	printf("  %-11s%s: of %llu rows %llu are stable, %llu moving, %llu tracked\n", "track",
	       tree_text(service, "track"), (unsigned long long)tree_number(service, "rows"),
	       (unsigned long long)tree_number(rows, "stable"),
	       (unsigned long long)tree_number(rows, "moving"),
	       (unsigned long long)tree_number(rows, "tracked"));
}

/* What is set of the rest; without poised none of it is known. */
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
			print_line(rows[i].name, tree_text(service, rows[i].key));
	}
}

static void print_service(const json_t *service)
{
	size_t unreachable, up = listing_count_up(service, &unreachable);
	size_t all = json_array_size(json_object_get(service, "backends"));
	size_t leaving = json_array_size(json_object_get(service, "leaving"));
	char text[256];

	printf("%s %s\n", tree_text(service, "name"), tree_text(service, "listen"));
	print_line("mode", tree_text(service, "mode"));
	if (json_object_get(service, "source"))
		print_line("source", tree_text(service, "source"));
	if (json_object_get(service, "gue_port"))
		printf("  %-11s%llu\n", "gue port",
		       (unsigned long long)tree_number(service, "gue_port"));
	print_line("scheduler", tree_text(service, "scheduler"));
	print_line("hash", tree_text(service, "hash"));
	print_tracking(service);
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
	static const struct table_column columns[] = {
		{ "BACKEND" },
		{ "WEIGHT", TABLE_RIGHT },
		{ "STATE" },
		{ "HEALTH" },
		{ "SINCE", TABLE_RIGHT },
		{ "SHARE", TABLE_RIGHT },
		{ "FLOWS", TABLE_RIGHT },
		{ "NEXT HOP" },
		{ "REASON", TABLE_WRAP },
	};
	struct table *table;

	print_service(service);
	if (!json_array_size(json_object_get(service, "backends")) &&
	    !json_array_size(json_object_get(service, "leaving")))
		return EXIT_DONE;
	putchar('\n');
	table = table_new(columns, ARRAY_SIZE(columns));
	backend_rows(table, service, false);
	return table_print(table);
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
		bool down = !strcmp(tree_text(backend, "health"), "down");

		if (!down && !is_unreachable(backend))
			continue;
		troubles->down += down;
		troubles->unreachable += !down;
		troubles->name = tree_text(service, "name");
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
