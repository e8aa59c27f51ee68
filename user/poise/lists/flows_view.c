// SPDX-License-Identifier: BSD-2-Clause
/* poise flows: the flow table and what it is for, read from the pinned maps; poised only adds the
 * ports of nat. */
#include <string.h>

#include "client.h"
#include "flows.h"
#include "format.h"
#include "listing.h"
#include "nat_view.h"
#include "offline.h"
#include "table.h"
#include "tree.h"

static json_t *backend_encode(const json_t *backend, bool leaving, bool tracks)
{
	static const char *const keys[] = { "id",      "target", "state",        "flows",
					    "closing", "rows",   "previous_rows" };
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		json_object_set(object, keys[i], json_object_get(backend, keys[i]));
	if (leaving)
		json_object_set_new(object, "state", json_string("leaving"));
	if (!tracks) {
		json_object_set_new(object, "flows", json_null());
		json_object_set_new(object, "closing", json_null());
	}
	return object;
}

static json_t *service_encode(const json_t *service)
{
	static const char *const keys[] = { "name", "mode", "source", "track", "rows", "tracking" };
	static const char *const lists[] = { "backends", "leaving" };
	json_t *object = json_object(), *backends = json_array(), *backend;
	bool tracks = listing_tracks(service);
	__u64 flows = 0, closing = 0;
	bool known = tracks;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		json_object_set(object, keys[i], json_object_get(service, keys[i]));
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		json_array_foreach (json_object_get(service, lists[i]), k, backend) {
			flows += tree_number(backend, "flows");
			closing += tree_number(backend, "closing");
			known = known && !json_is_null(json_object_get(backend, "flows"));
			json_array_append_new(backends, backend_encode(backend, i, tracks));
		}
	}
	json_object_set_new(object, "flows", known ? json_integer(flows) : json_null());
	json_object_set_new(object, "closing", known ? json_integer(closing) : json_null());
	json_object_set_new(object, "backends", backends);
	return object;
}

json_t *flows_encode(const json_t *services, const json_t *tables, const char *only)
{
	json_t *list = json_array(), *flows;
	const json_t *service;
	size_t i;

	json_array_foreach (services, i, service) {
		if (!only || !strcmp(tree_text(service, "name"), only))
			json_array_append_new(list, service_encode(service));
	}
	flows = json_pack("{s:O, s:o}", "table", json_object_get(tables, "flows"), "services",
			  list);
	if (json_object_get(tables, "nat"))
		json_object_set(flows, "nat", json_object_get(tables, "nat"));
	return flows;
}

const char *flows_rows_text(const json_t *service, char *buf, size_t size)
{
	const json_t *rows = json_object_get(service, "tracking");
	unsigned long long stable = tree_number(rows, "stable");
	unsigned long long moving = tree_number(rows, "moving");
	unsigned long long tracked = tree_number(rows, "tracked");

	if (!moving && !tracked && listing_nat(service))
		snprintf(buf, size, "each flow is in the NAT table");
	else if (!moving && !tracked && !strcmp(tree_text(service, "mode"), "local"))
		snprintf(buf, size,
			 "connections are with the kernel's sockets: `poise backend list` counts "
			 "them");
	else if (!moving && !tracked)
		snprintf(buf, size, "all %llu rows are stable: their flows need no tracking",
			 stable);
	else if (!stable && !moving)
		snprintf(buf, size, "all %llu rows are tracked", tracked);
	else if (!stable)
		snprintf(buf, size, "%llu rows are moving, %llu tracked", moving, tracked);
	else
		snprintf(buf, size,
			 "%llu rows are moving, %llu tracked; %llu are stable: their flows need no "
			 "tracking",
			 moving, tracked, stable);
	return buf;
}

const char *flows_table_text(const json_t *table, char *buf, size_t size)
{
	__u64 entries = tree_number(table, "size"), occupied = tree_number(table, "occupied");
	__u64 evicted = tree_number(table, "evicted"), lost = tree_number(table, "lost");
	char share[FORMAT_SIZE], pushed[FORMAT_SIZE], missed[FORMAT_SIZE], lost_text[64] = "";

	format_share(entries ? (double)occupied / (double)entries : -1, share);
	if (lost)
		snprintf(lost_text, sizeof(lost_text), ", %s not entered",
			 format_count(lost, missed));
	snprintf(buf, size,
		 "%llu entries, %llu in use (%s), %llu of them by one packet so far; "
		 "%s live ones lost to others%s%s",
		 (unsigned long long)entries, (unsigned long long)occupied, share,
		 (unsigned long long)tree_number(table, "new"),
		 evicted ? format_count(evicted, pushed) : "no", lost_text,
		 evicted ? ": raise `flows`" : "");
	return buf;
}

