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

static void put_counters(json_t *object, const struct counter *total, const struct counter *delta,
			 __u64 elapsed_ns)
{
	const struct {
		const char *name, *rate;
		__u64 total, delta;
	} rows[] = {
		{ "packets", "packets_per_s", total->packets, delta->packets },
		{ "bytes", "bytes_per_s", total->bytes, delta->bytes },
		{ "new_flows", "new_flows_per_s", total->new_flows, delta->new_flows },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		json_object_set_new(object, rows[i].name, json_integer(rows[i].total));
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		json_object_set_new(object, rows[i].rate,
				    elapsed_ns
					    ? json_real(rates_per_second(rows[i].delta, elapsed_ns))
					    : json_null());
}

static double share_now(const struct stats *stats, const struct stats_service *service,
			const struct stats_backend *backend)
{
	if (!stats->elapsed_ns)
		return -1;
	return rates_share(backend->delta.packets, service->delta.packets);
}

static json_t *backend_encode(const struct stats *stats, const struct stats_service *service,
			      const struct stats_backend *backend)
{
	const __u32 weight = rates_weight(backend->name);
	char id[ENDPOINT_TEXT_SIZE];
	json_t *object = json_pack("{s:s, s:i, s:i, s:s}", "id", backend_id(backend, id), "target",
				   backend->target, "weight", backend->name->weight, "health",
				   health_name(backend->name->health));

	put_counters(object, &backend->total, &backend->delta, stats->elapsed_ns);
	json_object_set_new(
		object, "share",
		share_encode(rates_share(backend->total.packets, service->total.packets)));
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

		put_counters(object, &service->total, &service->delta, stats->elapsed_ns);
		for (k = 0; k < service->backend_count; k++)
			json_array_append_new(
				backends, backend_encode(stats, service, &service->backends[k]));
		json_object_set_new(object, "backends", backends);
		json_array_append_new(services, object);
	}
	return json_pack("{s:I, s:f, s:o}", "time_ns", (json_int_t)stats->time_ns, "interval_s",
			 (double)stats->elapsed_ns / 1e9, "services", services);
}

static void counter_cells(struct table *table, const struct counter *total,
			  const struct counter *delta, __u64 elapsed_ns)
{
	char text[FORMAT_SIZE];

	table_cell(table, "%s", format_count(total->packets, text));
	table_cell(table, "%s", format_bytes(total->bytes, text));
	table_cell(table, "%s", format_count(total->new_flows, text));
	if (!elapsed_ns)
		return;
	table_cell(table, "%s",
		   format_rate(rates_per_second(delta->packets, elapsed_ns), "", text));
	table_cell(table, "%s", format_rate(rates_per_second(delta->bytes, elapsed_ns), "B", text));
	table_cell(table, "%s",
		   format_rate(rates_per_second(delta->new_flows, elapsed_ns), "", text));
}

static void backend_row(struct table *table, const struct stats *stats,
			const struct stats_service *service, const struct stats_backend *backend)
{
	char text[ENDPOINT_TEXT_SIZE], share[FORMAT_SIZE];
	double wanted = rates_share(rates_weight(backend->name), service->weight);

	table_row(table);
	table_cell(table, "%s", service->name);
	table_cell(table, "%s", backend_id(backend, text));
	counter_cells(table, &backend->total, &backend->delta, stats->elapsed_ns);
	table_cell(
		table, "%s",
		format_share(rates_share(backend->total.packets, service->total.packets), share));
	if (stats->elapsed_ns)
		table_cell(table, "%s", format_share(share_now(stats, service, backend), share));
	table_cell(table, "%s", format_share(wanted, share));
}

int stats_table(const struct stats *stats)
{
	static const struct table_column rated[] = {
		{ "SERVICE" },
		{ "BACKEND" },
		{ "PACKETS", TABLE_RIGHT },
		{ "BYTES", TABLE_RIGHT },
		{ "FLOWS", TABLE_RIGHT },
		{ "PACKETS/S", TABLE_RIGHT },
		{ "BYTES/S", TABLE_RIGHT },
		{ "FLOWS/S", TABLE_RIGHT },
		{ "SHARE", TABLE_RIGHT },
		{ "NOW", TABLE_RIGHT },
		{ "WANTED", TABLE_RIGHT },
	};
	static const struct table_column totals[] = {
		{ "SERVICE" },
		{ "BACKEND" },
		{ "PACKETS", TABLE_RIGHT },
		{ "BYTES", TABLE_RIGHT },
		{ "FLOWS", TABLE_RIGHT },
		{ "SHARE", TABLE_RIGHT },
		{ "WANTED", TABLE_RIGHT },
	};
	struct table *table = stats->elapsed_ns ? table_new(rated, ARRAY_SIZE(rated))
						: table_new(totals, ARRAY_SIZE(totals));
	size_t i, k;

	for (i = 0; i < stats->service_count; i++) {
		const struct stats_service *service = &stats->services[i];

		table_row(table);
		table_cell(table, "%s", service->name);
		table_cell(table, "all");
		counter_cells(table, &service->total, &service->delta, stats->elapsed_ns);
		for (k = 0; k < service->backend_count; k++)
			backend_row(table, stats, service, &service->backends[k]);
	}
	return table_print(table);
}
