// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "print/rates.h"
#include "run/run_rows.h"
#include "print/json.h"

static const json_t *find(const json_t *list, const char *key, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (!strcmp(member_text(item, key), text))
			return item;
	}
	return NULL;
}

static const json_t *service_stats(const json_t *stats, const char *name)
{
	return find(json_object_get(stats, "services"), "name", name);
}

/* New flows in between; all where a counter began anew. */
static __u64 delta(const json_t *now, const json_t *before)
{
	__u64 more = member_number(now, "new_flows"), less = member_number(before, "new_flows");

	return more < less ? more : more - less;
}

/* Up, and still without traffic: then the next hop tells. */
static const char *reason_of(const json_t *backend)
{
	const char *reason = member_text(backend, "reason");

	if (strcmp(reason, "-"))
		return reason;
	if (json_is_false(json_object_get(backend, "usable")) &&
	    strcmp(member_text(backend, "health"), "checking"))
		return member_text(backend, "next_hop");
	return "";
}

struct window {
	const json_t *stats, *before; /* of the service */
	__u64 elapsed_ns;
};

static void counts_fill(const struct window *window, const json_t *stats, const json_t *before,
			struct run_row *row)
{
	__u64 fresh = window->before ? delta(stats, before) : 0;
	__u64 all = window->before ? delta(window->stats, window->before) : 0;

	row->new_flows = member_number(stats, "new_flows");
	row->share = rates_share(row->new_flows, member_number(window->stats, "new_flows"));
	row->now = rates_share(fresh, all);
	row->new_per_s = rates_per_second(fresh, window->elapsed_ns);
}

static void backend_fill(const struct window *window, const json_t *backend, struct run_row *row)
{
	const char *id = member_text(backend, "id");

	counts_fill(window, find(json_object_get(window->stats, "backends"), "id", id),
		    find(json_object_get(window->before, "backends"), "id", id), row);
	row->id = id;
	row->health = member_text(backend, "health");
	row->reason = reason_of(backend);
	row->since_s = member_number(backend, "since_s");
	row->wanted = json_number_value(json_object_get(backend, "share"));
	row->live = member_number(backend, "flows");
}

static size_t service_fill(const struct window *window, const json_t *service, struct run_row *rows)
{
	const json_t *backends = json_object_get(service, "backends"), *backend;
	struct run_row all = { .service = member_text(service, "name"),
			       .listen = member_text(service, "listen"),
			       .health = "",
			       .reason = "" };
	size_t i, count = 0;

	rows[count++] = all;
	json_array_foreach (backends, i, backend) {
		struct run_row *row = &rows[count++];

		*row = all;
		backend_fill(window, backend, row);
		rows[0].wanted += row->wanted;
		rows[0].live += row->live;
	}
	counts_fill(window, window->stats, window->before, &rows[0]);
	return count;
}

struct run_row *run_rows_make(const json_t *services, const json_t *stats, const json_t *before,
			      size_t *count)
{
	__u64 now_ns = member_number(stats, "time_ns"), then_ns = member_number(before, "time_ns");
	struct window window = { .elapsed_ns = before && now_ns > then_ns ? now_ns - then_ns : 0 };
	size_t i, room = json_array_size(services);
	const json_t *service;
	struct run_row *rows;

	json_array_foreach (services, i, service)
		room += json_array_size(json_object_get(service, "backends"));
	rows = calloc(room + 1, sizeof(*rows));
	*count = 0;
	json_array_foreach (services, i, service) {
		const char *name = member_text(service, "name");

		if (!rows)
			break;
		window.stats = service_stats(stats, name);
		window.before = service_stats(before, name);
		*count += service_fill(&window, service, rows + *count);
	}
	return rows;
}
