// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "lists/flows_view.h"
#include "lists/listing.h"
#include "print/columns.h"
#include "print/format.h"
#include "print/json.h"
#include "print/nat_view.h"

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
			flows += member_number(backend, "flows");
			closing += member_number(backend, "closing");
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
		if (!only || !strcmp(member_text(service, "name"), only))
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
	unsigned long long stable = member_number(rows, "stable");
	unsigned long long moving = member_number(rows, "moving");
	unsigned long long tracked = member_number(rows, "tracked");
	const char *known = mode_of(listing_mode(service))->flows_text;

	if (!moving && !tracked && known)
		snprintf(buf, size, "%s", known);
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
	__u64 entries = member_number(table, "size"), occupied = member_number(table, "occupied");
	__u64 evicted = member_number(table, "evicted"), lost = member_number(table, "lost");
	char share[FORMAT_SIZE], pushed[FORMAT_SIZE], missed[FORMAT_SIZE], lost_text[64] = "";

	format_share(entries ? (double)occupied / (double)entries : -1, share);
	if (lost)
		snprintf(lost_text, sizeof(lost_text), ", %s not entered",
			 format_count(lost, missed));
	snprintf(buf, size,
		 "%llu entries, %llu in use (%s), %llu of them by one packet so far; "
		 "%s live ones lost to others%s%s",
		 (unsigned long long)entries, (unsigned long long)occupied, share,
		 (unsigned long long)member_number(table, "new"),
		 evicted ? format_count(evicted, pushed) : "no", lost_text,
		 evicted ? ": raise `flows`" : "");
	return buf;
}

/* A row is a backend, or a service as a whole: then it has no parent. */
static const char *service_text(const struct column_row *row, const char *key,
				char buf[COLUMN_SIZE])
{
	(void)key;
	(void)buf;
	return member_text(row->parent ? row->parent : row->object, "name");
}

static const char *backend_text(const struct column_row *row, const char *key,
				char buf[COLUMN_SIZE])
{
	return row->parent ? column_text(row, key, buf) : "all";
}

static const char *state_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	return row->parent ? column_text(row, key, buf) : "";
}

static enum table_color state_paint(const struct column_row *row)
{
	return row->parent ? listing_state_color(member_text(row->object, "state")) : TABLE_PLAIN;
}

/* Rows that a backend gives up; of a service as a whole those that move. */
static const char *moving_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	const struct column_row rows = { json_object_get(row->object, "tracking"), NULL };

	return row->parent ? column_count(row, key, buf) : column_count(&rows, "moving", buf);
}

static const struct column flow_columns[] = {
	{ "name", "SERVICE", .text = service_text },
	{ "id", "BACKEND", .text = backend_text },
	{ "state", "STATE", .text = state_text, .color = state_paint },
	{ "flows", "FLOWS", TABLE_RIGHT, .text = column_count },
	{ "closing", "CLOSING", TABLE_RIGHT, .text = column_count },
	{ "rows", "ROWS", TABLE_RIGHT, .text = column_count },
	{ "previous_rows", "MOVING AWAY", TABLE_RIGHT, .text = moving_text },
};

static void service_rows(struct columns *table, const json_t *service)
{
	const json_t *backend;
	size_t i;

	columns_row(table, service, NULL);
	json_array_foreach (json_object_get(service, "backends"), i, backend)
		columns_row(table, backend, service);
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

int flows_print(const json_t *flows)
{
	const json_t *services = json_object_get(flows, "services"), *service;
	const json_t *health = json_object_get(flows, "table");
	enum table_color color = member_number(health, "evicted") ? TABLE_UNSURE : TABLE_PLAIN;
	struct columns table;
	char text[256];
	int status;
	size_t i;

	columns_begin(&table, flow_columns, ARRAY_SIZE(flow_columns), 0);
	json_array_foreach (services, i, service)
		service_rows(&table, service);
	status = columns_print(&table);
	if (status != EXIT_DONE)
		return status;
	putchar('\n');
	json_array_foreach (services, i, service)
		printf("%s: %s\n", member_text(service, "name"),
		       flows_rows_text(service, text, sizeof(text)));
	printf("%sflow table: %s%s\n", color_start(color),
	       flows_table_text(health, text, sizeof(text)), color_end(color));
	print_nat(json_object_get(flows, "nat"));
	return EXIT_DONE;
}
