// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "addr.h"
#include "conf.h"
#include "format.h"
#include "poise.h"
#include "rates.h"
#include "stats.h"
#include "table.h"

static const char *backend_id(const struct stats_backend *backend, char buf[ENDPOINT_TEXT_SIZE])
{
	struct addr addr;

	memcpy(addr.b, backend->name->addr, sizeof(addr.b));
	return endpoint_format(&addr, ntohs(backend->name->port), buf);
}

static json_t *share_encode(double share)
{
	return share < 0 ? json_null() : json_real(share);
}

/* Null where nobody counts: of mode local packets between two sockets, of others replies that go
 * past us. */
static void put_counters(json_t *object, const struct stats_service *service,
			 const struct counter *total, const struct counter *delta, __u64 elapsed_ns)
{
	const struct {
		const char *name, *rate;
		__u64 total, delta;
		bool counted;
	} rows[] = {
		{ "packets", "packets_per_s", total->packets, delta->packets, !service->sockets },
		{ "bytes", "bytes_per_s", total->bytes, delta->bytes, !service->sockets },
		{ "new_flows", "new_flows_per_s", total->new_flows, delta->new_flows, true },
		{ "reply_packets", "reply_packets_per_s", total->reply_packets,
		  delta->reply_packets, service->replies },
		{ "reply_bytes", "reply_bytes_per_s", total->reply_bytes, delta->reply_bytes,
		  service->replies },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		json_object_set_new(object, rows[i].name,
				    rows[i].counted || rows[i].total ? json_integer(rows[i].total)
								     : json_null());
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		json_object_set_new(object, rows[i].rate,
				    elapsed_ns && (rows[i].counted || rows[i].total)
					    ? json_real(rates_per_second(rows[i].delta, elapsed_ns))
					    : json_null());
}

/* A backend's part of its service's. */
static double share_of(const struct stats_service *service, const struct counter *part,
		       const struct counter *whole)
{
	if (service->sockets)
		return rates_share(part->new_flows, whole->new_flows);
	return rates_share(part->packets, whole->packets);
}

static double share_now(const struct stats *stats, const struct stats_service *service,
			const struct stats_backend *backend)
{
	if (!stats->elapsed_ns)
		return -1;
	return share_of(service, &backend->delta, &service->delta);
}

static json_t *backend_encode(const struct stats *stats, const struct stats_service *service,
			      const struct stats_backend *backend)
{
	const __u32 weight = rates_weight(backend->name);
	char id[ENDPOINT_TEXT_SIZE];
	json_t *object = json_pack("{s:s, s:i, s:i, s:s}", "id", backend_id(backend, id), "target",
				   backend->target, "weight", backend->name->weight, "health",
				   health_name(backend->name->health));

	put_counters(object, service, &backend->total, &backend->delta, stats->elapsed_ns);
	json_object_set_new(object, "share",
			    share_encode(share_of(service, &backend->total, &service->total)));
	json_object_set_new(object, "share_now", share_encode(share_now(stats, service, backend)));
	json_object_set_new(object, "share_wanted",
			    share_encode(rates_share(weight, service->weight)));
	return object;
}

json_t *stats_encode(const struct stats *stats)
{
	json_t *services = json_array();
	size_t i, k;

	for (i = 0; i < stats->service_count; i++) {
		const struct stats_service *service = &stats->services[i];
		json_t *object = json_pack("{s:s}", "name", service->name);
		json_t *backends = json_array();

		put_counters(object, service, &service->total, &service->delta, stats->elapsed_ns);
		for (k = 0; k < service->backend_count; k++)
			json_array_append_new(
				backends, backend_encode(stats, service, &service->backends[k]));
		json_object_set_new(object, "backends", backends);
		json_array_append_new(services, object);
	}
	return json_pack("{s:I, s:f, s:o}", "time_ns", (json_int_t)stats->time_ns, "interval_s",
			 (double)stats->elapsed_ns / 1e9, "services", services);
}

/* Columns, of which some tables have not all. */
enum column_kind { ALWAYS, RATES = 1, REPLIES = 2 };

static const struct {
	struct table_column column;
	int kind; /* what it belongs to */
} columns[] = {
	{ { "SERVICE" }, ALWAYS },
	{ { "BACKEND" }, ALWAYS },
	{ { "PACKETS", TABLE_RIGHT }, ALWAYS },
	{ { "BYTES", TABLE_RIGHT }, ALWAYS },
	{ { "FLOWS", TABLE_RIGHT }, ALWAYS },
	{ { "REPLIES", TABLE_RIGHT }, REPLIES },
	{ { "REPLY BYTES", TABLE_RIGHT }, REPLIES },
	{ { "PACKETS/S", TABLE_RIGHT }, RATES },
	{ { "BYTES/S", TABLE_RIGHT }, RATES },
	{ { "FLOWS/S", TABLE_RIGHT }, RATES },
	{ { "REPLIES/S", TABLE_RIGHT }, RATES | REPLIES },
	{ { "REPLY BYTES/S", TABLE_RIGHT }, RATES | REPLIES },
	{ { "SHARE", TABLE_RIGHT }, ALWAYS },
	{ { "NOW", TABLE_RIGHT }, RATES },
	{ { "WANTED", TABLE_RIGHT }, ALWAYS },
};

/* What all cells of a table need to know. */
struct view {
	const struct stats *stats;
	struct table *table;
	int kinds; /* of columns it has */
};

static void rate_cell(const struct view *view, bool known, __u64 count, const char *unit)
{
	char text[FORMAT_SIZE];
	double per_s = rates_per_second(count, view->stats->elapsed_ns);

	table_cell(view->table, "%s", known ? format_rate(per_s, unit, text) : "-");
}

/* Where replies go past us, nothing is known of them. */
static void reply_cells(const struct view *view, bool known, const struct counter *total)
{
	char text[FORMAT_SIZE];

	table_cell(view->table, "%s", known ? format_count(total->reply_packets, text) : "-");
	table_cell(view->table, "%s", known ? format_bytes(total->reply_bytes, text) : "-");
}

static void counter_cells(const struct view *view, const struct stats_service *service,
			  const struct counter *total, const struct counter *delta)
{
	char text[FORMAT_SIZE];
	/* Between two sockets nobody counts them. */
	bool packets = !service->sockets || total->packets;
	bool bytes = !service->sockets || total->bytes;

	table_cell(view->table, "%s", packets ? format_count(total->packets, text) : "-");
	table_cell(view->table, "%s", bytes ? format_bytes(total->bytes, text) : "-");
	table_cell(view->table, "%s", format_count(total->new_flows, text));
	if (view->kinds & REPLIES)
		reply_cells(view, service->replies, total);
	if (!(view->kinds & RATES))
		return;
	rate_cell(view, packets, delta->packets, "");
	rate_cell(view, bytes, delta->bytes, "B");
	rate_cell(view, true, delta->new_flows, "");
	if (!(view->kinds & REPLIES))
		return;
	rate_cell(view, service->replies, delta->reply_packets, "");
	rate_cell(view, service->replies, delta->reply_bytes, "B");
}

static void backend_row(const struct view *view, const struct stats_service *service,
			const struct stats_backend *backend)
{
	double wanted = rates_share(rates_weight(backend->name), service->weight);
	double share = share_of(service, &backend->total, &service->total);
	double now = share_now(view->stats, service, backend);
	char id[ENDPOINT_TEXT_SIZE], text[FORMAT_SIZE];

	table_row(view->table);
	table_cell(view->table, "%s", service->name);
	table_cell(view->table, "%s", backend_id(backend, id));
	counter_cells(view, service, &backend->total, &backend->delta);
	table_cell(view->table, "%s", format_share(share, text));
	if (view->kinds & RATES)
		table_cell(view->table, "%s", format_share(now, text));
	table_cell(view->table, "%s", format_share(wanted, text));
}

static struct table *table_make(int kinds)
{
	struct table_column chosen[ARRAY_SIZE(columns)];
	size_t i, count = 0;

	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		if ((columns[i].kind & kinds) == columns[i].kind)
			chosen[count++] = columns[i].column;
	}
	return table_new(chosen, count);
}

int stats_table(const struct stats *stats)
{
	struct view view = { .stats = stats, .kinds = stats->elapsed_ns ? RATES : ALWAYS };
	size_t i, k;

	for (i = 0; i < stats->service_count; i++)
		view.kinds |= stats->services[i].replies ? REPLIES : ALWAYS;
	view.table = table_make(view.kinds);
	for (i = 0; i < stats->service_count; i++) {
		const struct stats_service *service = &stats->services[i];

		table_row(view.table);
		table_cell(view.table, "%s", service->name);
		table_cell(view.table, "all");
		counter_cells(&view, service, &service->total, &service->delta);
		for (k = 0; k < service->backend_count; k++)
			backend_row(&view, service, &service->backends[k]);
	}
	return table_print(view.table);
}
