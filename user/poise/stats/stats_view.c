// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "print/columns.h"
#include "print/json.h"
#include "cli/command.h"
#include "print/rates.h"
#include "stats/stats.h"

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
		{ "icmp_errors", "icmp_errors_per_s", total->icmp_errors, delta->icmp_errors,
		  !service->sockets },
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

/* Kinds of columns that not every table has. */
enum column_kind { RATES = 1, REPLIES = 2, ERRORS = 4 };

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

static const struct column stats_columns[] = {
	{ "name", "SERVICE", .text = service_text },
	{ "id", "BACKEND", .text = backend_text },
	{ "packets", "PACKETS", TABLE_RIGHT, .text = column_count },
	{ "bytes", "BYTES", TABLE_RIGHT, .text = column_bytes },
	{ "new_flows", "FLOWS", TABLE_RIGHT, .text = column_count },
	{ "reply_packets", "REPLIES", TABLE_RIGHT, .text = column_count, .kinds = REPLIES },
	{ "reply_bytes", "REPLY BYTES", TABLE_RIGHT, .text = column_bytes, .kinds = REPLIES },
	{ "icmp_errors", "ICMP ERRORS", TABLE_RIGHT, .text = column_count, .kinds = ERRORS },
	{ "packets_per_s", "PACKETS/S", TABLE_RIGHT, .text = column_rate, .kinds = RATES },
	{ "bytes_per_s", "BYTES/S", TABLE_RIGHT, .text = column_byte_rate, .kinds = RATES },
	{ "new_flows_per_s", "FLOWS/S", TABLE_RIGHT, .text = column_rate, .kinds = RATES },
	{ "reply_packets_per_s", "REPLIES/S", TABLE_RIGHT, .text = column_rate,
	  .kinds = RATES | REPLIES },
	{ "reply_bytes_per_s", "REPLY BYTES/S", TABLE_RIGHT, .text = column_byte_rate,
	  .kinds = RATES | REPLIES },
	{ "share", "SHARE", TABLE_RIGHT, .text = column_share },
	{ "share_now", "NOW", TABLE_RIGHT, .text = column_share, .kinds = RATES },
	{ "share_wanted", "WANTED", TABLE_RIGHT, .text = column_share },
};

int stats_table(const struct stats *stats)
{
	json_t *all = stats_encode(stats), *service, *backend;
	unsigned int kinds = stats->elapsed_ns ? RATES : 0;
	struct columns table;
	size_t i, k;

	if (!all)
		return command_refuse("out of memory");
	for (i = 0; i < stats->service_count; i++) {
		kinds |= stats->services[i].replies ? REPLIES : 0;
		kinds |= stats->services[i].total.icmp_errors ? ERRORS : 0;
	}
	columns_begin(&table, stats_columns, ARRAY_SIZE(stats_columns), kinds);
	json_array_foreach (json_object_get(all, "services"), i, service) {
		columns_row(&table, service, NULL);
		json_array_foreach (json_object_get(service, "backends"), k, backend)
			columns_row(&table, backend, service);
	}
	json_decref(all);
	return columns_print(&table);
}