static void cell_count(struct table *table, const json_t *object, const char *key)
{
	char text[FORMAT_SIZE];

	if (json_is_integer(json_object_get(object, key)))
		table_cell(table, "%s", format_count(tree_number(object, key), text));
	else
		table_cell(table, "-");
}

static void service_rows(struct table *table, const json_t *service)
{
	const char *name = tree_text(service, "name");
	const json_t *backend;
	size_t i;

	table_row(table);
	table_cell(table, "%s", name);
	table_cell(table, "all");
	table_cell(table, "%s", "");
	cell_count(table, service, "flows");
	cell_count(table, service, "closing");
	cell_count(table, service, "rows");
	cell_count(table, json_object_get(service, "tracking"), "moving");
	json_array_foreach (json_object_get(service, "backends"), i, backend) {
		const char *state = tree_text(backend, "state");

		table_row(table);
		table_cell(table, "%s", name);
		table_cell(table, "%s", tree_text(backend, "id"));
		table_cell(table, "%s", state);
		table_paint(table, listing_state_color(state));
		cell_count(table, backend, "flows");
		cell_count(table, backend, "closing");
		cell_count(table, backend, "rows");
		cell_count(table, backend, "previous_rows");
	}
}

static void print_nat(const json_t *nat)
{
	enum table_color color = nat_view_is_small(nat) ? TABLE_UNSURE : TABLE_PLAIN;
	char use[256], history[256];

	if (json_is_object(nat))
		printf("%sNAT table: %s; %s%s\n", color_start(color),
		       nat_view_use(nat, use, sizeof(use)),
		       nat_view_history(nat, history, sizeof(history)), color_end(color));
}

static int flows_print(const json_t *flows)
{
	static const struct table_column columns[] = {
		{ "SERVICE" },
		{ "BACKEND" },
		{ "STATE" },
		{ "FLOWS", TABLE_RIGHT },
		{ "CLOSING", TABLE_RIGHT },
		{ "ROWS", TABLE_RIGHT },
		{ "MOVING AWAY", TABLE_RIGHT },
	};
	const json_t *services = json_object_get(flows, "services"), *service;
	const json_t *health = json_object_get(flows, "table");
	enum table_color color = tree_number(health, "evicted") ? TABLE_UNSURE : TABLE_PLAIN;
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	char text[256];
	int status;
	size_t i;

	json_array_foreach (services, i, service)
		service_rows(table, service);
	status = table_print(table);
	if (status != EXIT_DONE)
		return status;
	putchar('\n');
	json_array_foreach (services, i, service)
		printf("%s: %s\n", tree_text(service, "name"),
		       flows_rows_text(service, text, sizeof(text)));
	printf("%sflow table: %s%s\n", color_start(color),
	       flows_table_text(health, text, sizeof(text)), color_end(color));
	print_nat(json_object_get(flows, "nat"));
	return EXIT_DONE;
}

/* The ports in use are in no map: poised knows them, where it runs. */
static void ports_ask(const struct command *cmd, json_t *tables)
{
	json_t *nat = json_object_get(tables, "nat");
	struct client_reply reply;

	if (!nat)
		return;
	if (client_answer_silent(cmd, "GET", "/v1/status", NULL, &reply) == EXIT_DONE &&
	    json_is_string(json_object_get(json_object_get(reply.body, "nat"), "ports")))
		json_object_set(nat, "ports",
				json_object_get(json_object_get(reply.body, "nat"), "ports"));
	client_reply_free(&reply);
}

static int flows_show(struct command *cmd)
{
	const char *only = cmd->argc ? cmd->argv[0] : NULL;
	json_t *services, *tables = NULL, *flows = NULL;
	struct maps maps;
	int status = offline_open_maps(cmd, &maps);

	if (status != EXIT_DONE)
		return status;
	services = offline_services(&maps, &tables);
	maps_close(&maps);
	if (!services || !json_is_object(json_object_get(tables, "flows"))) {
		status = command_refuse("the pinned flow table cannot be read");
	} else if (only && !listing_find(services, only)) {
		status = EXIT_REFUSED;
	} else {
		ports_ask(cmd, tables);
		flows = flows_encode(services, tables, only);
	}
	if (status == EXIT_DONE)
		status = cmd->json ? tree_print(json_incref(flows)) : flows_print(flows);
	json_decref(flows);
	json_decref(services);
	json_decref(tables);
	return status;
}

int cmd_flows(struct command *cmd)
{
	static const struct verb verb = {
		"flows",
		"[SERVICE]",
		"tracked flows, rows that move, health of the flow table; needs no poised",
		0,
		1,
		NULL,
		flows_show,
	};

	return verb_run(cmd, &verb);
}
